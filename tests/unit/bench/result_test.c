/* Proves: a run passes only when nothing was lost or refused and the totals are the truth. */
#include "bench/result.h"

#include <criterion/criterion.h>
#include <stdlib.h>

static struct result *good(void)
{
    struct result *r = calloc(1, sizeof *r);
    *r = (struct result){
        .records = 10, .items = 70, .sent_items = 70, .durable = 10, .totals_equal = true};
    return r;
}

Test(result, a_run_fails_for_any_reason)
{
    struct result *r = good();
    cr_expect(result_passed(r));
    uint64_t *const MUST_BE_0[] = {&r->kernel_drops, &r->shed, &r->malformed};
    for (size_t i = 0; i < sizeof MUST_BE_0 / sizeof MUST_BE_0[0]; i++) {
        *MUST_BE_0[i] = 1;
        cr_expect_not(result_passed(r), "%zu", i);
        *MUST_BE_0[i] = 0;
    }
    r->durable--;
    cr_expect_not(result_passed(r));
    r->durable++;
    r->sent_items--;
    cr_expect_not(result_passed(r));
    r->sent_items++;
    r->totals_equal = false;
    cr_expect_not(result_passed(r));
    free(r);
}

Test(result, totals_are_compared_account_by_account)
{
    struct result *r = good();
    struct truth truth;
    struct rows rows;
    struct pull_row row = {.account = span_str("acct000002"), .attempts = 3, .revision = 1};
    cr_assert_eq(truth_init(&truth, 4), OK);
    cr_assert_eq(rows_init(&rows), OK);
    truth_add(&truth, 1, &(struct tally){.attempts = 3});
    cr_assert_eq(rows_take(&rows, &row), OK);
    cr_assert_eq(result_compare(r, &truth, &rows), OK);
    cr_expect_eq(r->expected.attempts, r->pulled.attempts);
    cr_expect_eq(r->accounts_that_differ, 2u, "the sums agree, the accounts do not");
    cr_expect_not(result_passed(r));
    rows_done(&rows);
    truth_done(&truth);
    free(r);
}
