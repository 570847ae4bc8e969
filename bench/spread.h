/* spread.h - what a handful of runs of one figure say: median, extremes, and a 95 % confidence
 * interval; and whether two handfuls differ.
 *
 * From SPREAD_ORDER_MIN runs on the interval is that of the median by order statistics, which
 * assumes nothing of the distribution. Below, order statistics reach no 95 %: there it is that of
 * the geometric mean by Student's t over the logarithms, which assumes that runs scatter by
 * factors, as rates and latencies do; with a value of 0 or less, of the mean, by t over the values
 * themselves. */
#ifndef CPNI_BENCH_SPREAD_H
#define CPNI_BENCH_SPREAD_H

#include <stdbool.h>
#include <stddef.h>

enum { SPREAD_RUNS_MAX = 32, SPREAD_ORDER_MIN = 6 };

struct spread {
    size_t n;
    double median, min, max;
    double low, high; /* of one run: itself, for it says nothing of the next */
};

/* n = 1..SPREAD_RUNS_MAX; of none all is 0. */
void spread_of(const double *run, size_t n, struct spread *out);

/* How b stands to a: the ratio of their geometric means, with the interval of Welch's t over the
 * logarithms. */
struct spread_change {
    double ratio;
    double low, high;
    bool known; /* two runs or more on either side, all above 0: there is an interval */
};
void spread_compare(const double *a, size_t a_n, const double *b, size_t b_n,
                    struct spread_change *out);

#endif
