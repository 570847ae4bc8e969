/* scenario.h - the scenarios as a table: what is sent, by whom and how; a row is some feeds and the
 * options that make it what it is, and every option can be given to every row. A run makes the
 * input, sends it through the program and compares the totals with the truth. */
#ifndef CPNI_BENCH_SCENARIO_H
#define CPNI_BENCH_SCENARIO_H

#include "bench/option.h"
#include "bench/result.h"

/* A number that is 0 and a flag that is not set are the scenario's own, or else the default. */
struct scenario_options {
    const char *name; /* of scenario_row() */
    uint64_t records, customers, rate, seconds, seed, open_calls, port_offset, workers;
    uint64_t runs;     /* of measure.h */
    uint64_t burst;    /* pace.h */
    uint64_t hot;      /* percent of all calls that one customer makes */
    uint64_t reads;    /* customers whose month is read back in the end */
    uint64_t disk_mib; /* a second, at most, for the daemon to write (throttle.h) */
    uint64_t slo_ms;   /* of measure.h: with ramp, the 99.9th percentile */
    bool in_process, keep, uniform, live, ramp;
    const char *json;      /* file for the results; "-" = standard output */
    const char *state_dir; /* working folder; NULL = a temporary one */
    const char *cpnid;     /* NULL = beside cpnibench, or in its build folder */
    const char *npa;       /* NULL = the installed table, or deploy/npa.csv */
};

extern const struct option_table SCENARIO_OPTIONS; /* of struct scenario_options */

/* Every scenario by number: false behind the last one. */
struct scenario_row {
    const char *name, *help;
};
bool scenario_row(size_t i, struct scenario_row *out);

/* The feed of a scenario that has one: "csv", "hep-udp", "hep-tcp", "json". NULL: several, or no
 * such scenario. */
const char *scenario_feed(const char *name);

/* Fills in what was not given. ERR_NOTFOUND: no such scenario. */
MUST_CHECK enum err scenario_fill(struct scenario_options *o, struct diag *d);

/* Of filled options: items that make a hundred records, on average. */
uint64_t scenario_items_per_100(const struct scenario_options *o);

/* One run of filled options. *out is zeroed first. OK also when the totals differ:
 * result_passed(). d->what tells what failed. */
MUST_CHECK enum err scenario_run(const struct scenario_options *o, struct result *out,
                                 struct diag *d);

/* `cpnibench generate KIND`: the same input on standard output. */
struct generate_options {
    const char *kind; /* csv, hep, json, customers */
    uint64_t records, customers, seed, open_calls;
};
#define GENERATE_DEFAULTS .records = 1000, .customers = 100, .seed = 1, .open_calls = 100

extern const struct option_table GENERATE_OPTIONS;

/* ERR_NOTFOUND: no such kind. */
MUST_CHECK enum err scenario_generate(const struct generate_options *o, FILE *out);

#endif
