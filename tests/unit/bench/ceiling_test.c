/* Proves: the process that is full first is the ceiling, by arithmetic done here by hand; ratios
 * are of each run; what has no feed or no daemon has no ceiling. */
#include "bench/ceiling.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static struct series *limits, *s;

static void put(struct series *to, const char *name, double value)
{
    series_put(to, name, "", 0, BETTER_NEITHER, value);
}

static void setup(void)
{
    limits = series_new("limits", "machine");
    put(limits, "seals", 1e6);
    put(limits, "hashes", 2e6);
    put(limits, "store_rows", 500e3);
    put(limits, "memcpy_bytes", 1e9);
    put(limits, "udp_datagrams", 100e3);
    s = series_new("x", "daemon");
    put(s, "records", 1000);
    put(s, "items", 5000);
    put(s, "item_bytes", 200);
    put(s, "attempts_expected", 1000);
    put(s, "records_per_s", 50e3);
    put(s, "records_per_s", 25e3);
}

static void teardown(void)
{
    free(limits);
    free(s);
}

TestSuite(ceiling, .init = setup, .fini = teardown);

/* vault: 1 + 2 * 0.5 + 2 = 4 us a record */
Test(ceiling, of_the_vault)
{
    ceiling_put(s, "csv", limits);
    cr_expect(fabs(series_median(s, "ceiling_records_per_s") - 250e3) < 1);
    cr_expect(fabs(series_figure(s, "ceiling_ratio")->run[0] - 0.2) < 1e-9);
    cr_expect(fabs(series_figure(s, "ceiling_ratio")->run[1] - 0.1) < 1e-9);
    cr_expect_str_eq(s->bound, "vault: store_rows");
}

/* 5 datagrams of 10 us */
Test(ceiling, of_ingest)
{
    ceiling_put(s, "hep-udp", limits);
    cr_expect(fabs(series_median(s, "ceiling_records_per_s") - 20e3) < 1);
    cr_expect_str_eq(s->bound, "ingest: udp_datagrams");
}

Test(ceiling, of_nothing)
{
    ceiling_put(s, NULL, limits);
    cr_expect_null(series_figure(s, "ceiling_ratio"));
    snprintf(s->mode, sizeof s->mode, "in process");
    ceiling_put(s, "csv", limits);
    cr_expect_null(series_figure(s, "ceiling_ratio"));
}
