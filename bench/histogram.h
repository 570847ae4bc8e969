/* histogram.h - latencies by log-linear buckets, after Gil Tene's HdrHistogram: 64 buckets an
 * octave, so that a quantile is at most 1/64 (1.6 %) above the exact one, from 1 us to 12 days, in
 * fixed memory and without sorting. */
#ifndef CPNI_BENCH_HISTOGRAM_H
#define CPNI_BENCH_HISTOGRAM_H

#include <stdint.h>

enum {
    HISTOGRAM_SUB_BITS = 6,
    HISTOGRAM_VALUE_BITS = 40, /* values from 2^40 on count as 2^40 - 1 */
    HISTOGRAM_BUCKETS = (HISTOGRAM_VALUE_BITS - HISTOGRAM_SUB_BITS + 1) << HISTOGRAM_SUB_BITS
};

struct histogram {
    uint64_t count, max;
    uint64_t bucket[HISTOGRAM_BUCKETS];
};

void histogram_add(struct histogram *h, uint64_t value, uint64_t times);
/* Adds all of another one. */
void histogram_merge(struct histogram *h, const struct histogram *more);

/* The smallest value that at least a share q (0..1) of all do not exceed, rounded up to the end of
 * its bucket but never over the largest one; 0 when empty. */
uint64_t histogram_quantile(const struct histogram *h, double q);

#endif
