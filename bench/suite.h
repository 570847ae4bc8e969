/* suite.h - `cpnibench suite`: the machine's limits and all scenarios that the goals want, one
 * after another on one machine in one document. */
#ifndef CPNI_BENCH_SUITE_H
#define CPNI_BENCH_SUITE_H

#include "bench/document.h"
#include "bench/scenario.h"

/* quick: under a quarter of an hour, with smaller numbers; the table says which. */
struct suite_options {
    bool quick;
    const char *only; /* one step; NULL = all */
    const char *json, *html;
    uint64_t port_offset;
    const char *cpnid, *npa;
};
extern const struct option_table SUITE_OPTIONS;

struct suite_step {
    const char *name; /* of its series */
    struct scenario_options full, quick;
    const char *half_of; /* the rate is half of what that step reached; NULL: as in the options */
};
/* By number: NULL behind the last one. */
const struct suite_step *suite_step(size_t i);

/* What a step is run with: *out is to be filled by scenario_fill(). Rates come from what is in d
 * already. ERR_NOTFOUND: the step that it wants half of has no result. */
MUST_CHECK enum err suite_options_of(const struct suite_step *s, const struct suite_options *o,
                                     const struct document *d, struct scenario_options *out);

/* A line a step: the numbers that quick makes smaller. */
void suite_print_scaled(FILE *out);

/* A step that fails is told on `log` and left out. *out is to be done with. ERR_NOMEM: d.
 * ERR_NOTFOUND: there is no such step as `only`. */
MUST_CHECK enum err suite_run(const struct suite_options *o, struct document *out, FILE *log,
                              struct diag *d);

/* One page: machine, limits, goals, and a line a series. Gives how many goals do not pass. */
unsigned suite_summary(const struct document *d, FILE *out);

#endif
