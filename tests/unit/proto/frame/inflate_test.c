/* Proves: zlib and gzip are told apart and opened whole or as a stream in any cut; damage,
 * truncation and trailing bytes are refused; a bomb stops at the caller's memory and at the
 * ratio, also on a stream. */
#include <criterion/criterion.h>
#include <zlib.h>

#include "proto/frame/inflate.h"
#include "tests/lib/exact.h"

enum { ZLIB = 15, GZIP = 15 + 16 };

/* zlib's own writer, so that the bytes are not of our making. */
static struct span deflated(struct span text, int window_bits)
{
    z_stream z = {0};
    uLong cap = compressBound((uLong)text.n) + 64;
    uint8_t *room = malloc(cap);
    cr_assert(room && deflateInit2(&z, 9, Z_DEFLATED, window_bits, 9, 0) == Z_OK);
    z.next_in = (Bytef *)(uintptr_t)text.p;
    z.avail_in = (uInt)text.n;
    z.next_out = room;
    z.avail_out = (uInt)cap;
    cr_assert(deflate(&z, Z_FINISH) == Z_STREAM_END);
    struct span out = exact_copy(span_of(room, cap - z.avail_out));
    deflateEnd(&z);
    free(room);
    return out;
}

static const struct span TEXT = BYTES("INVITE sip:+12125550123@example.com SIP/2.0\r\n\r\n");

static uint8_t room[INFLATED_BYTES_MAX + 1];
static struct inflater *f;

static void setup(void)
{
    cr_assert(inflater_new(&f) == OK);
}

static void teardown(void)
{
    f = inflater_free(f);
}

TestSuite(inflate, .init = setup, .fini = teardown);

Test(inflate, whole_items_of_both_kinds)
{
    static const int KIND[] = {ZLIB, GZIP};
    for (size_t i = 0; i < 4; i++) { /* twice each: the inflater is used again */
        struct span in = deflated(TEXT, KIND[i % 2]);
        struct buf out = buf_of(room, sizeof room);
        cr_expect(inflater_whole(f, in, &out, NULL) == OK);
        cr_expect(span_eq(buf_span(&out), TEXT));
        exact_free(in);
    }
}

Test(inflate, an_item_cut_anywhere_or_with_bytes_behind_is_refused)
{
    struct span in = deflated(TEXT, GZIP);
    for (size_t n = 0; n < in.n; n++) {
        struct span cut = exact_copy(span_sub(in, 0, n));
        struct buf out = buf_of(room, sizeof room);
        struct diag d = {0};
        cr_expect(inflater_whole(f, cut, &out, &d) == ERR_SYNTAX && d.at <= n, "%zu", n);
        cr_expect(out.n == 0, "nothing is given before all of it is known to be good");
        exact_free(cut);
    }
    uint8_t longer[256];
    memcpy(longer, in.p, in.n);
    longer[in.n] = 0;
    struct buf out = buf_of(room, sizeof room);
    cr_expect(inflater_whole(f, span_of(longer, in.n + 1), &out, NULL) == ERR_SYNTAX);
    exact_free(in);
}

Test(inflate, a_changed_byte_is_found_by_the_checksum)
{
    struct span in = deflated(TEXT, ZLIB);
    uint8_t *bytes = (uint8_t *)(uintptr_t)in.p;
    for (size_t i = 0; i < in.n; i++) {
        struct buf out = buf_of(room, sizeof room);
        bytes[i] ^= 0x10;
        enum err e = inflater_whole(f, in, &out, NULL);
        cr_expect(e != OK || span_eq(buf_span(&out), TEXT), "byte %zu", i);
        bytes[i] ^= 0x10;
    }
    exact_free(in);
}

