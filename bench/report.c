#include "bench/report.h"

#include <inttypes.h>

#include "bench/heap.h"
#include "proto/core/instant.h"

static double per_second(uint64_t n, uint64_t us)
{
    return us ? (double)n * US_PER_S / (double)us : 0;
}

static double share(uint64_t n, uint64_t of)
{
    return of ? (double)n / (double)of : 0;
}

/* --- figures --- */

static void put_count(struct series *s, const char *name, uint64_t value)
{
    series_put(s, name, "", 0, BETTER_NEITHER, (double)value);
}

static void put_load(struct series *s, const struct result *r)
{
    put_count(s, "seed", r->seed);
    put_count(s, "customers", r->customers);
    put_count(s, "records", r->records);
    put_count(s, "items", r->items);
    series_put(s, "item_bytes", "B", 0, BETTER_NEITHER, share(r->bytes, r->items));
    series_put(s, "rate_asked", "items/s", 0, BETTER_NEITHER, (double)r->rate);
    series_put(s, "wall_s", "s", 3, BETTER_NEITHER, (double)r->wall_us / US_PER_S);
    series_put(s, "records_per_s", "/s", 0, BETTER_HIGHER, per_second(r->durable, r->wall_us));
    series_put(s, "items_per_s", "/s", 0, BETTER_HIGHER, per_second(r->sent_items, r->wall_us));
}

/* clang-format off */
static const struct quantile {
    const char *latency, *readback;
    double q;
} QUANTILES[] = {
    {"latency_p50_ms",   "readback_p50_ms",   0.5},
    {"latency_p99_ms",   "readback_p99_ms",   0.99},
    {"latency_p99.9_ms", "readback_p99.9_ms", 0.999},
    {"latency_max_ms",   "readback_max_ms",   1},
};
/* clang-format on */
enum { QUANTILES_COUNT = sizeof QUANTILES / sizeof QUANTILES[0] };

static void put_quantile(struct series *s, const char *name, const struct histogram *h, double q)
{
    series_put(s, name, "ms", 2, BETTER_LOWER, (double)histogram_quantile(h, q) / US_PER_MS);
}

static void put_latency(struct series *s, const struct result *r)
{
    for (size_t i = 0; i < QUANTILES_COUNT; i++)
        put_quantile(s, QUANTILES[i].latency, &r->latency, QUANTILES[i].q);
    series_put_latency(s, &r->latency);
}

static void put_readback(struct series *s, const struct result *r)
{
    const struct readback *b = &r->readback;
    if (b->reads == 0)
        return;
    for (size_t i = 0; i < QUANTILES_COUNT; i++)
        put_quantile(s, QUANTILES[i].readback, &b->latency, QUANTILES[i].q);
    series_put(s, "readback_calls", "/read", 1, BETTER_NEITHER, share(b->rows, b->reads));
}

static void put_processes(struct series *s, const struct result *r)
{
    char name[SERIES_NAME_BYTES];
    uint64_t cpu_us = 0, rss_kib = 0;
    for (size_t i = 0; i < r->processes_count; i++) {
        const struct result_process *p = &r->process[i];
        cpu_us += p->cpu_us;
        rss_kib += i > 0 ? p->rss_max_kib : 0;
        snprintf(name, sizeof name, "cpu_us_per_record.%s", p->name);
        series_put(s, name, "us", 2, BETTER_LOWER, share(p->cpu_us, r->durable));
        snprintf(name, sizeof name, "rss_max_mib.%s", p->name);
        series_put(s, name, "MiB", 0, BETTER_LOWER, (double)p->rss_max_kib / 1024);
    }
    series_put(s, "cpu_us_per_record", "us", 2, BETTER_LOWER, share(cpu_us, r->durable));
    if (r->processes_count > 1) /* the first is the sender */
        series_put(s, "rss_max_mib", "MiB", 0, BETTER_LOWER, (double)rss_kib / 1024);
    series_put(s, "disk_bytes_per_record", "B", 0, BETTER_LOWER, share(r->disk_bytes, r->durable));
}

