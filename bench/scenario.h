/* scenario.h - `cpnibench run SCENARIO`: makes the input, runs it through the program, compares the
 * totals with the truth, reports. */
#ifndef CPNI_BENCH_SCENARIO_H
#define CPNI_BENCH_SCENARIO_H

#include "bench/option.h"
#include "bench/result.h"

struct scenario_options {
    const char *name; /* csv, hep-udp, hep-tcp, json */
    uint64_t records, customers, rate, seconds, seed, open_calls, port_offset, workers;
    bool in_process, keep;
    const char *json;      /* file for the JSON report; "-" = standard output */
    const char *state_dir; /* working folder; NULL = a temporary one */
    const char *cpnid;     /* NULL = beside cpnibench, or in its build folder */
    const char *npa;       /* NULL = the installed table, or deploy/npa.csv */
};
#define SCENARIO_DEFAULTS                                                                          \
    .records = 200000, .customers = 10000, .seed = 1, .open_calls = 10000, .port_offset = 20000,   \
    .workers = 1

extern const struct option_table SCENARIO_OPTIONS; /* of struct scenario_options */

/* *out is zeroed first. OK also when the totals differ: result_passed(). ERR_NOTFOUND: no such
 * scenario. d->what tells what failed. */
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
