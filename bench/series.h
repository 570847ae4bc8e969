/* series.h - a scenario that was run one or more times: its figures, a value a run; its latencies
 * as a curve; and how the last run went over time. */
#ifndef CPNI_BENCH_SERIES_H
#define CPNI_BENCH_SERIES_H

#include <stdint.h>

#include "bench/histogram.h"
#include "bench/spread.h"
#include "bench/timeline.h"

enum {
    SERIES_FIGURES_MAX = 112,
    SERIES_NAME_BYTES = 48,
    SERIES_MODE_BYTES = 16,
    SERIES_UNIT_BYTES = 12,
    SERIES_CURVE_POINTS = 16
};

/* The shares of a latency curve: 0.5, 0.75, 0.9, ... and the greatest of all. */
extern const double SERIES_CURVE[SERIES_CURVE_POINTS];

/* What an engineer wants of a figure. */
enum better { BETTER_NEITHER, BETTER_HIGHER, BETTER_LOWER };

struct figure {
    char name[SERIES_NAME_BYTES], unit[SERIES_UNIT_BYTES];
    unsigned decimals;
    enum better better;
    size_t runs;
    double run[SPREAD_RUNS_MAX];
};

struct series {
    char name[SERIES_NAME_BYTES], mode[SERIES_MODE_BYTES];
    char bound[SERIES_NAME_BYTES]; /* what limits it (ceiling.h); empty: not known */
    size_t runs;
    bool passed; /* all runs */
    size_t count;
    struct figure figure[SERIES_FIGURES_MAX];
    double curve_ms[SERIES_CURVE_POINTS]; /* of all runs together */
    struct histogram latency;             /* of which the curve is made; not kept in files */
    struct timeline timeline;
};

/* A new one, empty, to be freed with free(). NULL: no memory. */
struct series *series_new(const char *name, const char *mode);

/* The value of one more run of a figure. Beyond the limits above values are left out. */
void series_put(struct series *s, const char *name, const char *unit, unsigned decimals,
                enum better better, double value);
/* The latencies of one more run. */
void series_put_latency(struct series *s, const struct histogram *h);

const struct figure *series_figure(const struct series *s, const char *name); /* or NULL */
/* Median of a figure; 0 without one. */
double series_median(const struct series *s, const char *name);

#endif
