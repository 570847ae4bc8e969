/* Proves: a series has as many runs as asked; what holds and what does not; a scenario that does
 * not exist is refused. */
#include "bench/measure.h"

#include <criterion/criterion.h>
#include <stdlib.h>

TestSuite(measure, .timeout = 120);

Test(measure, as_many_runs_as_asked)
{
    struct scenario_options o = {.name = "csv",
                                 .records = 100,
                                 .customers = 10,
                                 .runs = 3,
                                 .in_process = true,
                                 .npa = CPNI_SOURCE_DIR "/deploy/npa.csv"};
    struct series *s = NULL;
    struct diag d = {.what = ""};
    cr_assert_eq(measure_run(&o, &s, &d), OK, "%s", d.what);
    cr_expect(s->runs == 3 && s->passed);
    cr_expect_eq(series_figure(s, "records_per_s")->runs, 3u);
    cr_expect_eq(series_median(s, "durable"), 100);
    free(s);
}

Test(measure, what_holds)
{
    struct scenario_options o = {.rate = 1000, .slo_ms = 40};
    struct result *r = calloc(1, sizeof *r);
    *r = (struct result){.records = 1000,
                         .items = 1000,
                         .sent_items = 1000,
                         .durable = 1000,
                         .wall_us = 1100000,
                         .totals_equal = true};
    histogram_add(&r->latency, 30000, 1000);
    cr_expect(measure_holds(&o, r));
    r->wall_us = 1300000;
    cr_expect_not(measure_holds(&o, r), "late");
    r->wall_us = 1000000;
    r->kernel_drops = 1;
    cr_expect_not(measure_holds(&o, r), "lost");
    r->kernel_drops = 0;
    histogram_add(&r->latency, 50000, 2);
    cr_expect_not(measure_holds(&o, r), "over the objective");
    o.slo_ms = 0;
    cr_expect(measure_holds(&o, r), "without one");
    free(r);
}

Test(measure, refusals)
{
    struct scenario_options o = {.name = "cvs"};
    struct series *s;
    struct diag d = {.what = NULL};
    cr_expect_eq(measure_run(&o, &s, &d), ERR_NOTFOUND);
    cr_expect_not_null(d.what);
}
