/* truth.h - what the usage totals must be, added up by the generator with arithmetic of its own,
 * and the comparison with what was pulled. A run whose totals differ has failed, however fast. */
#ifndef CPNI_BENCH_TRUTH_H
#define CPNI_BENCH_TRUTH_H

#include "bench/calls.h"
#include "proto/wire/pull.h"

enum { TRUTH_INCREMENTS = 4 }; /* the default ones: 1/1, 6/6, 30/6, 60/60 */

struct tally {
    uint64_t attempts, answered, duration_ms, incomplete;
    uint64_t billed_s[TRUTH_INCREMENTS];
};

struct truth {
    uint32_t customers;
    struct tally total;
    uint64_t foreign;      /* tallies of accounts that are none of ours */
    struct tally *account; /* by customer, owned */
};

MUST_CHECK enum err truth_init(struct truth *t, uint32_t customers); /* ERR_NOMEM */
void truth_done(struct truth *t);

void truth_add_call(struct truth *t, const struct bench_call *call);

/* What a row says, and of which customer; TRUTH_FOREIGN: of an account that is none of ours. */
#define TRUTH_FOREIGN UINT32_MAX
uint32_t truth_row(const struct pull_row *row, struct tally *out);
void truth_add(struct truth *t, uint32_t customer, const struct tally *more);

/* Adds all of another one, of as many customers. */
void truth_merge(struct truth *t, const struct truth *more);

/* Accounts whose tallies differ, foreign ones included; 0 = equal. */
uint64_t truth_differences(const struct truth *expected, const struct truth *pulled);

#endif
