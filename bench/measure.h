/* measure.h - a scenario run as often as was asked, as one series; with --ramp at the largest rate
 * that holds. */
#ifndef CPNI_BENCH_MEASURE_H
#define CPNI_BENCH_MEASURE_H

#include "bench/scenario.h"
#include "bench/series.h"

/* Options not filled yet. *out is to be freed; its name is the scenario's. A run that lost
 * something or whose totals differ makes a series that did not pass, not an error. */
MUST_CHECK enum err measure_run(const struct scenario_options *o, struct series **out,
                                struct diag *d);

/* Was a rate held: nothing lost, sent and durable in the time it should take and a twentieth, and
 * within the objective? */
bool measure_holds(const struct scenario_options *o, const struct result *r);

#endif
