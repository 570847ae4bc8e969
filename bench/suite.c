#include "bench/suite.h"

#include <inttypes.h>
#include <stdlib.h>

#include "bench/ceiling.h"
#include "bench/goal.h"
#include "bench/limits/limits.h"
#include "bench/measure.h"
#include "bench/pace.h"
#include "bench/place.h"
#include "proto/core/instant.h"

#define AT(member) offsetof(struct suite_options, member)
static const struct option_row ROWS[] = {
    {"quick", OPTION_FLAG, NULL, AT(quick), 0, 0,
     "under 15 minutes: fewer records, a soak of one minute; the report says what was made "
     "smaller"},
    {"only", OPTION_TEXT, "STEP", AT(only), 0, 0,
     "one step, and the limits; goals of the others have no result"},
    {"json", OPTION_TEXT, "FILE", AT(json), 0, 0, "results for compare and report; - = stdout"},
    {"html", OPTION_TEXT, "FILE", AT(html), 0, 0, "the report as one page, with plots by gnuplot"},
    {"port-offset", OPTION_NUMBER, "N", AT(port_offset), 1, 50000,
     "added to the daemon's ports (default 20000)"},
    {"cpnid", OPTION_TEXT, "FILE", AT(cpnid), 0, 0,
     "daemon to start (default: the one built or installed with cpnibench)"},
    {"npa", OPTION_TEXT, "FILE", AT(npa), 0, 0, "table of area codes (default: the installed one)"},
};
#undef AT
const struct option_table SUITE_OPTIONS = {.row = ROWS, .count = sizeof ROWS / sizeof ROWS[0]};

/* In this order: some want results of those before them. */
/* clang-format off */
static const struct suite_step STEPS[] = {
    {"csv",
     {.name = "csv", .customers = 100000, .records = 2000000, .runs = 7},
     {.name = "csv", .customers = 100000, .records = 300000,  .runs = 6}, NULL},
    {"json",
     {.name = "json", .records = 500000, .runs = 7},
     {.name = "json", .records = 60000,  .runs = 6}, NULL},
    {"hep-udp",
     {.name = "hep-udp", .ramp = true, .rate = 50000, .seconds = 10, .runs = 5},
     {.name = "hep-udp", .ramp = true, .rate = 50000, .seconds = 2,  .runs = 3}, NULL},
    {"hep-tcp",
     {.name = "hep-tcp", .records = 1000000, .runs = 7},
     {.name = "hep-tcp", .records = 100000,  .runs = 6}, NULL},
    {"csv-half",
     {.name = "csv", .customers = 100000, .seconds = 60, .runs = 6},
     {.name = "csv", .customers = 100000, .seconds = 6,  .runs = 4}, "csv"},
    {"json-half",
     {.name = "json", .seconds = 60, .runs = 6},
     {.name = "json", .seconds = 6,  .runs = 4}, "json"},
    {"mixed",
     {.name = "mixed", .records = 1000000, .runs = 6},
     {.name = "mixed", .records = 100000,  .runs = 3}, NULL},
    {"burst",
     {.name = "burst", .seconds = 60, .runs = 3},
     {.name = "burst", .seconds = 5,  .runs = 3}, NULL},
    {"hot",
     {.name = "hot", .records = 1000000, .runs = 6},
     {.name = "hot", .records = 150000,  .runs = 3}, NULL},
    {"cold",
     {.name = "cold", .records = 1000000, .runs = 6},
     {.name = "cold", .records = 150000,  .runs = 3}, NULL},
    {"customers",
     {.name = "customers", .records = 1000000, .customers = 400000, .runs = 2},
     {.name = "customers", .records = 300000,  .customers = 200000, .runs = 1}, NULL},
    {"growth",
     {.name = "growth", .records = 20000000, .reads = 5000, .runs = 1},
     {.name = "growth", .records = 2400000,  .reads = 1000, .runs = 1}, NULL},
    {"soak",
     {.name = "soak", .seconds = 1200, .runs = 1},
     {.name = "soak", .seconds = 60,   .runs = 1}, "csv"},
    {"csv-stages",
     {.name = "csv", .in_process = true, .records = 500000, .runs = 6},
     {.name = "csv", .in_process = true, .records = 60000,  .runs = 3}, NULL},
    {"hep-stages",
     {.name = "hep-tcp", .in_process = true, .records = 200000, .runs = 6},
     {.name = "hep-tcp", .in_process = true, .records = 30000,  .runs = 3}, NULL},
    {"json-stages",
     {.name = "json", .in_process = true, .records = 200000, .runs = 6},
     {.name = "json", .in_process = true, .records = 30000,  .runs = 3}, NULL},
};
/* clang-format on */
enum { STEPS_COUNT = sizeof STEPS / sizeof STEPS[0], LIMIT_RUNS = 7 };
static const struct {
    uint64_t full_ms, quick_ms;
} LIMIT_LENGTH = {500, 150};

const struct suite_step *suite_step(size_t i)
{
    return i < STEPS_COUNT ? &STEPS[i] : NULL;
}

static bool wanted(const struct suite_step *s, const struct suite_options *o)
{
    return !o->only || span_is(span_str(s->name), o->only);
}

enum err suite_options_of(const struct suite_step *s, const struct suite_options *o,
                          const struct document *d, struct scenario_options *out)
{
    struct scenario_options of = o->quick ? s->quick : s->full;
    of.port_offset = o->port_offset;
    of.cpnid = o->cpnid;
    of.npa = o->npa;
    if (s->half_of) {
        const struct series *whole = document_series(d, s->half_of);
        of.rate = whole ? (uint64_t)(series_median(whole, "items_per_s") / 2) : 0;
        if (of.rate == 0)
            return ERR_NOTFOUND;
    }
    *out = of;
    return OK;
}

