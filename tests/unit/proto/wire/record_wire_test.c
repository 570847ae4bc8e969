/* Proves that a record survives its encoding field by field, that no cut or changed encoding is
 * read as a record with more in it, that location fields stand in the part with its own key, and
 * that the largest legal record fits. */
#include <criterion/criterion.h>
#include <stdlib.h>

#include "proto/classify/field.h"
#include "proto/wire/record_wire.h"
#include "tests/lib/random_record.h"

static uint8_t room[RECORD_BYTES_MAX];

static enum err decode(struct span wire, struct record *out, struct diag *d)
{
    struct record_parts parts;
    record_reset(out);
    enum err e = record_split(wire, &parts, d);
    if (e == OK)
        e = record_decode_items(parts.core, out, d);
    if (e == OK)
        e = record_decode_items(parts.location, out, d);
    if (e == OK)
        out->dedup = parts.dedup;
    return e;
}

/* Extras come back grouped by part, in order inside each. */
static size_t extras_of_part(const struct record *r, bool location, const struct extra **out)
{
    size_t n = 0;
    for (size_t i = 0; i < r->extras_count; i++)
        if ((field_row(r->extra[i].field)->handling == HANDLE_SEAL_L) == location)
            out[n++] = &r->extra[i];
    return n;
}

static void expect_same_extras(const struct record *a, const struct record *b)
{
    const struct extra *x[EXTRAS_MAX], *y[EXTRAS_MAX];
    for (int location = 0; location < 2; location++) {
        size_t n = extras_of_part(a, location, x);
        cr_assert_eq(extras_of_part(b, location, y), n);
        for (size_t i = 0; i < n; i++) {
            cr_expect_eq(x[i]->field, y[i]->field);
            cr_expect(span_eq(x[i]->name, y[i]->name), "name of extra %zu", i);
            cr_expect(span_eq(x[i]->value, y[i]->value), "value of extra %zu", i);
        }
    }
}

Test(record_wire, decode_of_encode_is_the_record)
{
    struct arena a;
    struct seed s = {1};
    static struct record in, out;
    cr_assert_eq(arena_init(&a, 64 * 1024), OK);
    for (int round = 0; round < 3000; round++) {
        random_record(&s, &a, &in);
        struct buf b = buf_of(room, sizeof room);
        struct diag d = {0};
        cr_assert_eq(record_encode(&in, &b), OK);
        cr_assert_eq(decode(buf_span(&b), &out, &d), OK, "round %d: %s at %zu", round, d.what,
                     d.at);
        cr_assert(call_equal(&in.call, &out.call), "round %d", round);
        cr_assert(span_eq(in.dedup, out.dedup), "round %d", round);
        expect_same_extras(&in, &out);
        arena_reset(&a);
    }
    arena_done(&a);
}

Test(record_wire, every_prefix_is_refused)
{
    struct arena a;
    struct seed s = {2};
    static struct record in, out;
    cr_assert_eq(arena_init(&a, 64 * 1024), OK);
    random_record(&s, &a, &in);
    struct buf b = buf_of(room, sizeof room);
    cr_assert_eq(record_encode(&in, &b), OK);
    for (size_t n = 0; n < b.n; n++) {
        uint8_t *exact = malloc(n ? n : 1);
        memcpy(exact, room, n);
        struct diag d = {0};
        cr_expect_eq(decode(span_of(exact, n), &out, &d), ERR_SYNTAX, "prefix of %zu", n);
        cr_expect_leq(d.at, n);
        free(exact);
    }
    arena_done(&a);
}

Test(record_wire, a_small_buffer_is_left_as_it_was)
{
    struct arena a;
    struct seed s = {3};
    static struct record in;
    cr_assert_eq(arena_init(&a, 64 * 1024), OK);
    random_record(&s, &a, &in);
    struct buf whole = buf_of(room, sizeof room);
    cr_assert_eq(record_encode(&in, &whole), OK);
    for (size_t cap = 0; cap < whole.n; cap++) {
        uint8_t *exact = malloc(cap + 1);
        struct buf b = buf_of(exact, cap + 1);
        buf_u8(&b, 7);
        cr_expect_eq(record_encode(&in, &b), cap < whole.n ? ERR_LIMIT : OK, "room for %zu", cap);
        cr_expect_eq(b.n, 1);
        cr_expect(buf_ok(&b));
        free(exact);
    }
    arena_done(&a);
}

/* Around the lengths where an item's short form ends, in rooms that just suffice and that do not.
 */
