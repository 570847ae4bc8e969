#include "bench/series.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/core/instant.h"

const double SERIES_CURVE[SERIES_CURVE_POINTS] = {0,      0.25,   0.5,     0.75,  0.9,   0.95,
                                                  0.98,   0.99,   0.995,   0.998, 0.999, 0.9995,
                                                  0.9998, 0.9999, 0.99999, 1};

struct series *series_new(const char *name, const char *mode)
{
    struct series *s = calloc(1, sizeof *s);
    if (!s)
        return NULL;
    s->passed = true;
    snprintf(s->name, sizeof s->name, "%s", name);
    snprintf(s->mode, sizeof s->mode, "%s", mode);
    return s;
}

static struct figure *find(struct series *s, const char *name)
{
    for (size_t i = 0; i < s->count; i++)
        if (strcmp(s->figure[i].name, name) == 0)
            return &s->figure[i];
    return NULL;
}

const struct figure *series_figure(const struct series *s, const char *name)
{
    return find((struct series *)(uintptr_t)s, name);
}

void series_put(struct series *s, const char *name, const char *unit, unsigned decimals,
                enum better better, double value)
{
    struct figure *f = find(s, name);
    if (!f && s->count < SERIES_FIGURES_MAX) {
        f = &s->figure[s->count++];
        *f = (struct figure){.decimals = decimals, .better = better};
        snprintf(f->name, sizeof f->name, "%s", name);
        snprintf(f->unit, sizeof f->unit, "%s", unit);
    }
    if (f && f->runs < SPREAD_RUNS_MAX)
        f->run[f->runs++] = value;
}

double series_median(const struct series *s, const char *name)
{
    const struct figure *f = series_figure(s, name);
    struct spread spread = {.median = 0};
    if (f)
        spread_of(f->run, f->runs, &spread);
    return spread.median;
}

void series_put_latency(struct series *s, const struct histogram *h)
{
    histogram_merge(&s->latency, h);
    for (size_t i = 0; i < SERIES_CURVE_POINTS; i++)
        s->curve_ms[i] =
            (double)histogram_quantile(&s->latency, SERIES_CURVE[i]) / (double)US_PER_MS;
}
