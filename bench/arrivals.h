/* arrivals.h - when each record of a run arrived, and how long it took until it was durable. In an
 * open loop a record arrives when it was due, not when a slow program let it be sent: waiting in
 * front of the door is waiting, too. */
#ifndef CPNI_BENCH_ARRIVALS_H
#define CPNI_BENCH_ARRIVALS_H

#include <stddef.h>

#include "bench/histogram.h"
#include "proto/core/err.h"

struct arrivals {
    uint64_t *us; /* monotonic, of record 0.. ; owned */
    size_t max, count;
    size_t settled;
    struct histogram latency; /* microseconds */
    struct histogram recent;  /* since arrivals_recent_p99() */
};

MUST_CHECK enum err arrivals_init(struct arrivals *a, size_t records_max); /* ERR_NOMEM */
void arrivals_done(struct arrivals *a);

/* The next record; behind the last one nothing is noted. */
void arrivals_add(struct arrivals *a, uint64_t us);
/* The first `upto` records are durable now: they became so in order. */
void arrivals_settle(struct arrivals *a, size_t upto, uint64_t now_us);
/* Record i is, whatever the others are. */
void arrivals_settle_one(struct arrivals *a, size_t i, uint64_t now_us);

/* Of the records that became durable since the last time; 0: none did. */
uint64_t arrivals_recent_p99(struct arrivals *a);

#endif
