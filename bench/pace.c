#include "bench/pace.h"

#include <errno.h>
#include <time.h>

#include "proto/core/instant.h"

enum { NS_PER_US = 1000 };

uint64_t pace_now_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * US_PER_S + (uint64_t)t.tv_nsec / NS_PER_US;
}

void pace_until_us(uint64_t mono_us)
{
    struct timespec t = {(time_t)(mono_us / US_PER_S), (long)(mono_us % US_PER_S) * NS_PER_US};
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL) == EINTR)
        ;
}

void pace_pause_us(uint64_t us)
{
    pace_until_us(pace_now_us() + us);
}

uint64_t pace_due_us(const struct pace *p, uint64_t i)
{
    if (p->rate == 0)
        return p->start_us;
    uint64_t into_second = i % p->rate * US_PER_S / p->rate;
    if (p->burst > 1)
        into_second /= p->burst;
    return p->start_us + i / p->rate * US_PER_S + into_second; /* no product overflows */
}
