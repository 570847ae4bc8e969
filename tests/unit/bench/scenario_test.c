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
        struct scenario_options o = {SCENARIO_DEFAULTS};
        struct result *r = malloc(sizeof *r);
        struct diag d = {.what = ""};
        o.name = NAME[i];
        o.records = 200;
        o.customers = 20;
        o.in_process = true;
        o.npa = NPA;
        cr_assert_eq(scenario_run(&o, r, &d), OK, "%s: %s", NAME[i], d.what);
        cr_expect(result_passed(r), "%s", NAME[i]);
        cr_expect_str_eq(r->scenario, NAME[i]);
        cr_expect_eq(r->records, 200u);
        free(r);
    }
}

Test(scenario, rate_and_seconds_make_as_much_as_they_need)
{
    struct scenario_options o = {SCENARIO_DEFAULTS};
    struct result *r = malloc(sizeof *r);
    struct diag d = {.what = ""};
    o.name = "csv";
    o.rate = 400;
    o.seconds = 1;
    o.customers = 20;
    o.in_process = true;
    o.npa = NPA;
    cr_assert_eq(scenario_run(&o, r, &d), OK, "%s", d.what);
    cr_expect_eq(r->records, 401u);
    cr_expect(r->wall_us >= 990000);
    free(r);
}

Test(scenario, refusals)
{
    struct scenario_options o = {SCENARIO_DEFAULTS};
    struct generate_options g = {GENERATE_DEFAULTS};
    struct result *r = malloc(sizeof *r);
    struct diag d = {.what = NULL};
    o.name = "cvs";
    cr_expect_eq(scenario_run(&o, r, &d), ERR_NOTFOUND);
    o.name = "csv";
    o.npa = "/nonexistent";
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
