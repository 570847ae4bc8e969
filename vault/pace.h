/* pace.h - how fast counters went lately: a ring of samples, one a second. The caller brings the
 * numbers and the time, which is monotonic and in microseconds. */
#ifndef CPNI_VAULT_PACE_H
#define CPNI_VAULT_PACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/core/limits.h"

enum {
    PACE_WINDOW_S = 10,               /* a burst shows, a pause of the sender does not */
    PACE_SAMPLES = PACE_WINDOW_S + 1, /* so many seconds lie between */
    PACE_COUNTERS_MAX = 8 + 4 * FEEDS_MAX
};

struct pace_sample {
    int64_t at_us;
    uint64_t peak; /* of the second before */
    uint64_t counter[PACE_COUNTERS_MAX];
};

struct pace { /* begins as zero */
    size_t taken;
    uint64_t peak; /* since the newest sample */
    struct pace_sample sample[PACE_SAMPLES];
};

/* Is the newest sample a second old, or is there none? */
bool pace_due(const struct pace *p, int64_t now_us);
/* A new sample instead of the oldest one; the caller fills in its counters. */
struct pace_sample *pace_take(struct pace *p, int64_t now_us);

/* What counter i has grown by since the oldest sample, and that a second, rounded. Of a time
 * shorter than a second as if it were one. */
uint64_t pace_growth(const struct pace *p, size_t i, uint64_t counter);
uint64_t pace_per_s(const struct pace *p, size_t i, uint64_t counter, int64_t now_us);

/* A value of which the window's largest is wanted. */
void pace_note(struct pace *p, uint64_t value);
uint64_t pace_peak(const struct pace *p);

#endif
