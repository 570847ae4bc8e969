/* Proves that cells are distinct, bounded, wiped and used again, and that chains give back
 * what was put in whatever the pieces were. */
#include "proto/record/slab.h"

#include <criterion/criterion.h>
#include <stdlib.h>

enum { CELLS = 10000 };

Test(slab, cells)
{
    struct slab s;
    cr_assert_eq(slab_init(&s, 16, CELLS), OK);
    cr_expect_eq(slab_bytes(&s), 0, "nothing before the first cell");
    for (uint32_t i = 1; i <= CELLS; i++) {
        uint32_t cell = slab_take(&s);
        cr_assert_neq(cell, 0);
        memcpy(slab_at(&s, cell), &i, sizeof i);
    }
    cr_expect_eq(slab_take(&s), 0, "the limit");
    cr_expect_eq(slab_left(&s), 0);
    for (uint32_t i = 1; i <= CELLS; i++) {
        uint32_t v;
        memcpy(&v, slab_at(&s, i), sizeof v);
        cr_assert_eq(v, i);
    }
    size_t bytes = slab_bytes(&s);
    slab_give(&s, 77);
    slab_give(&s, 78);
    static const uint8_t ZERO[16];
    cr_expect_eq(slab_take(&s), 78);
    cr_expect_arr_eq(slab_at(&s, 78), ZERO, 16, "wiped");
    cr_expect_eq(slab_take(&s), 77);
    cr_expect_eq(slab_bytes(&s), bytes);
    slab_done(&s);
}

/* Pieces of all sizes, cut anywhere, against plain memory. */
Test(slab, chains)
{
    struct slab s;
    struct chain c = {0};
    uint8_t plain[4096], back[4096];
    size_t n = 0;
    srand(1);
    cr_assert_eq(slab_init(&s, 24, 400), OK);
    for (int round = 0; round < 2000; round++) {
        uint8_t piece[64];
        size_t piece_bytes = (size_t)rand() % sizeof piece;
        for (size_t i = 0; i < piece_bytes; i++)
            piece[i] = (uint8_t)rand();
        if (n + piece_bytes <= sizeof plain && rand() % 3) {
            cr_assert(chain_append(&s, &c, span_of(piece, piece_bytes)));
            memcpy(plain + n, piece, piece_bytes);
            n += piece_bytes;
        } else {
            n = n ? (size_t)rand() % (n + 1) : 0;
            chain_cut(&s, &c, (uint32_t)n);
        }
        struct buf b = buf_of(back, sizeof back);
        chain_read(&s, &c, c.n, &b);
        cr_assert_eq(c.n, n);
        cr_assert(span_eq(buf_span(&b), span_of(plain, n)));
        size_t at = n ? (size_t)rand() % n : 0;
        cr_assert(chain_holds(&s, &c, (uint32_t)at, span_of(plain + at, n - at)));
        cr_assert_eq(s.used, chain_cells(&s, (uint32_t)n), "no cell is lost or kept");
    }
    chain_cut(&s, &c, 0);
    cr_expect_eq(s.used, 0);
    slab_done(&s);
}

Test(slab, an_append_fails_whole)
{
    struct slab s;
    struct chain c = {0};
    uint8_t bytes[100] = {1};
    cr_assert_eq(slab_init(&s, 24, 3), OK); /* 60 bytes */
    cr_expect(chain_append(&s, &c, span_of(bytes, 30)));
    cr_expect_not(chain_append(&s, &c, span_of(bytes, 31)));
    cr_expect_eq(c.n, 30);
    cr_expect_eq(s.used, 2);
    cr_expect(chain_append(&s, &c, span_of(bytes, 30)));
    cr_expect_not(chain_append(&s, &c, span_of(bytes, 1)));
    cr_expect_not(chain_holds(&s, &c, 60, span_of(bytes, 1)));
    cr_expect_not(chain_holds(&s, &c, 0, span_of(bytes, 61)));
    slab_done(&s);
}
