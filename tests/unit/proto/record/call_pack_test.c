/* Proves unpack(pack(x)) = x for a record with every field of call.def set, that absent fields
 * cost nothing, and that damaged bytes are refused, not followed. */
#include "proto/record/call_pack.h"

#include <criterion/criterion.h>
#include <stdlib.h>

static struct record r, back;

static void fill(struct call *c)
{
    static const struct span TEXT = SPAN_LIT("+12125550101");
    for (size_t i = 0; i < CALL_FIELDS_COUNT; i++) {
        const struct call_field *f = &CALL_FIELDS[i];
        uint8_t *member = (uint8_t *)c + f->offset;
        if (f->type == CALL_STR)
            memcpy(member, &TEXT, sizeof TEXT);
        else if (f->type == CALL_IP)
            *(struct ip *)(void *)member =
                i % 2 ? ip_v4((const uint8_t[]){192, 0, 2, (uint8_t)i})
                      : ip_v6((const uint8_t[16]){0x20, 1, 13, 0xb8, [15] = 7});
        else
            *member = (uint8_t)(f->tag | 0x80); /* the top bit of the lowest byte */
    }
    c->t_start = INT64_MIN;
    c->customer = UINT64_MAX;
}

static bool same(const struct call *a, const struct call *b)
{
    for (size_t i = 0; i < CALL_FIELDS_COUNT; i++) {
        static const size_t BYTES[] = {
            [CALL_U8] = 1, [CALL_U16] = 2, [CALL_U32] = 4, [CALL_U64] = 8,
            [CALL_TS] = 8, [CALL_MS] = 4,  [CALL_IP] = 16, [CALL_ENUM] = 1};
        const uint8_t *x = (const uint8_t *)a + CALL_FIELDS[i].offset;
        const uint8_t *y = (const uint8_t *)b + CALL_FIELDS[i].offset;
        bool equal = CALL_FIELDS[i].type == CALL_STR
                         ? span_eq(*(const struct span *)(const void *)x,
                                   *(const struct span *)(const void *)y)
                         : memcmp(x, y, BYTES[CALL_FIELDS[i].type]) == 0;
        cr_expect(equal, "%s", CALL_FIELDS[i].name);
    }
    return true;
}

Test(call_pack, round_trip)
{
    uint8_t bytes[8192];
    struct buf b = buf_of(bytes, sizeof bytes);
    const struct extra x = {0x1234, SPAN_LIT("X-Name"), SPAN_LIT("value")}, none = {7, {0}, {0}};
    record_reset(&r);
    fill(&r.call);
    call_pack(&r.call, &b);
    call_pack_extra(&x, &b);
    call_pack_extra(&none, &b);
    cr_assert(buf_ok(&b));
    record_reset(&back);
    cr_assert_eq(call_unpack(buf_span(&b), &back, NULL), OK);
    cr_expect(same(&r.call, &back.call));
    cr_assert_eq(back.extras_count, 2);
    cr_expect_eq(back.extra[0].field, 0x1234);
    cr_expect(span_is(back.extra[0].name, "X-Name") && span_is(back.extra[0].value, "value"));
    cr_expect_eq(back.extra[1].value.n, 0);
}

Test(call_pack, absent_fields_cost_nothing)
{
    uint8_t bytes[64];
    struct buf b = buf_of(bytes, sizeof bytes);
    struct call c = {0};
    call_pack(&c, &b);
    cr_expect_eq(b.n, 0);
    c.to_tag = span_str("x");
    call_pack(&c, &b);
    cr_expect_eq(b.n, 3);
}

Test(call_pack, a_later_item_wins)
{
    uint8_t bytes[64];
    struct buf b = buf_of(bytes, sizeof bytes);
    struct call one = {.to_tag = span_str("early"), .q850 = 16}, two = {.to_tag = span_str("late")};
    call_pack(&one, &b);
    call_pack(&two, &b);
    record_reset(&back);
    cr_assert_eq(call_unpack(buf_span(&b), &back, NULL), OK);
    cr_expect(span_is(back.call.to_tag, "late"));
    cr_expect_eq(back.call.q850, 16);
}

Test(call_pack, damaged)
{
    static const struct {
        struct span in;
        size_t at;
    } ROWS[] = {
        {SPAN_LIT("\xff"), 0},         /* no such tag */
        {SPAN_LIT("\x02\x01\xfa"), 2}, /* one behind a good one */
        {SPAN_LIT("\x10\x05"
                  "abc"),
         0}, /* length behind the end */
        {SPAN_LIT("\x60\x05"
                  "abcde"),
         0},                       /* an address of 5 bytes */
        {SPAN_LIT("\x00\x00"), 0}, /* half an extra */
    };
    for (size_t i = 0; i < sizeof ROWS / sizeof ROWS[0]; i++) {
        struct diag d = {0};
        record_reset(&back);
        cr_expect_eq(call_unpack(ROWS[i].in, &back, &d), ERR_SYNTAX, "row %zu", i);
        cr_expect_eq(d.at, ROWS[i].at, "row %zu", i);
    }
}