Test(inflate, the_size_is_limited_by_the_room_and_by_us)
{
    struct span in = deflated(TEXT, ZLIB);
    struct buf out = buf_of(room, TEXT.n);
    cr_expect(inflater_whole(f, in, &out, NULL) == OK);
    out = buf_of(room, TEXT.n - 1);
    cr_expect(inflater_whole(f, in, &out, NULL) == ERR_LIMIT);
    exact_free(in);

    /* Noise, so that the ratio does not interfere. */
    uint8_t *noise = malloc(INFLATED_BYTES_MAX + 1);
    cr_assert(noise);
    uint32_t x = 1;
    for (size_t i = 0; i <= INFLATED_BYTES_MAX; i++)
        noise[i] = (uint8_t)((x = x * 1664525 + 1013904223) >> 24);
    in = deflated(span_of(noise, INFLATED_BYTES_MAX + 1), ZLIB);
    out = buf_of(room, sizeof room);
    cr_expect(inflater_whole(f, in, &out, NULL) == ERR_LIMIT);
    exact_free(in);
    in = deflated(span_of(noise, INFLATED_BYTES_MAX), ZLIB);
    cr_expect(inflater_whole(f, in, &out, NULL) == OK);
    exact_free(in);
    free(noise);
}

static struct span bomb(size_t bytes)
{
    uint8_t *zeros = calloc(1, bytes);
    cr_assert(zeros);
    struct span in = deflated(span_of(zeros, bytes), GZIP);
    free(zeros);
    return in;
}

Test(inflate, a_bomb_stops_at_the_ratio)
{
    struct span in = bomb(100 * 1000);
    struct buf out = buf_of(room, sizeof room);
    cr_expect(inflater_whole(f, in, &out, NULL) == ERR_LIMIT);
    exact_free(in);
    in = bomb(INFLATE_FREE_BYTES);
    cr_expect(inflater_whole(f, in, &out, NULL) == OK, "small ones do no harm");
    exact_free(in);
}

Test(inflate, a_bomb_on_a_stream_stops_too)
{
    struct span in = bomb(10 * 1000 * 1000), rest = in;
    enum err e = ERR_FULL;
    size_t total = 0;
    inflater_reset(f);
    for (int i = 0; i < 100 && e == ERR_FULL; i++) {
        struct buf out = buf_of(room, 4096);
        e = inflater_feed(f, &rest, &out, NULL);
        total += out.n;
    }
    cr_expect(e == ERR_LIMIT);
    cr_expect(total < INFLATE_FREE_BYTES + INFLATE_RATIO_MAX * in.n + 4096);
    exact_free(in);
}

/* Two members back to back, fed in pieces of `piece`, drained in pieces of `drain`. */
static void stream(struct span two, size_t piece, size_t drain)
{
    uint8_t got[256];
    struct buf all = buf_of(got, sizeof got);
    inflater_reset(f);
    for (size_t at = 0; at < two.n; at += piece) {
        struct span in = exact_copy(span_sub(two, at, piece)), rest = in;
        enum err e;
        do {
            struct buf out = buf_of(room, drain);
            e = inflater_feed(f, &rest, &out, NULL);
            buf_put(&all, buf_span(&out));
        } while (e == ERR_FULL);
        cr_assert(e == OK && rest.n == 0, "pieces of %zu and %zu", piece, drain);
        exact_free(in);
    }
    cr_expect(all.n == 2 * TEXT.n && span_starts(buf_span(&all), TEXT) &&
                  span_ends(buf_span(&all), TEXT),
              "pieces of %zu and %zu", piece, drain);
}

Test(inflate, a_stream_of_members_in_any_pieces)
{
    struct span one = deflated(TEXT, GZIP);
    uint8_t bytes[256];
    memcpy(bytes, one.p, one.n);
    memcpy(bytes + one.n, one.p, one.n);
    struct span two = span_of(bytes, 2 * one.n);
    for (size_t piece = 1; piece <= two.n; piece++)
        for (size_t drain = 1; drain <= 2 * TEXT.n + 1; drain += 3)
            stream(two, piece, drain);
    exact_free(one);
}

Test(inflate, garbage_between_members_ends_the_stream)
{
    struct span one = deflated(TEXT, GZIP), rest = one;
    struct buf out = buf_of(room, sizeof room);
    inflater_reset(f);
    cr_expect(inflater_feed(f, &rest, &out, NULL) == OK);
    rest = span_str("HEP3");
    cr_expect(inflater_feed(f, &rest, &out, NULL) == ERR_SYNTAX);
    exact_free(one);
}