static void put_stages(struct series *s, const struct result *r)
{
    char name[SERIES_NAME_BYTES];
    for (unsigned i = 0; i < STAGE_COUNT && r->stages.cost[STAGE_READ].cycles; i++) {
        const struct stage_cost *c = &r->stages.cost[i];
        snprintf(name, sizeof name, "cycles_per_record.%s", STAGE_NAME[i]);
        series_put(s, name, stage_cycle_unit(), 0, BETTER_LOWER, share(c->cycles, r->durable));
        if (!heap_counts())
            continue;
        snprintf(name, sizeof name, "allocations_per_record.%s", STAGE_NAME[i]);
        series_put(s, name, "", 3, BETTER_LOWER, share(c->allocations, r->durable));
        snprintf(name, sizeof name, "allocated_bytes_per_record.%s", STAGE_NAME[i]);
        series_put(s, name, "B", 1, BETTER_LOWER, share(c->allocated_bytes, r->durable));
    }
}

static void put_some(struct series *s, const char *name, double value)
{
    if (value > 0)
        series_put(s, name, "", 3, BETTER_LOWER, value);
}

static void put_timeline(struct series *s, const struct result *r)
{
    enum { WINDOW_MAX = 1000000, WINDOWS_MIN = 4 };
    uint64_t window = r->records / WINDOWS_MIN;
    if (window > WINDOW_MAX)
        window = WINDOW_MAX;
    s->timeline = r->timeline;
    put_some(s, "rss_drift", timeline_rss_drift(&r->timeline));
    put_some(s, "latency_drift", r->rate ? timeline_latency_drift(&r->timeline) : 0);
    put_some(s, "cost_growth", timeline_cost_growth(&r->timeline, window));
}

static void put_truth(struct series *s, const struct result *r)
{
    put_count(s, "sent", r->sent_items);
    put_count(s, "received", r->received);
    put_count(s, "kernel_drops", r->kernel_drops);
    put_count(s, "shed", r->shed);
    put_count(s, "malformed", r->malformed);
    put_count(s, "answers_503", r->answers_503);
    put_count(s, "durable", r->durable);
    put_count(s, "attempts_expected", r->expected.attempts);
    put_count(s, "attempts_pulled", r->pulled.attempts);
    put_count(s, "duration_ms_expected", r->expected.duration_ms);
    put_count(s, "duration_ms_pulled", r->pulled.duration_ms);
    put_count(s, "accounts_that_differ", r->accounts_that_differ);
}

void report_take(struct series *s, const struct result *r)
{
    static void (*const PUT[])(struct series * s, const struct result *r) = {
        put_load, put_latency, put_readback, put_processes, put_stages, put_timeline, put_truth};
    for (size_t i = 0; i < sizeof PUT / sizeof PUT[0]; i++)
        PUT[i](s, r);
    s->runs++;
    s->passed &= result_passed(r);
}

/* --- text --- */

static void text_figure(const struct figure *f, FILE *out)
{
    struct spread s;
    int d = (int)f->decimals;
    spread_of(f->run, f->runs, &s);
    fprintf(out, "  %-38s %16.*f %-8s", f->name, d, s.median, f->unit);
    if (s.max > s.min)
        fprintf(out, " %.*f..%.*f  95 %%: %.*f..%.*f", d, s.min, d, s.max, d, s.low, d, s.high);
    fprintf(out, "\n");
}

void report_text(const struct series *s, FILE *out)
{
    const char *verdict = s->passed ? ": passed, nothing lost, totals are the truth" : ": FAILED";
    bool checked = series_figure(s, "durable") != NULL; /* limits are what they are */
    fprintf(out, "%s, %s, %zu run%s%s\n", s->name, s->mode, s->runs, s->runs == 1 ? "" : "s",
            checked ? verdict : "");
    for (size_t i = 0; i < s->count; i++)
        text_figure(&s->figure[i], out);
    if (s->bound[0])
        fprintf(out, "  bound by %s\n", s->bound);
}
