#include "bench/arrivals.h"

#include <stdlib.h>

enum err arrivals_init(struct arrivals *a, size_t records_max)
{
    *a = (struct arrivals){.max = records_max};
    a->us = malloc((records_max ? records_max : 1) * sizeof a->us[0]);
    return a->us ? OK : ERR_NOMEM;
}

void arrivals_done(struct arrivals *a)
{
    free(a->us);
    a->us = NULL;
}

void arrivals_add(struct arrivals *a, uint64_t us)
{
    if (a->count < a->max)
        a->us[a->count++] = us;
}

static void note(struct arrivals *a, size_t i, uint64_t now_us)
{
    uint64_t us = now_us > a->us[i] ? now_us - a->us[i] : 0;
    histogram_add(&a->latency, us, 1);
    histogram_add(&a->recent, us, 1);
    a->settled++;
}

void arrivals_settle(struct arrivals *a, size_t upto, uint64_t now_us)
{
    while (a->settled < upto && a->settled < a->count)
        note(a, a->settled, now_us);
}

void arrivals_settle_one(struct arrivals *a, size_t i, uint64_t now_us)
{
    if (i < a->count)
        note(a, i, now_us);
}

uint64_t arrivals_recent_p99(struct arrivals *a)
{
    uint64_t p99 = histogram_quantile(&a->recent, 0.99);
    a->recent = (struct histogram){.count = 0};
    return p99;
}
