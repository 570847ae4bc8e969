/* Proves: scenarios are found by name and run as asked, in one process; generated input is what the
 * options say; names and files that are not there are refused. */
#include "bench/scenario.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <unistd.h>

#define NPA CPNI_SOURCE_DIR "/deploy/npa.csv"

TestSuite(scenario, .timeout = 120);

Test(scenario, every_name_runs_in_one_process)
{
    static const char *const NAME[] = {"csv", "hep-udp", "hep-tcp", "json"};
    for (size_t i = 0; i < sizeof NAME / sizeof NAME[0]; i++) {
        struct scenario_options o = {
            .name = NAME[i], .records = 200, .customers = 20, .in_process = true, .npa = NPA};
        struct result *r = malloc(sizeof *r);
        struct diag d = {.what = ""};
        cr_assert_eq(scenario_fill(&o, &d), OK);
        cr_assert_eq(scenario_run(&o, r, &d), OK, "%s: %s", NAME[i], d.what);
        cr_expect(result_passed(r), "%s", NAME[i]);
        cr_expect_str_eq(r->scenario, NAME[i]);
        cr_expect_eq(r->records, 200u);
        free(r);
    }
}

Test(scenario, rate_and_seconds_make_as_much_as_they_need)
{
    struct scenario_options o = {
        .name = "csv", .rate = 400, .seconds = 1, .customers = 20, .in_process = true, .npa = NPA};
    struct result *r = malloc(sizeof *r);
    struct diag d = {.what = ""};
    cr_assert_eq(scenario_fill(&o, &d), OK);
    cr_assert_eq(scenario_run(&o, r, &d), OK, "%s", d.what);
    cr_expect_eq(r->records, 401u);
    cr_expect(r->wall_us >= 990000);
    free(r);
}

Test(scenario, what_is_given_goes_before_what_the_scenario_says)
{
    struct diag d = {.what = ""};
    struct scenario_options plain = {.name = "csv"}, soak = {.name = "soak", .rate = 7},
                            longer = {.name = "soak", .records = 55}, cold = {.name = "cold"};
    cr_assert_eq(scenario_fill(&plain, &d), OK);
    cr_expect(plain.records == 200000 && plain.seed == 1 && plain.runs == 1 && !plain.live);
    cr_assert_eq(scenario_fill(&soak, &d), OK);
    cr_expect(soak.rate == 7 && soak.seconds == 1200 && soak.live);
    cr_assert_eq(scenario_fill(&longer, &d), OK);
    cr_expect(longer.seconds == 0 && longer.records == 55 && longer.rate > 0);
    cr_assert_eq(scenario_fill(&cold, &d), OK);
    cr_expect(cold.uniform && cold.customers > 100000);
}

Test(scenario, every_row_has_a_help_and_one_feed_or_several)
{
    struct scenario_row row;
    size_t several = 0;
    for (size_t i = 0; scenario_row(i, &row); i++) {
        struct scenario_options o = {.name = row.name};
        struct diag d = {.what = ""};
        cr_expect(row.help[0]);
        cr_expect_eq(scenario_fill(&o, &d), OK, "%s", row.name);
        several += scenario_feed(row.name) == NULL;
    }
    cr_expect_eq(several, 1u, "mixed");
    cr_expect_str_eq(scenario_feed("soak"), "csv");
    cr_expect_null(scenario_feed("cvs"));
}

Test(scenario, refusals)
{
    struct scenario_options o = {.name = "cvs"};
    struct generate_options g = {GENERATE_DEFAULTS};
    struct result *r = malloc(sizeof *r);
    struct diag d = {.what = NULL};
    cr_expect_eq(scenario_fill(&o, &d), ERR_NOTFOUND);
    o.name = "mixed";
    o.in_process = true;
    cr_expect_eq(scenario_fill(&o, &d), ERR_NOTFOUND);
    o = (struct scenario_options){.name = "csv", .npa = "/nonexistent"};
    cr_assert_eq(scenario_fill(&o, &d), OK);
    cr_expect_eq(scenario_run(&o, r, &d), ERR_SYNTAX);
    cr_expect_not_null(d.what);
    g.kind = "xml";
    cr_expect_eq(scenario_generate(&g, stdout), ERR_NOTFOUND);
    free(r);
}

Test(scenario, generated_input)
{
    static const struct {
        const char *kind;
        unsigned lines;
        const char *begins;
    } ROWS[] = {{"csv", 30, "\"code"},
                {"json", 30, "{\"core-uuid\""},
                {"customers", 31, "customer_id,"},
                {"hep", 0, "HEP3"}};
    for (size_t i = 0; i < sizeof ROWS / sizeof ROWS[0]; i++) {
        struct generate_options g = {GENERATE_DEFAULTS};
        char *text;
        size_t n;
        FILE *f = open_memstream(&text, &n);
        g.kind = ROWS[i].kind;
        g.records = 30;
        g.customers = 10;
        cr_assert_eq(scenario_generate(&g, f), OK);
        fclose(f);
        unsigned lines = 0;
        for (size_t k = 0; k < n; k++)
            lines += text[k] == '\n';
        cr_expect(span_starts(span_of(text, n), span_str(ROWS[i].begins)), "%s", ROWS[i].kind);
        cr_expect(ROWS[i].lines == 0 || lines == ROWS[i].lines, "%s: %u", ROWS[i].kind, lines);
        free(text);
    }
}