Test(record_wire, texts_of_every_length_in_every_room)
{
    static struct record in, out;
    uint8_t text[300];
    memset(text, 'x', sizeof text);
    for (size_t n = 1; n <= sizeof text; n += n >= 120 && n < 136 ? 1 : 17) {
        record_reset(&in);
        in.call.called_raw = in.dedup = span_of(text, n);
        in.call.t_start = INT64_C(1763632800000000) + (int64_t)n;
        record_extra(&in, FIELD_SIP_REASON_PHRASE, field_name(FIELD_SIP_REASON_PHRASE),
                     span_of(text, n));
        record_extra(&in, FIELD_UNKNOWN, span_of(text, n % 150), span_of(text, n));
        struct buf whole = buf_of(room, sizeof room);
        cr_assert_eq(record_encode(&in, &whole), OK);
        cr_assert_eq(decode(buf_span(&whole), &out, NULL), OK, "%zu", n);
        cr_expect(span_eq(out.call.called_raw, in.call.called_raw), "%zu", n);
        cr_expect_eq(out.call.t_start, in.call.t_start);
        expect_same_extras(&in, &out);
        for (size_t less = 0; less < 24; less++) {
            uint8_t *exact = malloc(whole.n - less);
            struct buf b = buf_of(exact, whole.n - less);
            cr_assert_eq(record_encode(&in, &b), less ? ERR_LIMIT : OK, "%zu, %zu", n, less);
            cr_expect_eq(b.n, less ? 0 : whole.n);
            cr_expect(less || memcmp(exact, room, whole.n) == 0, "%zu", n);
            free(exact);
        }
    }
}

Test(record_wire, location_has_its_own_part)
{
    static struct record in, core, location;
    static const uint8_t V4[4] = {192, 0, 2, 1};
    record_reset(&in);
    in.call.calling_tn = span_str("+12125550123");
    in.call.location = span_str("cell");
    in.call.media_ip_a = ip_v4(V4);
    record_extra(&in, FIELD_GEOLOCATION, SPAN_EMPTY, span_str("here"));
    record_extra(&in, FIELD_UNKNOWN, span_str("X-New"), span_str("there"));
    struct buf b = buf_of(room, sizeof room);
    struct record_parts parts;
    cr_assert_eq(record_encode(&in, &b), OK);
    cr_assert_eq(record_split(buf_span(&b), &parts, NULL), OK);
    record_reset(&core);
    record_reset(&location);
    cr_assert_eq(record_decode_items(parts.core, &core, NULL), OK);
    cr_assert_eq(record_decode_items(parts.location, &location, NULL), OK);
    cr_expect(span_is(core.call.calling_tn, "+12125550123"));
    cr_expect_eq(core.call.location.n, 0);
    cr_expect(ip_absent(core.call.media_ip_a));
    cr_expect_eq(core.extras_count, 1);
    cr_expect(span_is(core.extra[0].name, "X-New"));
    cr_expect(span_is(location.call.location, "cell"));
    cr_expect(!ip_absent(location.call.media_ip_a));
    cr_expect_eq(location.extras_count, 1);
    cr_expect(span_is(location.extra[0].value, "here"));
}

/* I5: whoever forgot to drop a secret, it is not written. */
Test(record_wire, a_field_to_drop_is_not_written)
{
    static struct record in, out;
    record_reset(&in);
    record_extra(&in, FIELD_DTMF, SPAN_EMPTY, span_str("4111"));
    struct buf b = buf_of(room, sizeof room);
    cr_assert_eq(record_encode(&in, &b), OK);
    cr_assert_eq(decode(buf_span(&b), &out, NULL), OK);
    cr_expect_eq(out.extras_count, 0);
    cr_expect_eq(span_find_span(buf_span(&b), span_str("4111")), b.n);
}

/* A sender cannot make a record that is too large to keep. */
Test(record_wire, the_largest_legal_record_fits)
{
    static struct record in;
    static uint8_t big[FIELD_BYTES_MAX];
    record_reset(&in);
    memset((void *)&in.call, 0xff, sizeof in.call);
    for (size_t i = 0; i < CALL_FIELDS_COUNT; i++)
        if (CALL_FIELDS[i].type == CALL_STR)
            *(struct span *)(void *)((uint8_t *)&in.call + CALL_FIELDS[i].offset) =
                span_of(big, sizeof big);
    for (size_t i = 0; i < EXTRAS_MAX; i++)
        record_extra(&in, FIELD_UNKNOWN, span_of(big, 40),
                     span_of(big, EXTRAS_BYTES_MAX / EXTRAS_MAX));
    in.dedup = span_of(big, sizeof big);
    struct buf b = buf_of(room, sizeof room);
    cr_expect_eq(record_encode(&in, &b), ERR_LIMIT);
    record_bound(&in);
    cr_expect_eq(record_encode(&in, &b), OK);
    cr_expect(in.call.flags & CALL_TRUNCATED);
    cr_expect(in.call.flags & CALL_EXTRAS_LOST);
    cr_expect_gt(in.extras_count, EXTRAS_MAX / 2);
}

