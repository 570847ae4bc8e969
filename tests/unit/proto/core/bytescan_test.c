/* Proves: every way of reading a window that this machine has finds what a loop over single bytes
 * finds, for every length and alignment, and reads no byte behind the text (each text lies in
 * memory of exactly its size); the search goes on over window after window, and back. */
#include <criterion/criterion.h>

#include "proto/core/bytescan.h"
#include "tests/lib/exact.h"

enum { BYTES_MAX = 300 };

static const struct bytescan_set SET[] = {
    {{'"', '\\', '%', '%'}, 0x20}, {{',', '\n', 0, 0}, 0},       {{0xff, 0x80, 0x7f, 1}, 0},
    {{'a', 'a', 'a', 'a'}, 0},     {{'z', 'z', 'z', 'z'}, 0xff},
};
enum { SETS_COUNT = sizeof SET / sizeof SET[0] };

static bool hits(struct bytescan_set set, uint8_t c)
{
    return memchr(set.any, c, sizeof set.any) || c < set.below;
}

static size_t plainly(struct bytescan_set set, struct span in, size_t at)
{
    while (at < in.n && !hits(set, in.p[at]))
        at++;
    return at;
}

static void check_mask(struct bytescan_set set, struct span in)
{
    for (enum bytescan_way way = BYTESCAN_PORTABLE; way <= bytescan_way(); way++) {
        uint64_t mask = bytescan_mask(way, &set, in.p, in.n);
        for (size_t i = 0; i < BYTESCAN_WINDOW_BYTES; i++)
            cr_assert((mask >> i & 1) == (i < in.n && hits(set, in.p[i])),
                      "way %u, byte %zu of %zu", way, i, in.n);
    }
}

/* Few bytes that mean something, or many. */
static void fill(uint8_t *p, size_t n, unsigned round)
{
    static uint64_t x = 88172645463325252u;
    for (size_t i = 0; i < n; i++) {
        x ^= x << 13, x ^= x >> 7, x ^= x << 17;
        bool any = round % 4 == 0 || x % 41 == 0;
        p[i] = any ? (uint8_t)(x >> 24) : (uint8_t)('b' + x % 16);
    }
}

Test(bytescan, ways_agree)
{
    uint8_t text[BYTESCAN_WINDOW_BYTES];
    for (size_t n = 0; n <= sizeof text; n++) {
        for (unsigned round = 0; round < 64; round++) {
            fill(text, n, round);
            struct span in = exact_copy(span_of(text, n));
            for (size_t s = 0; s < SETS_COUNT; s++)
                check_mask(SET[s], in);
            exact_free(in);
        }
    }
}

Test(bytescan, every_byte_is_told_apart)
{
    for (unsigned c = 0; c < 256; c++) {
        uint8_t text[BYTESCAN_WINDOW_BYTES];
        memset(text, (int)c, sizeof text);
        for (size_t s = 0; s < SETS_COUNT; s++)
            check_mask(SET[s], span_of(text, sizeof text));
    }
}

Test(bytescan, next_in_order_and_back)
{
    for (unsigned round = 0; round < 600; round++) {
        uint8_t text[BYTES_MAX];
        size_t n = round % BYTES_MAX;
        fill(text, n, round);
        struct span in = exact_copy(span_of(text, n));
        struct bytescan_set set = SET[round % SETS_COUNT];
        struct bytescan s = bytescan_of(set, in);
        for (size_t at = 0; at <= n; at++)
            cr_assert(bytescan_next(&s, at) == plainly(set, in, at), "%zu of %zu", at, n);
        for (size_t at = n + 1; at-- > 0;)
            cr_assert(bytescan_next(&s, at) == plainly(set, in, at), "back, %zu of %zu", at, n);
        exact_free(in);
    }
}
