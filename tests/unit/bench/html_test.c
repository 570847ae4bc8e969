/* Proves: a page holds machine, goals, plots of what there is, and all figures; markup in texts is
 * not markup of the page. Skipped, and said so, where there is no gnuplot. */
#include "bench/html.h"

#include <criterion/criterion.h>
#include <stdlib.h>

static unsigned count(const char *text, const char *what)
{
    unsigned n = 0;
    for (const char *at = text; (at = strstr(at, what)) != NULL; at++)
        n++;
    return n;
}

static struct document made(void)
{
    struct document d = {.count = 0};
    struct series *csv = series_new("csv", "daemon"), *soak = series_new("soak", "daemon");
    machine_add(&d.machine, span_str("cpu"), span_str("<script>&"));
    series_put(csv, "records_per_s", "/s", 0, BETTER_HIGHER, 1000);
    series_put(csv, "records_per_s", "/s", 0, BETTER_HIGHER, 1100);
    series_put(soak, "records_per_s", "/s", 0, BETTER_HIGHER, 500);
    series_put(soak, "rate_asked", "/s", 0, BETTER_NEITHER, 500);
    struct histogram *h = calloc(1, sizeof *h);
    for (uint64_t i = 1; i < 1000; i++)
        histogram_add(h, i * 10, 1);
    series_put_latency(soak, h);
    free(h);
    for (uint64_t i = 0; i < 20; i++)
        timeline_add(&soak->timeline, &(struct timeline_moment){i * 250000, i * 100, 900, 5000, i});
    cr_assert_eq(document_add(&d, csv), OK);
    cr_assert_eq(document_add(&d, soak), OK);
    return d;
}

Test(html, a_page)
{
    struct document d = made();
    struct diag diag = {.what = ""};
    char *text;
    size_t bytes;
    FILE *f = open_memstream(&text, &bytes);
    enum err e = html_write(&d, f, &diag);
    fclose(f);
    if (e == ERR_NOTFOUND) {
        fprintf(stderr, "skipped: %s\n", diag.what);
    } else {
        cr_assert_eq(e, OK, "%s", diag.what);
        cr_expect_eq(count(text, "<svg"), 3u, "throughput, latency, soak");
        cr_expect(!strstr(text, "<script>") && strstr(text, "&lt;script&gt;&amp;"));
        cr_expect(strstr(text, "records_per_s") && strstr(text, "NO RESULT"));
        cr_expect(strstr(text, "</html>"));
    }
    document_done(&d);
    free(text);
}
