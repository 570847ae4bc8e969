/* pace.h - the bench's clock: monotonic microseconds, pauses, and an open loop that says when the
 * next item is due. */
#ifndef CPNI_BENCH_PACE_H
#define CPNI_BENCH_PACE_H

#include <stdint.h>

uint64_t pace_now_us(void);
void pace_pause_us(uint64_t us);
void pace_until_us(uint64_t mono_us); /* returns at once when it is past */

/* When item i is due, of a loop that began at start_us and makes `rate` items a second. An open
 * loop: a slow receiver does not move it, so that latencies count from here. rate 0: at once. */
uint64_t pace_due_us(uint64_t start_us, uint64_t i, uint64_t rate);

#endif
