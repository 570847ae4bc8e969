/* cpnibench - load, latency and truth: cpnibench(1). */
#include <inttypes.h>
#include <stdlib.h>

#include "bench/compare.h"
#include "bench/document.h"
#include "bench/html.h"
#include "bench/limits/limits.h"
#include "bench/measure.h"
#include "bench/place.h"
#include "bench/replay.h"
#include "bench/report.h"
#include "bench/suite.h"

enum { EXIT_USAGE = 2 };

static int fail(const char *what)
{
    fprintf(stderr, "cpnibench: %s\n", what);
    return EXIT_FAILURE;
}

static int replay_main(const void *options)
{
    struct replay_counts n;
    struct diag d = {.what = "the capture cannot be read"};
    enum err e = replay_run(options, &n, &d);
    printf("sent %" PRIu64 " HEP frames, %" PRIu64 " bytes, of %" PRIu64 " packets", n.sent,
           n.bytes, n.packets);
    if (n.skipped)
        printf("; skipped %" PRIu64 " messages that cannot be sent so", n.skipped);
    printf("\n");
    return e == OK ? EXIT_SUCCESS : fail(d.what);
}

/* A document of one series. Takes it. */
static int save_series(struct series *s, const char *json)
{
    struct document doc = {.count = 0};
    machine_read(place_parent(), &doc.machine);
    enum err e = document_add(&doc, s);
    if (e == OK && json)
        e = document_save(&doc, json);
    document_done(&doc);
    return e == OK ? EXIT_SUCCESS : fail("the JSON file cannot be written");
}

static int run_main(const void *options)
{
    const struct scenario_options *o = options;
    struct series *s = NULL;
    struct diag d = {.what = ""};
    enum err e = measure_run(o, &s, &d);
    if (e != OK)
        return fail(d.what && d.what[0] ? d.what : err_text(e));
    report_text(s, stdout);
    bool passed = s->passed;
    int status = save_series(s, o->json);
    return passed ? status : EXIT_FAILURE;
}

struct limits_verb {
    uint64_t runs, ms;
    const char *dir, *json;
};
static const struct option_row LIMITS_ROWS[] = {
    {"runs", OPTION_NUMBER, "N", offsetof(struct limits_verb, runs), 1, SPREAD_RUNS_MAX,
     "times to measure each (default 7)"},
    {"ms", OPTION_NUMBER, "MS", offsetof(struct limits_verb, ms), 1, 60000,
     "length of each measurement (default 200)"},
    {"dir", OPTION_TEXT, "DIR", offsetof(struct limits_verb, dir), 0, 0,
     "on the disk to measure (default: $TMPDIR or /tmp)"},
    {"json", OPTION_TEXT, "FILE", offsetof(struct limits_verb, json), 0, 0,
     "results for compare and report; - = stdout"},
};
static const struct option_table LIMITS_OPTIONS = {
    .row = LIMITS_ROWS, .count = sizeof LIMITS_ROWS / sizeof LIMITS_ROWS[0]};

struct compare_verb {
    const char *a, *b;
};
static const struct option_table COMPARE_OPTIONS = {
    .operand = "A.json",
    .operand_member = offsetof(struct compare_verb, a),
    .second = "B.json",
    .second_member = offsetof(struct compare_verb, b)};

struct report_verb {
    const char *file, *html;
};
static const struct option_row REPORT_ROWS[] = {
    {"html", OPTION_TEXT, "FILE", offsetof(struct report_verb, html), 0, 0,
     "the report as one page, with plots by gnuplot"},
};
static const struct option_table REPORT_OPTIONS = {.row = REPORT_ROWS,
                                                   .count = 1,
                                                   .operand = "RESULTS.json",
                                                   .operand_member =
                                                       offsetof(struct report_verb, file)};

static enum err write_html(const struct document *d, const char *path, struct diag *diag)
{
    FILE *f = fopen(path, "w");
    if (!f)
        return diag_set(diag, ERR_STORE, "the HTML file cannot be written", 0);
    enum err e = html_write(d, f, diag);
    if (fclose(f) != 0 && e == OK)
        e = diag_set(diag, ERR_STORE, "the HTML file cannot be written", 0);
    return e;
}

static int suite_main(const void *options)
{
    const struct suite_options *o = options;
    struct document doc;
    struct diag d = {.what = ""};
    if (suite_run(o, &doc, stderr, &d) != OK)
        return fail(d.what);
    unsigned missed = suite_summary(&doc, stdout);
    int status = missed ? EXIT_FAILURE : EXIT_SUCCESS;
    if (o->json && document_save(&doc, o->json) != OK)
        status = fail("the JSON file cannot be written");
    if (o->html && write_html(&doc, o->html, &d) != OK)
        status = fail(d.what);
    document_done(&doc);
    return status;
}

static int compare_main(const void *options)
{
    const struct compare_verb *o = options;
    struct document a, b = {.count = 0};
    struct compare_counts counts;
    struct diag d = {.what = ""};
    enum err e = document_load(o->a, &a, &d);
    if (e == OK)
        e = document_load(o->b, &b, &d);
    if (e == OK)
        compare_print(&a, &b, stdout, &counts);
    document_done(&a);
    document_done(&b);
    if (e != OK)
        return fail(d.what);
    return counts.verdict[COMPARE_WORSE] ? EXIT_FAILURE : EXIT_SUCCESS;
}