/* Each row is one item, or two, of a part. */
Test(record_wire, items)
{
#define BYTES(s)                                                                                   \
    {                                                                                              \
        (const uint8_t *)(s), sizeof(s) - 1                                                        \
    }
    static const struct {
        const char *name;
        struct span items;
        enum err expected;
        size_t at;
    } ROW[] = {
        {"nothing", {NULL, 0}, OK, 0},
        {"feed 1", BYTES("\1\1\1"), OK, 0},
        {"unknown tag is skipped", BYTES("\2\1\1\xf0\1\3xyz"), OK, 0},
        {"u64 of eight bytes", BYTES("\x9\x8\1\2\3\4\5\6\7\x8"), OK, 0},
        {"tag zero", BYTES("\0\1\1"), ERR_SYNTAX, 0},
        {"no length", BYTES("\1"), ERR_SYNTAX, 0},
        {"value runs out", BYTES("\1\2\1"), ERR_SYNTAX, 0},
        {"leading zero byte", BYTES("\1\2\0\1"), ERR_SYNTAX, 0},
        {"absent integer written", BYTES("\1\0"), ERR_SYNTAX, 0},
        {"zero written", BYTES("\1\1\0"), ERR_SYNTAX, 0},
        {"u16 of three bytes", BYTES("\1\3\1\0\0"), ERR_SYNTAX, 0},
        {"enum of two bytes", BYTES("\2\2\1\0"), ERR_SYNTAX, 0},
        {"empty text", BYTES("\7\0"), ERR_SYNTAX, 0},
        {"address of five bytes", BYTES("\x60\5\1\2\3\4\5"), ERR_SYNTAX, 0},
        {"address of zeros", BYTES("\x60\x10\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"), ERR_SYNTAX, 0},
        {"a field twice", BYTES("\1\1\1\1\1\2"), ERR_SYNTAX, 3},
        {"tag in a long form", BYTES("\x81\0\1\1"), ERR_SYNTAX, 0},
        {"tag over 16 bits", BYTES("\x80\x82\x04\1x"), ERR_SYNTAX, 0},
        {"last extra id", BYTES("\xff\x81\x04\1x"), OK, 0},
        {"unknown extra without its name", BYTES("\x80\2\0"), ERR_SYNTAX, 0},
        {"unknown extra, name runs out", BYTES("\x80\2\2\2x"), ERR_SYNTAX, 0},
    };
    for (size_t i = 0; i < sizeof ROW / sizeof ROW[0]; i++) {
        static struct record r;
        struct diag d = {0};
        record_reset(&r);
        cr_expect_eq(record_decode_items(ROW[i].items, &r, &d), ROW[i].expected, "%s", ROW[i].name);
        cr_expect_eq(d.at, ROW[i].at, "%s: at %zu", ROW[i].name, d.at);
    }
}

Test(record_wire, more_extras_than_a_record_holds_are_refused)
{
    static struct record r;
    struct buf b = buf_of(room, sizeof room);
    for (size_t i = 0; i <= EXTRAS_MAX; i++)
        buf_bytes(&b, "\x80\2\2\1x", 5);
    record_reset(&r);
    cr_expect_eq(record_decode_items(buf_span(&b), &r, NULL), ERR_LIMIT);
    cr_expect_eq(
        record_decode_items(span_sub(buf_span(&b), 0, b.n - 5), (record_reset(&r), &r), NULL), OK);
}

Test(record_wire, bytes_behind_the_record_are_refused)
{
    struct record_parts parts;
    struct diag d;
    cr_expect_eq(record_split(span_of("\0\0\0", 3), &parts, &d), OK);
    cr_expect_eq(record_split(span_of("\0\0\0\0", 4), &parts, &d), ERR_SYNTAX);
    cr_expect_eq(d.at, 3);
}

Test(record_wire, put_uint_writes_what_decode_reads)
{
    static struct record r;
    struct buf b = buf_of(room, sizeof room);
    record_put_uint(&b, 9, UINT64_MAX);
    record_put_uint(&b, 10, 0); /* absent */
    record_put_uint(&b, 11, DIRECTION_TRANSIT);
    record_reset(&r);
    cr_assert_eq(record_decode_items(buf_span(&b), &r, NULL), OK);
    cr_expect_eq(r.call.customer, UINT64_MAX);
    cr_expect_eq(r.call.account, 0);
    cr_expect_eq(r.call.direction, DIRECTION_TRANSIT);
}
