/* Proves: every way this machine has gives the bits of the plain loop, for each length around
 * the blocks, and reads and writes no byte beyond what the header says. */
#include <criterion/criterion.h>

#include "proto/core/bytemask.h"
#include "tests/lib/exact.h"

enum { BYTES_MAX = 3 * 64 + 5, WORDS_MAX = BYTES_MAX / 64 + 2 };

static void fill(uint8_t *p, size_t n, unsigned seed)
{
    for (size_t i = 0; i < n; i++) {
        seed = seed * 1103515245 + 12345;
        p[i] = (uint8_t)((seed >> 16) % 5 ? (seed >> 20) % 3 + '?' : '\n');
    }
}

Test(bytemask, a_bit_a_byte)
{
    uint64_t out[2] = {0};
    bytemask(span_str("\nab\n"), '\n', '\n', out);
    cr_expect_eq(out[0], 9);
    cr_expect_eq(out[1], 0);
    bytemask(span_str("\nab\n"), '\n', 'b', out);
    cr_expect_eq(out[0], 13);
    bytemask(SPAN_EMPTY, '\n', '\n', NULL);
}

Test(bytemask, all_ways_agree)
{
    uint8_t bytes[BYTES_MAX];
    for (size_t n = 0; n <= BYTES_MAX; n++) {
        fill(bytes, n, (unsigned)n);
        struct span in = exact_copy(span_of(bytes, n));
        for (enum bytemask_way way = 0; way < BYTEMASK_WAYS; way++) {
            uint64_t out[WORDS_MAX];
            memset(out, 0xa5, sizeof out);
            if (!bytemask_by(way, in, '\n', '@', out))
                continue;
            size_t words = (n + 63) / 64;
            for (size_t i = 0; i < words * 64; i++)
                cr_assert_eq(out[i / 64] >> i % 64 & 1,
                             i < n && (in.p[i] == '\n' || in.p[i] == '@'), "%d %zu %zu", way, n, i);
            cr_assert_eq(out[words], 0xa5a5a5a5a5a5a5a5, "wrote behind the last word");
        }
        exact_free(in);
    }
}

Test(bytemask, the_plain_loop_is_everywhere)
{
    uint64_t out;
    cr_expect(bytemask_by(BYTEMASK_PORTABLE, span_str("x"), 'x', 'y', &out) && out == 1);
}
