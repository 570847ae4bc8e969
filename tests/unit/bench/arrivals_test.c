/* Proves: latency is from the arrival of each record to when it was said to be durable, in order
 * or one by one, and a record counts once. */
#include "bench/arrivals.h"

#include <criterion/criterion.h>

static struct arrivals a;

static void setup(void)
{
    cr_assert_eq(arrivals_init(&a, 3), OK);
    for (uint64_t i = 0; i < 4; i++) /* one more than there is room for */
        arrivals_add(&a, 100 + i * 10);
}

static void teardown(void)
{
    arrivals_done(&a);
}

TestSuite(arrivals, .init = setup, .fini = teardown);

Test(arrivals, in_order)
{
    cr_expect_eq(a.count, 3u);
    arrivals_settle(&a, 0, 1000);
    cr_expect_eq(a.settled, 0u);
    arrivals_settle(&a, 2, 150);
    arrivals_settle(&a, 2, 900);
    cr_expect_eq(a.settled, 2u);
    cr_expect_eq(histogram_quantile(&a.latency, 1), 50u);
    arrivals_settle(&a, 9, 900);
    cr_expect_eq(a.settled, 3u);
    cr_expect_eq(a.latency.count, 3u);
    cr_expect_eq(a.latency.max, 780u);
}

Test(arrivals, one_by_one)
{
    arrivals_settle_one(&a, 2, 125);
    arrivals_settle_one(&a, 0, 90); /* before it was due: no time at all */
    arrivals_settle_one(&a, 7, 500);
    cr_expect_eq(a.settled, 2u);
    cr_expect_eq(a.latency.max, 5u);
    cr_expect_eq(histogram_quantile(&a.latency, 0.5), 0u);
}

Test(arrivals, recent_ones)
{
    arrivals_settle(&a, 1, 150);
    cr_expect_eq(arrivals_recent_p99(&a), 50u);
    cr_expect_eq(arrivals_recent_p99(&a), 0u, "none since");
    arrivals_settle(&a, 2, 120);
    cr_expect_eq(arrivals_recent_p99(&a), 10u);
    cr_expect_eq(a.latency.max, 50u);
}
