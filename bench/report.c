#include "bench/report.h"

#include <inttypes.h>

#include "proto/core/instant.h"

static double per_second(uint64_t n, uint64_t us)
{
    return us ? (double)n * US_PER_S / (double)us : 0;
}

static double share(uint64_t n, uint64_t of)
{
    return of ? (double)n / (double)of : 0;
}

/* Every figure once: the text and the JSON are two ways to print these rows. */
enum { FIGURES_MAX = 40, FIGURE_NAME_BYTES = 48 };
struct figures {
    size_t count;
    struct figure {
        char name[FIGURE_NAME_BYTES];
        double value;
        int decimals;
        const char *unit;
    } row[FIGURES_MAX + 2 * RESULT_PROCESSES_MAX];
};

static void add(struct figures *f, const char *name, double value, int decimals, const char *unit)
{
    struct figure *row = &f->row[f->count++];
    snprintf(row->name, sizeof row->name, "%s", name);
    row->value = value;
    row->decimals = decimals;
    row->unit = unit;
}

static void add_count(struct figures *f, const char *name, uint64_t value)
{
    add(f, name, (double)value, 0, "");
}

static void add_load(struct figures *f, const struct result *r)
{
    add_count(f, "seed", r->seed);
    add_count(f, "customers", r->customers);
    add_count(f, "records", r->records);
    add_count(f, "items", r->items);
    add(f, "item_bytes", share(r->bytes, r->items), 0, "B");
    add(f, "rate_asked", (double)r->rate, 0, "items/s");
    add(f, "wall_s", (double)r->wall_us / US_PER_S, 3, "s");
    add(f, "records_per_s", per_second(r->durable, r->wall_us), 0, "/s");
    add(f, "items_per_s", per_second(r->sent_items, r->wall_us), 0, "/s");
}

static void add_latency(struct figures *f, const struct result *r)
{
    static const struct {
        const char *name;
        double q;
    } QUANTILE[] = {{"latency_p50_ms", 0.5},
                    {"latency_p99_ms", 0.99},
                    {"latency_p99.9_ms", 0.999},
                    {"latency_max_ms", 1}};
    for (size_t i = 0; i < sizeof QUANTILE / sizeof QUANTILE[0]; i++)
        add(f, QUANTILE[i].name, (double)histogram_quantile(&r->latency, QUANTILE[i].q) / US_PER_MS,
            2, "ms");
}

static void add_cost(struct figures *f, const struct result *r)
{
    char name[FIGURE_NAME_BYTES];
    uint64_t cpu_us = 0;
    for (size_t i = 0; i < r->processes_count; i++) {
        const struct result_process *p = &r->process[i];
        cpu_us += p->cpu_us;
        snprintf(name, sizeof name, "cpu_us_per_record.%s", p->name);
        add(f, name, share(p->cpu_us, r->durable), 2, "us");
        snprintf(name, sizeof name, "rss_max_mib.%s", p->name);
        add(f, name, (double)p->rss_max_kib / 1024, 0, "MiB");
    }
    add(f, "cpu_us_per_record", share(cpu_us, r->durable), 2, "us");
    add(f, "disk_bytes_per_record", share(r->disk_bytes, r->durable), 0, "B");
}

static void add_truth(struct figures *f, const struct result *r)
{
    add_count(f, "sent", r->sent_items);
    add_count(f, "received", r->received);
    add_count(f, "kernel_drops", r->kernel_drops);
    add_count(f, "shed", r->shed);
    add_count(f, "malformed", r->malformed);
    add_count(f, "answers_503", r->answers_503);
    add_count(f, "durable", r->durable);
    add_count(f, "attempts_expected", r->expected.attempts);
    add_count(f, "attempts_pulled", r->pulled.attempts);
    add_count(f, "duration_ms_expected", r->expected.duration_ms);
    add_count(f, "duration_ms_pulled", r->pulled.duration_ms);
    add_count(f, "accounts_that_differ", r->accounts_that_differ);
}

static void collect(struct figures *f, const struct result *r)
{
    f->count = 0;
    add_load(f, r);
    add_latency(f, r);
    add_cost(f, r);
    add_truth(f, r);
}

void report_text(const struct result *r, FILE *out)
{
    struct figures f;
    collect(&f, r);
    fprintf(out, "%s, %s: %s\n", r->scenario, r->mode,
            result_passed(r) ? "passed, nothing lost, totals are the truth" : "FAILED");
    for (size_t i = 0; i < f.count; i++)
        fprintf(out, "  %-34s %16.*f %s\n", f.row[i].name, f.row[i].decimals, f.row[i].value,
                f.row[i].unit);
}

void report_json(const struct result *r, FILE *out)
{
    struct figures f;
    collect(&f, r);
    fprintf(out, "{\"scenario\":\"%s\",\"mode\":\"%s\",\"passed\":%s", r->scenario, r->mode,
            result_passed(r) ? "true" : "false");
    for (size_t i = 0; i < f.count; i++)
        fprintf(out, ",\"%s\":%.*f", f.row[i].name, f.row[i].decimals, f.row[i].value);
    fprintf(out, "}\n");
}
