/* clock.h - the two clocks of the ingest role behind one small struct, so that a run in a
 * test is a function of its input: wall time stamps records, monotonic time runs timers. */
#ifndef CPNI_SOURCE_CLOCK_H
#define CPNI_SOURCE_CLOCK_H

#include <stdint.h>

struct clock_ops {
    int64_t (*wall_us)(void *arg);  /* since 1970 UTC; may jump */
    uint64_t (*mono_us)(void *arg); /* never goes back */
    void *arg;
};

extern const struct clock_ops CLOCK_SYSTEM;

static inline int64_t clock_wall_us(const struct clock_ops *c)
{
    return c->wall_us(c->arg);
}

static inline uint64_t clock_mono_us(const struct clock_ops *c)
{
    return c->mono_us(c->arg);
}

#endif