static int report_main(const void *options)
{
    const struct report_verb *o = options;
    struct document doc;
    struct diag d = {.what = ""};
    enum err e = document_load(o->file, &doc, &d);
    if (e != OK)
        return fail(d.what);
    suite_summary(&doc, stdout);
    if (o->html)
        e = write_html(&doc, o->html, &d);
    document_done(&doc);
    return e == OK ? EXIT_SUCCESS : fail(d.what);
}

static int limits_main(const void *options)
{
    const struct limits_verb *o = options;
    struct limits_options of = {o->dir, o->runs, o->ms};
    struct series *s = NULL;
    struct diag d = {.what = ""};
    if (limits_run(&of, &s, &d) != OK)
        return fail(d.what);
    report_text(s, stdout);
    return save_series(s, o->json);
}

static int scenarios_main(const void *options)
{
    struct scenario_row row;
    (void)options;
    for (size_t i = 0; scenario_row(i, &row); i++)
        printf("  %-12s%s\n", row.name, row.help);
    return EXIT_SUCCESS;
}

static int generate_main(const void *options)
{
    enum err e = scenario_generate(options, stdout);
    return e == OK && fflush(stdout) == 0 ? EXIT_SUCCESS : fail("nothing of that kind, or no room");
}

union verb_options {
    struct limits_verb limits;
    struct suite_options suite;
    struct compare_verb compare;
    struct report_verb report;
    int none;
    struct replay replay;
    struct scenario_options scenario;
    struct generate_options generate;
};

static const struct option_table NO_OPTIONS = {.row = NULL};

static const struct verb {
    const char *name, *help;
    const struct option_table *options;
    union verb_options preset;
    int (*run)(const void *options);
} VERBS[] = {
    {"run",
     "put a load on cpnid, or on its parts in one process, and check the totals",
     &SCENARIO_OPTIONS,
     {.scenario = {.records = 0}},
     run_main},
    {"suite",
     "everything that the goals want, one after another; prints their table",
     &SUITE_OPTIONS,
     {.suite = {.quick = false}},
     suite_main},
    {"compare",
     "what changed from the results of one file to those of another",
     &COMPARE_OPTIONS,
     {.compare = {NULL, NULL}},
     compare_main},
    {"report",
     "print results again, as text or as a page with plots",
     &REPORT_OPTIONS,
     {.report = {NULL, NULL}},
     report_main},
    {"limits",
     "measure what this machine can do at most of what a record needs",
     &LIMITS_OPTIONS,
     {.limits = {.runs = 7, .ms = 200}},
     limits_main},
    {"scenarios", "list what can be run", &NO_OPTIONS, {.none = 0}, scenarios_main},
    {"generate",
     "print the input of a run, or the directory that goes with it",
     &GENERATE_OPTIONS,
     {.generate = {GENERATE_DEFAULTS}},
     generate_main},
    {"replay",
     "send the HEP frames of a capture to a running cpnid",
     &REPLAY_OPTIONS,
     {.replay = {REPLAY_DEFAULTS}},
     replay_main},
};
enum { VERBS_COUNT = sizeof VERBS / sizeof VERBS[0] };

static int help(FILE *out, int status)
{
    fprintf(out, "Usage: cpnibench COMMAND [OPTION]...\n\n");
    for (size_t i = 0; i < VERBS_COUNT; i++)
        fprintf(out, "  %-12s%s\n", VERBS[i].name, VERBS[i].help);
    fprintf(out, "\ncpnibench COMMAND --help prints the options of one. Exit codes: 0 done,\n"
                 "1 failed or a total differs from the truth, 2 usage.\n");
    return status;
}

static int verb_help(const struct verb *v)
{
    const struct option_table *t = v->options;
    printf("Usage: cpnibench %s%s%s%s%s [OPTION]...\n\n%s.\n\n", v->name, t->operand ? " " : "",
           t->operand ? t->operand : "", t->second ? " " : "", t->second ? t->second : "", v->help);
    options_help(v->options, stdout);
    return EXIT_SUCCESS;
}

static int run_verb(const struct verb *v, int argc, char *const *argv)
{
    union verb_options options = v->preset;
    struct diag d = {.what = ""};
    enum err e = options_parse(v->options, argc, argv, &options, &d);
    if (e == ERR_NOTFOUND)
        return verb_help(v);
    if (e == OK)
        return v->run(&options);
    fprintf(stderr, "cpnibench %s: %s %s\n", v->name, d.at < (size_t)argc ? argv[d.at] : "",
            d.what);
    return EXIT_USAGE;
}

int main(int argc, char **argv)
{
    const char *name = argc > 1 ? argv[1] : "";
    for (size_t i = 0; i < VERBS_COUNT; i++)
        if (span_is(span_str(name), VERBS[i].name))
            return run_verb(&VERBS[i], argc - 2, argv + 2);
    if (span_is(span_str(name), "--version"))
        return puts("cpnibench " CPNI_VERSION) == EOF;
    if (span_is(span_str(name), "--help"))
        return help(stdout, EXIT_SUCCESS);
    return help(stderr, EXIT_USAGE);
}
