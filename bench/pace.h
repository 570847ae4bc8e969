/* pace.h - the bench's clock: monotonic microseconds, pauses, and an open loop that says when the
 * next item is due. */
#ifndef CPNI_BENCH_PACE_H
#define CPNI_BENCH_PACE_H

#include <stdint.h>

uint64_t pace_now_us(void);
void pace_pause_us(uint64_t us);
void pace_until_us(uint64_t mono_us); /* returns at once when it is past */

/* An open loop: a slow receiver does not move it, so that latencies count from when an item was
 * due. */
struct pace {
    uint64_t start_us; /* monotonic */
    uint64_t rate;     /* items a second; 0 = all are due at once */
    uint64_t burst;    /* the items of each second come so many times as fast, and then none until
                          it is over; 0 and 1 = evenly */
};
uint64_t pace_due_us(const struct pace *p, uint64_t i);

#endif
