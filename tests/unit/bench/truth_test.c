/* Proves: calls add up as a bill does, to both customers of a call between two; and a difference
 * in any one sum of any one account is found. */
#include "bench/truth.h"

#include <criterion/criterion.h>

#include "proto/core/instant.h"

static struct truth t;

static void setup(void)
{
    cr_assert_eq(truth_init(&t, 10), OK);
}

static void teardown(void)
{
    truth_done(&t);
}

TestSuite(truth, .init = setup, .fini = teardown);

static struct bench_call call_of(uint32_t caller, uint32_t callee, int64_t ms)
{
    int64_t answer = INT64_C(1795165200) * US_PER_S;
    return (struct bench_call){.caller = caller,
                               .callee = callee,
                               .answer_us = ms ? answer : 0,
                               .end_us = answer + ms * US_PER_MS};
}

Test(truth, started_increments_are_billed)
{
    static const struct {
        int64_t ms;
        uint64_t billed[TRUTH_INCREMENTS]; /* 1/1 6/6 30/6 60/60 */
    } ROWS[] = {
        {1, {1, 6, 30, 60}},        {1000, {1, 6, 30, 60}},    {6001, {7, 12, 30, 60}},
        {30000, {30, 30, 30, 60}},  {30001, {31, 36, 36, 60}}, {60000, {60, 60, 60, 60}},
        {60001, {61, 66, 66, 120}},
    };
    for (size_t r = 0; r < sizeof ROWS / sizeof ROWS[0]; r++) {
        struct bench_call call = call_of((uint32_t)r, CALLS_OUTSIDE, ROWS[r].ms);
        truth_add_call(&t, &call);
        cr_expect_eq(t.account[r].duration_ms, (uint64_t)ROWS[r].ms);
        for (size_t i = 0; i < TRUTH_INCREMENTS; i++)
            cr_expect_eq(t.account[r].billed_s[i], ROWS[r].billed[i], "row %zu, increment %zu", r,
                         i);
    }
}

Test(truth, a_call_between_two_customers_counts_for_both)
{
    struct bench_call between = call_of(1, 2, 5000), inside = call_of(3, 3, 5000),
                      missed = call_of(4, CALLS_OUTSIDE, 0);
    truth_add_call(&t, &between);
    truth_add_call(&t, &inside);
    truth_add_call(&t, &missed);
    cr_expect_eq(t.account[1].answered, 1u);
    cr_expect_eq(t.account[2].answered, 1u);
    cr_expect_eq(t.account[3].attempts, 1u);
    cr_expect_eq(t.account[4].attempts, 1u);
    cr_expect_eq(t.account[4].answered, 0u);
    cr_expect_eq(t.total.attempts, 4u);
    cr_expect_eq(t.total.duration_ms, 15000u);
}

static struct pull_row row_of(const char *account)
{
    return (struct pull_row){.account = span_str(account),
                             .attempts = 1,
                             .answered = 1,
                             .duration_ms = 5000,
                             .billed_count = 4,
                             .billed = {{span_str("6/6"), 6},
                                        {span_str("1/1"), 5},
                                        {span_str("30/6"), 30},
                                        {span_str("60/60"), 60}}};
}

Test(truth, rows_that_say_the_same_are_equal_and_others_are_not)
{
    struct truth pulled;
    struct tally tally;
    struct bench_call call = call_of(7, CALLS_OUTSIDE, 5000);
    struct pull_row row = row_of("acct000007");
    cr_assert_eq(truth_init(&pulled, 10), OK);
    truth_add_call(&t, &call);
    cr_expect_eq(truth_differences(&t, &pulled), 1u, "nothing was pulled");
    cr_assert_eq(truth_row(&row, &tally), 7u);
    truth_add(&pulled, 7, &tally);
    cr_expect_eq(truth_differences(&t, &pulled), 0u);
    pulled.account[7].billed_s[2]++;
    cr_expect_eq(truth_differences(&t, &pulled), 1u);
    pulled.account[7].billed_s[2]--;
    row = row_of("unassigned");
    cr_assert_eq(truth_row(&row, &tally), TRUTH_FOREIGN);
    truth_add(&pulled, TRUTH_FOREIGN, &tally);
    cr_expect_eq(truth_differences(&t, &pulled), 1u, "a row of nobody we know");
    truth_done(&pulled);
}

Test(truth, merged_is_as_if_added)
{
    struct truth one, two;
    struct bench_call x = call_of(1, CALLS_OUTSIDE, 5000), y = call_of(2, 1, 900);
    cr_assert_eq(truth_init(&one, 10), OK);
    cr_assert_eq(truth_init(&two, 10), OK);
    truth_add_call(&one, &x);
    truth_add_call(&two, &y);
    truth_add_call(&t, &x);
    truth_add_call(&t, &y);
    truth_merge(&one, &two);
    cr_expect_eq(truth_differences(&t, &one), 0u);
    cr_expect_eq(memcmp(&t.total, &one.total, sizeof t.total), 0);
    truth_done(&one);
    truth_done(&two);
}
