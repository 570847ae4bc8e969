/* Proves: every step can be run, in full and quick, and quick is never larger; what is made smaller
 * is said; half of a rate is half of what was measured; one step runs and gives its series with its
 * ceiling; the page has all parts. */
#include "bench/suite.h"

#include <criterion/criterion.h>
#include <stdlib.h>

TestSuite(suite, .timeout = 240);

Test(suite, every_step_can_be_run)
{
    const struct suite_step *s;
    struct diag d = {.what = ""};
    for (size_t i = 0; (s = suite_step(i)) != NULL; i++) {
        struct scenario_options full = s->full, quick = s->quick;
        cr_expect_eq(scenario_fill(&full, &d), OK, "%s: %s", s->name, d.what);
        cr_expect_eq(scenario_fill(&quick, &d), OK, "%s", s->name);
        cr_expect_str_eq(full.name, quick.name);
        cr_expect(quick.records <= full.records && quick.seconds <= full.seconds &&
                      quick.customers <= full.customers && quick.runs <= full.runs,
                  "%s", s->name);
    }
}

Test(suite, half_of_what_was_measured)
{
    const struct suite_step *s;
    struct document d = {.count = 0};
    struct suite_options o = {.quick = true, .port_offset = 7};
    struct scenario_options out;
    struct series *csv = series_new("csv", "daemon");
    for (size_t i = 0; (s = suite_step(i)) != NULL && !s->half_of; i++)
        ;
    cr_assert_not_null(s);
    cr_expect_eq(suite_options_of(s, &o, &d, &out), ERR_NOTFOUND);
    series_put(csv, "items_per_s", "/s", 0, BETTER_HIGHER, 5000);
    snprintf(csv->name, sizeof csv->name, "%s", s->half_of);
    cr_assert_eq(document_add(&d, csv), OK);
    cr_assert_eq(suite_options_of(s, &o, &d, &out), OK);
    cr_expect(out.rate == 2500 && out.port_offset == 7 && out.records == s->quick.records);
    document_done(&d);
}

static char *printed(unsigned (*print)(const struct document *d, FILE *out),
                     const struct document *d)
{
    char *text;
    size_t bytes;
    FILE *f = open_memstream(&text, &bytes);
    print(d, f);
    fclose(f);
    return text;
}

Test(suite, one_step)
{
    struct document doc;
    struct diag d = {.what = ""};
    char *log;
    size_t bytes;
    FILE *f = open_memstream(&log, &bytes);
    struct suite_options o = {
        .quick = true, .only = "hep-stages", .npa = CPNI_SOURCE_DIR "/deploy/npa.csv"};
    cr_assert_eq(suite_run(&o, &doc, f, &d), OK, "%s", d.what);
    fclose(f);
    const struct series *s = document_series(&doc, "hep-stages");
    cr_assert_not_null(s, "%s", log);
    cr_expect(s->passed && document_series(&doc, "limits") && doc.count == 2);
    char *page = printed(suite_summary, &doc);
    static const char *const PART[] = {"suite --quick", "hep-stages", "store_rows", "NO RESULT",
                                       "quick: growth, 2400000 of 20000000 records"};
    for (size_t i = 0; i < sizeof PART / sizeof PART[0]; i++)
        cr_expect(strstr(page, PART[i]), "%s", PART[i]);
    document_done(&doc);
    free(page);
    free(log);
}

Test(suite, no_such_step)
{
    struct suite_options o = {.only = "hop"};
    struct document doc;
    struct diag d = {.what = NULL};
    cr_expect_eq(suite_run(&o, &doc, stderr, &d), ERR_NOTFOUND);
    cr_expect_not_null(d.what);
}