/* --- what quick leaves out --- */

static void print_smaller(const char *what, uint64_t full, uint64_t quick, FILE *out)
{
    if (quick < full)
        fprintf(out, ", %" PRIu64 " of %" PRIu64 " %s", quick, full, what);
}

void suite_print_scaled(FILE *out)
{
    for (size_t i = 0; i < STEPS_COUNT; i++) {
        const struct scenario_options *full = &STEPS[i].full, *quick = &STEPS[i].quick;
        fprintf(out, "quick: %s", STEPS[i].name);
        print_smaller("records", full->records, quick->records, out);
        print_smaller("seconds", full->seconds, quick->seconds, out);
        print_smaller("customers", full->customers, quick->customers, out);
        print_smaller("runs", full->runs, quick->runs, out);
        fprintf(out, "\n");
    }
}

/* --- running --- */

static enum err run_limits(const struct suite_options *o, struct document *doc, struct diag *d)
{
    struct limits_options of = {NULL, LIMIT_RUNS,
                                o->quick ? LIMIT_LENGTH.quick_ms : LIMIT_LENGTH.full_ms};
    struct series *s = NULL;
    enum err e = limits_run(&of, &s, d);
    return e == OK ? document_add(doc, s) : e;
}

static enum err run_step(const struct suite_step *step, const struct suite_options *o,
                         struct document *doc, struct diag *d)
{
    struct scenario_options of;
    struct series *s = NULL;
    diag_set(d, OK, "it wants half of a rate that was not measured", 0);
    enum err e = suite_options_of(step, o, doc, &of);
    if (e == OK)
        e = measure_run(&of, &s, d);
    if (e != OK)
        return e;
    snprintf(s->name, sizeof s->name, "%s", step->name);
    const struct series *limits = document_series(doc, "limits");
    if (limits)
        ceiling_put(s, scenario_feed(of.name), limits);
    return document_add(doc, s);
}

static bool known(const struct suite_options *o)
{
    bool found = !o->only;
    for (size_t i = 0; i < STEPS_COUNT; i++)
        found |= wanted(&STEPS[i], o);
    return found;
}

enum err suite_run(const struct suite_options *o, struct document *out, FILE *log, struct diag *d)
{
    uint64_t start = pace_now_us();
    *out = (struct document){.count = 0};
    if (!known(o))
        return diag_set(d, ERR_NOTFOUND, "there is no such step", 0);
    machine_read(place_parent(), &out->machine);
    machine_add(&out->machine, span_str("suite"), span_str(o->quick ? "quick" : "full"));
    fprintf(log, "limits\n");
    if (run_limits(o, out, d) != OK)
        fprintf(log, "limits: %s\n", d->what);
    for (size_t i = 0; i < STEPS_COUNT; i++) {
        if (!wanted(&STEPS[i], o))
            continue;
        fprintf(log, "%4" PRIu64 " s  %s (%zu of %d)\n", (pace_now_us() - start) / US_PER_S,
                STEPS[i].name, i + 1, STEPS_COUNT);
        diag_set(d, OK, "", 0);
        enum err e = run_step(&STEPS[i], o, out, d);
        if (e != OK)
            fprintf(log, "%s: %s\n", STEPS[i].name, d->what && d->what[0] ? d->what : err_text(e));
    }
    machine_add_load(&out->machine, "load_after");
    fprintf(log, "%4" PRIu64 " s  done\n", (pace_now_us() - start) / US_PER_S);
    return OK;
}

/* --- the page --- */

static void print_limits(const struct document *d, FILE *out)
{
    const struct series *s = document_series(d, "limits");
    for (size_t i = 0; s && i < s->count; i++) {
        struct spread spread;
        spread_of(s->figure[i].run, s->figure[i].runs, &spread);
        fprintf(out, "  %-16s %16.0f %-4s 95 %%: %.0f..%.0f\n", s->figure[i].name, spread.median,
                s->figure[i].unit, spread.low, spread.high);
    }
}

static void print_line(const struct series *s, FILE *out)
{
    fprintf(out, "  %-12s %2zu %9.0f /s %8.2f us %9.2f %9.2f ms  %s%s%s\n", s->name, s->runs,
            series_median(s, "records_per_s"), series_median(s, "cpu_us_per_record"),
            series_median(s, "latency_p50_ms"), series_median(s, "latency_p99_ms"),
            s->passed ? "passed" : "FAILED", s->bound[0] ? ", bound by " : "", s->bound);
}

unsigned suite_summary(const struct document *d, FILE *out)
{
    const char *kind = machine_fact(&d->machine, "suite");
    fprintf(out, "cpnibench suite%s\n\nMachine\n",
            kind && span_is(span_str(kind), "quick") ? " --quick" : "");
    for (size_t i = 0; i < d->machine.count; i++)
        fprintf(out, "  %-16s %s\n", d->machine.fact[i].name, d->machine.fact[i].value);
    fprintf(out, "\nLimits of this machine, measured in the same hour\n");
    print_limits(d, out);
    fprintf(out, "\nScenarios (medians: runs, records a second, CPU a record, latency p50, p99)\n");
    for (size_t i = 0; i < d->count; i++)
        if (!span_is(span_str(d->series[i]->name), "limits"))
            print_line(d->series[i], out);
    fprintf(out, "\nGoals\n");
    unsigned missed = goal_print(d, out);
    fprintf(out, "\n");
    if (kind && span_is(span_str(kind), "quick"))
        suite_print_scaled(out);
    return missed;
}
