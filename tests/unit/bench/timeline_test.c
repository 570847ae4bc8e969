/* Proves: samples keep their distance and fit however long a run is, without losing the worst
 * latency; flat lines have no drift and rising ones have theirs; growth is of the cost a record. */
#include "bench/timeline.h"

#include <criterion/criterion.h>
#include <math.h>

static struct timeline t;

Test(timeline, samples_keep_their_distance)
{
    struct timeline_moment m = {.at_us = 0};
    cr_expect(timeline_due(&t, 0));
    timeline_add(&t, &m);
    cr_expect_not(timeline_due(&t, TIMELINE_FIRST_US - 1));
    cr_expect(timeline_due(&t, TIMELINE_FIRST_US));
}

Test(timeline, a_long_run_is_thinned)
{
    uint64_t at = 0, last = 0;
    size_t added = 0;
    for (; added < 3 * TIMELINE_MAX; at += 1000)
        if (timeline_due(&t, at)) {
            struct timeline_moment m = {.at_us = at, .p99_us = added == 5 ? 9999 : 10};
            timeline_add(&t, &m);
            last = at;
            added++;
        }
    uint64_t worst = 0;
    cr_expect_leq(t.count, (size_t)TIMELINE_MAX);
    cr_expect_geq(t.count, (size_t)TIMELINE_MAX / 2);
    cr_expect_eq(t.moment[t.count - 1].at_us, last);
    for (size_t i = 1; i < t.count; i++)
        cr_expect_gt(t.moment[i].at_us, t.moment[i - 1].at_us);
    for (size_t i = 0; i < t.count; i++)
        worst = t.moment[i].p99_us > worst ? t.moment[i].p99_us : worst;
    cr_expect_eq(worst, 9999u);
}

static void fill(uint64_t rss_step, uint64_t p99_step, size_t samples)
{
    t.count = 0;
    for (size_t i = 0; i < samples; i++) {
        struct timeline_moment m = {.at_us = i * TIMELINE_FIRST_US,
                                    .rss_kib = 1000 + i * rss_step,
                                    .p99_us = i == samples - 2 ? 900000 : 500 + i * p99_step};
        timeline_add(&t, &m);
    }
}

Test(timeline, drift)
{
    fill(0, 0, 80);
    cr_expect_eq(timeline_rss_drift(&t), 1);
    cr_expect_eq(timeline_latency_drift(&t), 1, "one hiccup is none");
    fill(100, 50, 80);
    /* medians at samples 30 and 70: 8000 by 4000, 4000 by 2000 */
    cr_expect(fabs(timeline_rss_drift(&t) - 2) < 1e-9, "%g", timeline_rss_drift(&t));
    cr_expect(fabs(timeline_latency_drift(&t) - 2) < 1e-9);
    fill(100, 50, 15);
    cr_expect_eq(timeline_rss_drift(&t), 0, "too short to tell");
}

Test(timeline, growth)
{
    t.count = 0;
    for (uint64_t i = 0; i <= 10; i++) { /* 100 records a sample: 1 us each, then 3 */
        struct timeline_moment m = {.at_us = i * TIMELINE_FIRST_US,
                                    .durable = i * 100,
                                    .cpu_us = i <= 5 ? i * 100 : 500 + (i - 5) * 300};
        timeline_add(&t, &m);
    }
    cr_expect(fabs(timeline_cost_growth(&t, 250) - 3) < 1e-9, "%g", timeline_cost_growth(&t, 250));
    cr_expect(fabs(timeline_cost_growth(&t, 500) - 3) < 1e-9);
    cr_expect_eq(timeline_cost_growth(&t, 501), 0, "fewer than two windows");
    cr_expect_eq(timeline_cost_growth(&t, 0), 0);
    t.count = 0;
    cr_expect_eq(timeline_cost_growth(&t, 1), 0);
}
