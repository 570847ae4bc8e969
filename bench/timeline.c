#include "bench/timeline.h"

#include <stdlib.h>

enum { QUARTER_MIN = 4 /* samples */ };

bool timeline_due(const struct timeline *t, uint64_t at_us)
{
    uint64_t step = t->step_us ? t->step_us : TIMELINE_FIRST_US;
    return t->count == 0 || at_us >= t->moment[t->count - 1].at_us + step;
}

/* Of two neighbours the later one stays, with the worse latency of both. */
static void thin(struct timeline *t)
{
    for (size_t i = 0; i < t->count / 2; i++) {
        uint64_t before = t->moment[2 * i].p99_us;
        t->moment[i] = t->moment[2 * i + 1];
        if (before > t->moment[i].p99_us)
            t->moment[i].p99_us = before;
    }
    t->count /= 2;
    t->step_us = 2 * (t->step_us ? t->step_us : TIMELINE_FIRST_US);
}

void timeline_add(struct timeline *t, const struct timeline_moment *m)
{
    if (t->count == TIMELINE_MAX)
        thin(t);
    t->moment[t->count++] = *m;
}

static int by_value(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

static uint64_t rss(const struct timeline_moment *m)
{
    return m->rss_kib;
}

static uint64_t latency(const struct timeline_moment *m)
{
    return m->p99_us;
}

/* The median from a quarter of the time (0..3) on, of one quarter. */
static double median(const struct timeline *t, unsigned quarter,
                     uint64_t (*value)(const struct timeline_moment *m))
{
    uint64_t sorted[TIMELINE_MAX];
    size_t n = t->count / 4;
    for (size_t i = 0; i < n; i++)
        sorted[i] = value(&t->moment[quarter * n + i]);
    qsort(sorted, n, sizeof sorted[0], by_value);
    return (double)sorted[n / 2];
}

static double drift(const struct timeline *t, uint64_t (*value)(const struct timeline_moment *m))
{
    if (t->count / 4 < QUARTER_MIN)
        return 0;
    double then = median(t, 1, value), now = median(t, 3, value);
    return then > 0 ? now / then : 0;
}

double timeline_rss_drift(const struct timeline *t)
{
    return drift(t, rss);
}

double timeline_latency_drift(const struct timeline *t)
{
    return drift(t, latency);
}

/* CPU time when so many records were durable, on the line between two samples. */
static double cpu_at(const struct timeline *t, uint64_t durable)
{
    struct timeline_moment before = {.at_us = 0};
    for (size_t i = 0; i < t->count; before = t->moment[i++]) {
        const struct timeline_moment *m = &t->moment[i];
        if (m->durable < durable || m->durable == before.durable)
            continue;
        double part = (double)(durable - before.durable) / (double)(m->durable - before.durable);
        return (double)before.cpu_us + part * (double)(m->cpu_us - before.cpu_us);
    }
    return (double)before.cpu_us;
}

double timeline_cost_growth(const struct timeline *t, uint64_t window)
{
    uint64_t all = t->count ? t->moment[t->count - 1].durable : 0;
    if (window == 0 || all < 2 * window)
        return 0;
    double first = cpu_at(t, window), last = cpu_at(t, all) - cpu_at(t, all - window);
    return first > 0 ? last / first : 0;
}
