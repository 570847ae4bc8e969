#include "ingest/source/clock.h"

#include <time.h>

#include "proto/core/instant.h"

static int64_t read_us(clockid_t id)
{
    struct timespec t;
    clock_gettime(id, &t);
    return (int64_t)t.tv_sec * US_PER_S + t.tv_nsec / 1000;
}

static int64_t system_wall_us(void *arg)
{
    (void)arg;
    return read_us(CLOCK_REALTIME);
}

static uint64_t system_mono_us(void *arg)
{
    (void)arg;
    return (uint64_t)read_us(CLOCK_MONOTONIC);
}

const struct clock_ops CLOCK_SYSTEM = {system_wall_us, system_mono_us, NULL};
