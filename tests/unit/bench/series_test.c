/* Proves: figures gather a value a run under their names; medians; latencies of all runs are one
 * curve; limits hold. */
#include "bench/series.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

Test(series, figures_gather_runs)
{
    struct series *s = series_new("csv", "daemon");
    series_put(s, "a", "/s", 1, BETTER_HIGHER, 3);
    series_put(s, "b", "ms", 2, BETTER_LOWER, 10);
    series_put(s, "a", "/s", 1, BETTER_HIGHER, 1);
    series_put(s, "a", "/s", 1, BETTER_HIGHER, 2);
    const struct figure *a = series_figure(s, "a");
    cr_assert_not_null(a);
    cr_expect(a->runs == 3 && a->decimals == 1 && a->better == BETTER_HIGHER);
    cr_expect_str_eq(a->unit, "/s");
    cr_expect_eq(series_median(s, "a"), 2);
    cr_expect_eq(series_median(s, "b"), 10);
    cr_expect_eq(series_median(s, "c"), 0);
    cr_expect_null(series_figure(s, "c"));
    cr_expect(s->passed);
    free(s);
}

Test(series, what_is_too_much_is_left_out)
{
    struct series *s = series_new("csv", "daemon");
    for (unsigned i = 0; i < SPREAD_RUNS_MAX + 5; i++)
        series_put(s, "a", "", 0, BETTER_NEITHER, i);
    cr_expect_eq(series_figure(s, "a")->runs, (size_t)SPREAD_RUNS_MAX);
    for (unsigned i = 0; i < SERIES_FIGURES_MAX + 5; i++) {
        char name[SERIES_NAME_BYTES];
        snprintf(name, sizeof name, "f%u", i);
        series_put(s, name, "", 0, BETTER_NEITHER, 1);
    }
    cr_expect_eq(s->count, (size_t)SERIES_FIGURES_MAX);
    free(s);
}

Test(series, latencies_of_all_runs_are_one_curve)
{
    struct series *s = series_new("csv", "daemon");
    struct histogram *h = calloc(1, sizeof *h);
    histogram_add(h, 1000, 99);
    series_put_latency(s, h);
    cr_expect_eq(s->curve_ms[SERIES_CURVE_POINTS - 1], 1);
    histogram_add(h, 50000, 101);
    series_put_latency(s, h);
    cr_expect_eq(s->curve_ms[SERIES_CURVE_POINTS - 1], 50);
    cr_expect_leq(s->curve_ms[1], 1.02, "the 25th percentile of 299");
    cr_expect_geq(s->curve_ms[4], 50, "the 90th");
    for (size_t i = 1; i < SERIES_CURVE_POINTS; i++)
        cr_expect(SERIES_CURVE[i] > SERIES_CURVE[i - 1] && s->curve_ms[i] >= s->curve_ms[i - 1]);
    free(h);
    free(s);
}
