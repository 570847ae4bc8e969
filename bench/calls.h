/* calls.h - the calls of a benchmark: a function of a seed and a number, so that any call can be
 * made at any time, twice alike, without those before it. What the generators write and what the
 * truth expects both come from here. */
#ifndef CPNI_BENCH_CALLS_H
#define CPNI_BENCH_CALLS_H

#include "bench/population.h"
#include "bench/zipf.h"

struct calls_options {
    uint64_t seed;
    uint64_t count;
    uint32_t customers;   /* 1... */
    bool whole_seconds;   /* Asterisk's CDRs know no fractions */
    bool uniform;         /* every customer calls as often as any other, not by Zipf's law */
    unsigned hot_percent; /* of all calls customer 0 makes so many, whoever makes the others */
};

enum call_outcome {
    OUTCOME_ANSWERED,
    OUTCOME_CANCELLED, /* by the caller, while it rang */
    OUTCOME_NO_ANSWER,
    OUTCOME_BUSY,
    OUTCOME_FAILED,
    OUTCOME_COUNT
};

#define CALLS_OUTSIDE UINT32_MAX

struct bench_call {
    uint64_t index;
    uint32_t caller; /* customer */
    uint32_t callee; /* customer, may be the caller; or CALLS_OUTSIDE */
    char from[POPULATION_NUMBER_BYTES], to[POPULATION_NUMBER_BYTES];
    enum call_outcome outcome;
    int64_t start_us, ring_us, end_us; /* since 1970 */
    int64_t answer_us;                 /* 0 = never */
};

struct calls {
    struct calls_options options;
    struct zipf *zipf; /* owned */
};

MUST_CHECK enum err calls_init(struct calls *c, const struct calls_options *options);
void calls_done(struct calls *c);

void calls_make(const struct calls *c, uint64_t index, struct bench_call *out);

/* Records that the vault keeps of it: one a customer that took part. */
unsigned call_rows(const struct bench_call *call);

#endif
