#include "bench/measure.h"

#include <stdlib.h>

#include "bench/ramp.h"
#include "bench/report.h"
#include "proto/core/instant.h"

enum {
    RATE_FIRST = 10000,
    RATE_MAX = 4000000,
    HALVINGS = 4,
    PROBE_SECONDS = 2,
    LOWER_MAX = 5, /* times that a rate which does not hold again is lowered, by a tenth */
    GRACE_US = 200 * US_PER_MS
};

bool measure_holds(const struct scenario_options *o, const struct result *r)
{
    uint64_t planned_us = o->rate ? r->items * US_PER_S / o->rate : 0;
    bool in_time = !planned_us || r->wall_us <= planned_us + planned_us / 20 + GRACE_US;
    bool quick =
        !o->slo_ms || histogram_quantile(&r->latency, 0.999) <= o->slo_ms * (uint64_t)US_PER_MS;
    return result_passed(r) && in_time && quick;
}

/* --- a series at one rate --- */

static enum err run_once(const struct scenario_options *o, struct result *r, struct series *s,
                         struct diag *d)
{
    enum err e = scenario_run(o, r, d);
    if (e == OK)
        report_take(s, r);
    return e;
}

static enum err run_series(const struct scenario_options *o, struct series **out, bool *out_holds,
                           struct diag *d)
{
    struct result *r = malloc(sizeof *r);
    struct series *s = series_new(o->name, o->in_process ? "in process" : "daemon");
    enum err e = r && s ? OK : ERR_NOMEM;
    *out_holds = true;
    for (uint64_t i = 0; e == OK && i < o->runs; i++) {
        e = run_once(o, r, s, d);
        *out_holds &= e == OK && measure_holds(o, r);
    }
    free(r);
    if (e == OK)
        *out = s;
    else
        free(s);
    return e;
}

/* --- the ramp --- */

struct probe {
    struct scenario_options options;
    struct result *result;
};

/* A failure is tried once more: another program that woke up is no property of this one. */
static enum err holds(void *arg, uint64_t rate, bool *out_holds, struct diag *d)
{
    enum { TRIES = 2 };
    struct probe *p = arg;
    enum err e = OK;
    p->options.rate = rate;
    *out_holds = false;
    for (unsigned i = 0; e == OK && !*out_holds && i < TRIES; i++) {
        e = scenario_run(&p->options, p->result, d);
        *out_holds = e == OK && measure_holds(&p->options, p->result);
    }
    return e;
}

static enum err find_rate(struct scenario_options *o, struct diag *d)
{
    struct probe p = {.options = *o, .result = malloc(sizeof *p.result)};
    struct ramp ramp = {o->rate ? o->rate : RATE_FIRST, RATE_MAX, HALVINGS, holds, &p};
    enum err e = p.result ? ramp_find(&ramp, &o->rate, d) : ERR_NOMEM;
    free(p.result);
    if (e == OK && o->rate == 0)
        e = diag_set(d, ERR_LIMIT, "no rate holds", 0);
    return e;
}

static enum err run_ramp(struct scenario_options *o, struct series **out, struct diag *d)
{
    bool good = false;
    o->seconds = o->seconds ? o->seconds : PROBE_SECONDS;
    enum err e = find_rate(o, d);
    for (unsigned i = 0; e == OK && !good && i < LOWER_MAX; i++) {
        if (i > 0) {
            free(*out);
            o->rate -= o->rate / 10;
        }
        e = run_series(o, out, &good, d);
    }
    if (e != OK)
        return e;
    (*out)->passed &= good;
    series_put(*out, "rate_max", "items/s", 0, BETTER_HIGHER, good ? (double)o->rate : 0);
    return OK;
}

enum err measure_run(const struct scenario_options *o, struct series **out, struct diag *d)
{
    struct scenario_options filled = *o;
    bool good;
    enum err e = scenario_fill(&filled, d);
    if (e != OK)
        return e;
    return filled.ramp ? run_ramp(&filled, out, d) : run_series(&filled, out, &good, d);
}
