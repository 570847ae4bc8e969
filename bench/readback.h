/* readback.h - one customer's month, read out of all records as `cpnictl calls list` does: policy,
 * the audit line synced first, every record opened. */
#ifndef CPNI_BENCH_READBACK_H
#define CPNI_BENCH_READBACK_H

#include "bench/ask.h"
#include "bench/histogram.h"

struct readback_options {
    uint32_t customers;
    uint64_t reads, seed;
};

struct readback {
    uint64_t reads, rows;
    struct histogram latency; /* microseconds, from the request to its end */
};

/* Customers are drawn evenly: by Zipf's law the first few, with a large part of all calls each,
 * would be what is measured. ERR_DENIED: this user may not. */
MUST_CHECK enum err readback_run(struct ask *a, const struct readback_options *o,
                                 struct readback *out);

#endif
