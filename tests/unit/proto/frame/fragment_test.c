/* Proves: a datagram comes back whole from pieces in any order, and only then; pieces that
 * contradict each other end it; time and room are bounded and what is given up is counted. */
#include <criterion/criterion.h>

#include "proto/frame/fragment.h"
#include "tests/lib/exact.h"

enum { PIECES = 5, PIECE_BYTES = 16, WHOLE_BYTES = 4 * PIECE_BYTES + 3 };

static struct fragments *f;
static uint8_t whole[WHOLE_BYTES];

static void setup(void)
{
    cr_assert(fragments_new(&f) == OK);
    for (size_t i = 0; i < sizeof whole; i++)
        whole[i] = (uint8_t)(i * 7 + 1);
}

static void teardown(void)
{
    f = fragments_free(f);
}

TestSuite(fragment, .init = setup, .fini = teardown);

static struct packet piece(uint32_t id, size_t i)
{
    struct packet p = {.kind = PACKET_FRAGMENT};
    p.fragment = (struct packet_fragment){
        .id = id, .offset = (uint32_t)(i * PIECE_BYTES), .proto = 17, .more = i + 1 < PIECES};
    p.payload = span_sub(span_of(whole, sizeof whole), i * PIECE_BYTES, PIECE_BYTES);
    return p;
}

static enum err add(struct packet p, int64_t t_us, struct span *out)
{
    struct span copy = exact_copy(p.payload);
    p.payload = copy;
    enum err e = fragments_add(f, &p, t_us, out);
    exact_free(copy);
    return e;
}

/* The n-th of the 120 orders of five pieces. */
static void order(unsigned n, size_t out[static PIECES])
{
    for (size_t i = 0; i < PIECES; i++)
        out[i] = i;
    for (size_t i = PIECES; i > 1; n /= (unsigned)i, i--) {
        size_t k = n % i, swap = out[i - 1];
        out[i - 1] = out[k];
        out[k] = swap;
    }
}

Test(fragment, any_order_gives_the_whole)
{
    struct span got;
    for (unsigned n = 0; n < 120; n++) {
        size_t at[PIECES];
        order(n, at);
        for (size_t i = 0; i + 1 < PIECES; i++)
            cr_assert(add(piece(n, at[i]), 0, &got) == ERR_MORE, "order %u, piece %zu", n, i);
        cr_assert(add(piece(n, at[PIECES - 1]), 0, &got) == OK, "order %u", n);
        cr_assert(span_eq(got, span_of(whole, sizeof whole)), "order %u", n);
    }
    cr_expect(fragments_expired(f) == 0);
}

Test(fragment, repeated_pieces_are_ignored)
{
    struct span got;
    for (size_t i = 0; i + 1 < PIECES; i++) {
        cr_expect(add(piece(1, i), 0, &got) == ERR_MORE);
        cr_expect(add(piece(1, i), 0, &got) == ERR_MORE);
    }
    cr_expect(add(piece(1, PIECES - 1), 0, &got) == OK && got.n == sizeof whole);
}

Test(fragment, datagrams_do_not_mix)
{
    struct span got;
    struct packet same_id = piece(1, 1);
    same_id.src.ip[15] = 9;
    cr_expect(add(piece(1, 0), 0, &got) == ERR_MORE);
    cr_expect(add(same_id, 0, &got) == ERR_MORE);
    same_id = piece(1, 1);
    same_id.fragment.proto = 6;
    cr_expect(add(same_id, 0, &got) == ERR_MORE);
    for (size_t i = 2; i < PIECES; i++)
        cr_expect(add(piece(1, i), 0, &got) == ERR_MORE, "piece 1 came from somebody else");
    cr_expect(add(piece(1, 1), 0, &got) == OK);
}

Test(fragment, contradictions_end_the_datagram)
{
    static const struct {
        const char *what;
        uint32_t offset;
        size_t bytes;
        bool more, cut;
    } BAD[] = {
        {"overlap", 24, 16, true, false},
        {"other bytes in the same place", 16, 16, true, false},
        {"more behind the end", 80, 16, true, false},
        {"another end", 48, 16, false, false},
        {"a middle piece of an odd length", 32, 15, true, false},
        {"an empty piece", 32, 0, true, false},
        {"a piece that the capture has cut", 32, 16, true, true},
        {"a piece past the largest datagram", 65528, 16, true, false},
    };
    for (size_t i = 0; i < sizeof BAD / sizeof BAD[0]; i++) {
        uint8_t other[16] = {0};
        struct span got;
        struct packet p = piece((uint32_t)i, 1);
        cr_expect(add(p, 0, &got) == ERR_MORE);
        cr_expect(add(piece((uint32_t)i, PIECES - 1), 0, &got) == ERR_MORE);
        p.fragment.offset = BAD[i].offset;
        p.fragment.more = BAD[i].more;
        p.cut = BAD[i].cut;
        p.payload = span_of(other, BAD[i].bytes);
        cr_expect(add(p, 0, &got) == ERR_SYNTAX, "%s", BAD[i].what);
        cr_expect(fragments_expired(f) == i + 1, "%s", BAD[i].what);
    }
}

Test(fragment, an_end_before_pieces_that_have_come_is_a_contradiction)
{
    struct span got;
    struct packet end = piece(1, 0);
    cr_expect(add(piece(1, 3), 0, &got) == ERR_MORE);
    end.fragment.more = false; /* 16 bytes in all, but bytes 48 to 63 are there */
    cr_expect(add(end, 0, &got) == ERR_SYNTAX);
}

Test(fragment, the_largest_datagram)
{
    static uint8_t big[65528];
    struct span got;
    struct packet p = {.kind = PACKET_FRAGMENT, .fragment = {.id = 1, .more = true}};
    p.payload = span_of(big, sizeof big);
    cr_expect(add(p, 0, &got) == ERR_MORE);
    p.fragment.offset = sizeof big;
    p.fragment.more = false;
    p.payload.n = 7;
    cr_expect(add(p, 0, &got) == OK && got.n == FRAGMENT_DATAGRAM_BYTES_MAX);
}

Test(fragment, time_is_up_after_half_a_minute)
{
    struct span got;
    for (size_t i = 0; i + 1 < PIECES; i++)
        cr_expect(add(piece(1, i), 0, &got) == ERR_MORE);
    cr_expect(add(piece(1, PIECES - 1), FRAGMENT_LIFE_US + 1, &got) == ERR_MORE);
    cr_expect(fragments_expired(f) == 1);
}

Test(fragment, the_oldest_makes_room)
{
    struct span got;
    for (uint32_t id = 0; id <= FRAGMENT_DATAGRAMS_MAX; id++)
        cr_expect(add(piece(id, 0), id, &got) == ERR_MORE);
    cr_expect(fragments_expired(f) == 1);
    for (size_t i = 1; i < PIECES; i++) {
        enum err e = add(piece(1, i), 100, &got);
        cr_expect(e == (i + 1 < PIECES ? ERR_MORE : OK), "the second oldest is still there");
    }
}
