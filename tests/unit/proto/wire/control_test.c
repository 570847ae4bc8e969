/* Proves that requests come back with their arguments, that cut or overlong ones are refused, and
 * that each answer frame is written whole or not at all. */
#include <criterion/criterion.h>
#include <stdlib.h>

#include "proto/wire/control.h"

static uint8_t room[1024];

static struct span sample(void)
{
    struct buf b = buf_of(room, sizeof room);
    control_put_verb(&b, "calls list");
    control_put_arg(&b, "customer", span_str("acme"));
    control_put_arg(&b, "case", SPAN_EMPTY);
    control_put_arg(&b, "purpose", span_str("billing"));
    return buf_span(&b);
}

Test(control, arguments_come_back)
{
    struct control_request r;
    cr_assert_eq(control_request_decode(sample(), &r, NULL), OK);
    cr_expect(span_is(r.verb, "calls list"));
    cr_expect_eq(r.args_count, 3);
    cr_expect(span_is(control_arg(&r, "customer"), "acme"));
    cr_expect(span_is(control_arg(&r, "purpose"), "billing"));
    cr_expect_eq(control_arg(&r, "case").n, 0);
    cr_expect_eq(control_arg(&r, "custom").n, 0);
}

/* A prefix that ends between two arguments is a shorter request; any other is refused. */
Test(control, every_other_prefix_is_refused)
{
    struct span whole = sample();
    struct reader ends = reader_of(whole);
    bool legal[sizeof room] = {false};
    reader_lv(&ends);
    for (legal[reader_at(&ends)] = true; reader_more(&ends); legal[reader_at(&ends)] = true) {
        reader_lv(&ends);
        reader_lv(&ends);
    }
    for (size_t n = 0; n <= whole.n; n++) {
        uint8_t *exact = malloc(n ? n : 1);
        memcpy(exact, whole.p, n);
        struct control_request r;
        struct diag d = {0};
        cr_expect_eq(control_request_decode(span_of(exact, n), &r, &d), legal[n] ? OK : ERR_SYNTAX,
                     "%zu bytes", n);
        cr_expect_leq(d.at, n);
        free(exact);
    }
}

Test(control, no_verb_and_no_name_are_refused)
{
    struct control_request r;
    cr_expect_eq(control_request_decode(span_of("\0", 1), &r, NULL), ERR_SYNTAX);
    cr_expect_eq(control_request_decode(span_of("\1v\0\1x", 5), &r, NULL), ERR_SYNTAX);
    cr_expect_eq(control_request_decode(span_of("\1v\1n\1x", 6), &r, NULL), OK);
}

Test(control, one_argument_too_many_is_refused)
{
    struct buf b = buf_of(room, sizeof room);
    struct control_request r;
    control_put_verb(&b, "v");
    for (size_t i = 0; i < CONTROL_ARGS_MAX; i++)
        control_put_arg(&b, "n", span_str("x"));
    cr_expect_eq(control_request_decode(buf_span(&b), &r, NULL), OK);
    control_put_arg(&b, "n", span_str("x"));
    cr_expect_eq(control_request_decode(buf_span(&b), &r, NULL), ERR_LIMIT);
}

Test(control, columns_and_end_are_as_documented)
{
    struct buf b = buf_of(room, sizeof room);
    control_put_column(&b, COLUMN_TIME, "ts");
    control_put_column(&b, COLUMN_JSON, "row");
    cr_expect(span_eq(buf_span(&b), span_of("\3\2ts\4\3row", 9)));
    buf_reset(&b);
    control_put_end(&b, CONTROL_DENIED, "no");
    cr_expect(span_eq(buf_span(&b), span_of("\3\2no", 4)));
}

Test(control, what_does_not_fit_leaves_nothing_behind)
{
    struct buf arg = buf_of(room, 6), column = buf_of(room, 3), end = buf_of(room, 3);
    control_put_arg(&arg, "name", span_str("value"));
    control_put_column(&column, COLUMN_TEXT, "name");
    control_put_end(&end, CONTROL_FAILED, "text");
    cr_expect(!buf_ok(&arg) && arg.n == 0);
    cr_expect(!buf_ok(&column) && column.n == 0);
    cr_expect(!buf_ok(&end) && end.n == 0);
}
