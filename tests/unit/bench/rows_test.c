/* Proves: of each row the newest revision counts, once, in whatever order they come; rows that
 * differ in anything that names them stand beside each other, however many there are. */
#include "bench/rows.h"

#include <criterion/criterion.h>
#include <stdio.h>

static struct rows rows;
static struct truth sum;

static void setup(void)
{
    cr_assert_eq(rows_init(&rows), OK);
    cr_assert_eq(truth_init(&sum, 100), OK);
}

static void teardown(void)
{
    rows_done(&rows);
    truth_done(&sum);
}

TestSuite(rows, .init = setup, .fini = teardown);

static struct pull_row row_of(const char *account, uint32_t revision, uint64_t attempts)
{
    return (struct pull_row){.account = span_str(account),
                             .revision = revision,
                             .attempts = attempts,
                             .period_start_s = 86400,
                             .period_s = 86400,
                             .service = span_str("voice"),
                             .direction = span_str("originating")};
}

Test(rows, the_newest_revision_counts)
{
    static const uint32_t ORDER[] = {2, 3, 3, 1};
    for (size_t i = 0; i < sizeof ORDER / sizeof ORDER[0]; i++) {
        struct pull_row row = row_of("acct000005", ORDER[i], 10 * ORDER[i]);
        cr_assert_eq(rows_take(&rows, &row), OK);
    }
    rows_sum(&rows, &sum);
    cr_expect_eq(rows.count, 1u);
    cr_expect_eq(sum.account[5].attempts, 30u);
}

Test(rows, whatever_names_a_row_sets_it_apart)
{
    struct pull_row row[6];
    for (size_t i = 0; i < 6; i++)
        row[i] = row_of("acct000005", 1, 1);
    row[1].account = span_str("acct000006");
    row[2].period_start_s = 0;
    row[3].direction = span_str("terminating");
    row[4].service = span_str("voiceoriginating");
    row[4].direction = SPAN_EMPTY;
    row[5].period_s = 3600;
    for (size_t i = 0; i < 6; i++)
        cr_assert_eq(rows_take(&rows, &row[i]), OK);
    rows_sum(&rows, &sum);
    cr_expect_eq(rows.count, 6u);
    cr_expect_eq(sum.account[5].attempts, 5u);
    cr_expect_eq(sum.account[6].attempts, 1u);
}

Test(rows, many_and_again)
{
    enum { MANY = 5000 };
    for (uint32_t revision = 1; revision <= 2; revision++)
        for (unsigned i = 0; i < MANY; i++) {
            char account[32];
            snprintf(account, sizeof account, "acct%06u", i % 100);
            struct pull_row row = row_of(account, revision, revision);
            row.period_start_s = (int64_t)(i / 100) * 86400;
            cr_assert_eq(rows_take(&rows, &row), OK);
        }
    rows_sum(&rows, &sum);
    cr_expect_eq(rows.count, (size_t)MANY);
    cr_expect_eq(sum.total.attempts, 2u * MANY);
    cr_expect_eq(sum.account[99].attempts, 2u * MANY / 100);
}
