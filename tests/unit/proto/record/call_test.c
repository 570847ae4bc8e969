/* Proves the canonical record: its table, its durations (never guessed, never negative), its
 * bounded extras and its addresses. */
#include "proto/record/call.h"

#include <criterion/criterion.h>

Test(call, rows_are_in_order_and_named)
{
    for (size_t i = 0; i < CALL_FIELDS_COUNT; i++) {
        const struct call_field *f = &CALL_FIELDS[i];
        cr_expect(i == 0 || f->tag > CALL_FIELDS[i - 1].tag, "%s", f->name);
        cr_expect(f->tag > 0 && f->name[0] && f->meaning[0]);
        cr_expect(strchr("KSTLUX", f->letter), "%s", f->name);
        cr_expect_eq(call_field_by_tag(f->tag), f, "%s", f->name);
    }
    cr_expect_null(call_field_by_tag(0));
    cr_expect_null(call_field_by_tag(13));
    cr_expect_null(call_field_by_tag(255));
    cr_expect_null(call_field_by_tag(256));
    cr_expect_null(call_field_by_tag(1000000));
}

Test(call, enum_names)
{
    const struct call_field *f = call_field_by_tag(81), *number = call_field_by_tag(82);
    cr_assert(f && number);
    cr_expect_str_eq(call_enum_name(f, DISPOSITION_UNKNOWN), "unknown");
    cr_expect_str_eq(call_enum_name(f, DISPOSITION_ANSWERED), "answered");
    cr_expect_str_eq(call_enum_name(f, DISPOSITION_TIMEOUT), "unknown-timeout");
    cr_expect_str_eq(call_enum_name(f, DISPOSITION_COUNT), "unknown");
    cr_expect_str_eq(call_enum_name(f, 255), "unknown");
    cr_expect_str_eq(call_enum_name(number, 1), "unknown");
    for (size_t i = 0; i < CALL_FIELDS_COUNT; i++)
        if (CALL_FIELDS[i].type == CALL_ENUM)
            cr_expect_str_neq(call_enum_name(&CALL_FIELDS[i], 1), "unknown", "%s",
                              CALL_FIELDS[i].name);
}

#define S INT64_C(1000000)

static const struct {
    const char *name;
    int64_t start, progress, answer, end;
    uint32_t total, bill, ring, pdd, flags;
} DURATIONS[] = {
    {"answered", 100 * S, 101 * S, 105 * S, 165 * S, 65000, 60000, 4000, 1000, 0},
    {"not answered", 100 * S, 101 * S, 0, 130 * S, 30000, 0, 0, 1000, 0},
    {"no end: nothing is guessed", 100 * S, 0, 105 * S, 0, 0, 0, 0, 0, CALL_INCOMPLETE},
    {"no start", 0, 0, 105 * S, 165 * S, 0, 60000, 0, 0, 0},
    {"end before answer", 100 * S, 0, 105 * S, 104 * S, 4000, 0, 0, 0, CALL_CLOCK_SUSPECT},
    {"half a millisecond is cut", 100 * S, 0, 105 * S, 105 * S + 1999, 5001, 1, 0, 0, 0},
    {"more than fits", 1, 0, 1, INT64_MAX, 0, 0, 0, 0, CALL_CLOCK_SUSPECT},
    {"so far apart that the difference overflows", INT64_MIN, 0, INT64_MIN, INT64_MAX, 0, 0, 0, 0,
     CALL_CLOCK_SUSPECT},
    {"nothing", 0, 0, 0, 0, 0, 0, 0, 0, 0},
};

Test(call, durations)
{
    for (size_t i = 0; i < sizeof DURATIONS / sizeof DURATIONS[0]; i++) {
        struct call c = {.t_start = DURATIONS[i].start,
                         .t_progress = DURATIONS[i].progress,
                         .t_answer = DURATIONS[i].answer,
                         .t_end = DURATIONS[i].end};
        call_durations(&c);
        cr_expect_eq(c.dur_total_ms, DURATIONS[i].total, "%s: %u", DURATIONS[i].name,
                     c.dur_total_ms);
        cr_expect_eq(c.dur_bill_ms, DURATIONS[i].bill, "%s: %u", DURATIONS[i].name, c.dur_bill_ms);
        cr_expect_eq(c.dur_ring_ms, DURATIONS[i].ring, "%s", DURATIONS[i].name);
        cr_expect_eq(c.pdd_ms, DURATIONS[i].pdd, "%s", DURATIONS[i].name);
        cr_expect_eq(c.flags, DURATIONS[i].flags, "%s: %x", DURATIONS[i].name, c.flags);
        cr_expect_eq(c.answered, DURATIONS[i].answer != 0);
    }
}

Test(call, extras_are_bounded)
{
    static struct record r;
    static uint8_t bytes[FIELD_BYTES_MAX + 1];
    record_reset(&r);
    record_extra(&r, 5, span_str("n"), span_of(bytes, FIELD_BYTES_MAX));
    cr_expect_eq(r.call.flags, 0);
    record_extra(&r, 5, span_str("n"), span_of(bytes, sizeof bytes));
    cr_expect_eq(r.call.flags, CALL_TRUNCATED);
    cr_expect_eq(r.extra[1].value.n, FIELD_BYTES_MAX);
    while (r.extras_count < EXTRAS_MAX)
        record_extra(&r, 5, SPAN_EMPTY, SPAN_EMPTY);
    cr_expect_eq(r.call.flags, CALL_TRUNCATED);
    record_extra(&r, 5, SPAN_EMPTY, SPAN_EMPTY);
    cr_expect_eq(r.extras_count, EXTRAS_MAX);
    cr_expect(r.call.flags & CALL_EXTRAS_LOST);
    record_reset(&r);
    cr_expect_eq(r.extras_count + r.call.flags, 0);
}

Test(call, addresses)
{
    struct ip a, b;
    cr_assert_eq(ip_parse(span_str("192.0.2.7"), &a), OK);
    b = ip_v4((const uint8_t[]){192, 0, 2, 7});
    cr_expect_arr_eq(a.b, b.b, 16);
    cr_assert_eq(ip_parse(span_str("::ffff:192.0.2.7"), &b), OK);
    cr_expect_arr_eq(a.b, b.b, 16, "one address has one form");
    cr_assert_eq(ip_parse(span_str("2001:db8::1"), &a), OK);
    b = ip_v6((const uint8_t[16]){0x20, 0x01, 0x0d, 0xb8, [15] = 1});
    cr_expect_arr_eq(a.b, b.b, 16);
    cr_expect_not(ip_absent(a));
    cr_expect(ip_absent((struct ip){{0}}));
    static const char *const BAD[] = {"",
                                      "x",
                                      "192.0.2",
                                      "192.0.2.7:5060",
                                      "[::1]",
                                      "192.0.2.7 ",
                                      "1234567890123456789012345678901234567890123456789"};
    for (size_t i = 0; i < sizeof BAD / sizeof BAD[0]; i++)
        cr_expect_eq(ip_parse(span_str(BAD[i]), &a), ERR_SYNTAX, "%s", BAD[i]);
}
