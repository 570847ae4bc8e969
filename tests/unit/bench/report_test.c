/* Proves: a result becomes figures that are right; the text has all of them; a bad run spoils its
 * series. */
#include "bench/report.h"

#include <criterion/criterion.h>
#include <stdlib.h>

static struct result *good(void)
{
    struct result *r = calloc(1, sizeof *r);
    *r = (struct result){.scenario = "csv",
                         .mode = "daemon",
                         .customers = 10,
                         .records = 1000,
                         .items = 1000,
                         .bytes = 290000,
                         .sent_items = 1000,
                         .durable = 1000,
                         .wall_us = 500000,
                         .processes_count = 1,
                         .disk_bytes = 640000,
                         .totals_equal = true};
    r->process[0] =
        (struct result_process){.name = "cpnid-vault", .cpu_us = 5000, .rss_max_kib = 204800};
    histogram_add(&r->latency, 2000, 1000);
    r->stages.cost[STAGE_READ].cycles = 1;
    r->stages.cost[STAGE_SEAL].cycles = 700000;
    return r;
}

static struct series *taken(unsigned runs)
{
    struct series *s = series_new("csv", "daemon");
    struct result *r = good();
    for (unsigned i = 0; i < runs; i++) {
        report_take(s, r);
        r->wall_us *= 2;
    }
    free(r);
    return s;
}

Test(report, figures)
{
    static const struct {
        const char *name;
        double value;
    } ROWS[] = {{"records_per_s", 2000},
                {"item_bytes", 290},
                {"latency_p50_ms", 2},
                {"cpu_us_per_record.cpnid-vault", 5},
                {"rss_max_mib.cpnid-vault", 200},
                {"disk_bytes_per_record", 640},
                {"durable", 1000},
                {"cycles_per_record.seal", 700}};
    struct series *s = taken(1);
    for (size_t i = 0; i < sizeof ROWS / sizeof ROWS[0]; i++)
        cr_expect_eq(series_median(s, ROWS[i].name), ROWS[i].value, "%s: %g", ROWS[i].name,
                     series_median(s, ROWS[i].name));
    cr_expect(s->passed && s->runs == 1);
    cr_expect_null(series_figure(s, "readback_p50_ms"), "nothing was read back");
    cr_expect_null(series_figure(s, "rss_drift"), "too short to tell");
    free(s);
}

Test(report, a_run_that_lost_something_fails_its_series)
{
    struct series *s = taken(1);
    struct result *r = good();
    r->durable--;
    report_take(s, r);
    cr_expect(!s->passed && s->runs == 2);
    free(r);
    free(s);
}

Test(report, the_text_has_every_figure_and_its_spread)
{
    struct series *s = taken(2);
    char *text;
    size_t bytes;
    FILE *f = open_memstream(&text, &bytes);
    report_text(s, f);
    fclose(f);
    for (size_t i = 0; i < s->count; i++)
        cr_expect(strstr(text, s->figure[i].name), "%s", s->figure[i].name);
    cr_expect(strstr(text, "2 runs: passed"));
    cr_expect(strstr(text, " 1000..2000 "), "least and most records a second");
    free(text);
    free(s);
}
