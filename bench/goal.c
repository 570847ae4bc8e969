#include "bench/goal.h"

#define HIGHER BETTER_HIGHER
#define LOWER  BETTER_LOWER
/* clang-format off */
static const struct goal GOALS[] = {
    {"CSV lines, 100,000 customers",       "csv",       "records_per_s",         "/s",  HIGHER, 200000, 400000,  0},
    {"JSON documents",                     "json",      "records_per_s",         "/s",  HIGHER, 100000, 240000,  0},
    {"HEP messages by UDP without loss",   "hep-udp",   "rate_max",              "/s",  HIGHER, 500000, 1000000, 0},
    {"HEP messages by TCP",                "hep-tcp",   "items_per_s",           "/s",  HIGHER, 800000, 2000000, 0},
    {"CSV to durable at half load, p99",   "csv-half",  "latency_p99_ms",        "ms",  LOWER,  20,     10,      2},
    {"CSV to durable at half load, p99.9", "csv-half",  "latency_p99.9_ms",      "ms",  LOWER,  40,     20,      2},
    {"JSON answer at half load, p99",      "json-half", "latency_p99_ms",        "ms",  LOWER,  20,     10,      2},
    {"JSON answer at half load, p99.9",    "json-half", "latency_p99.9_ms",      "ms",  LOWER,  40,     20,      2},
    {"disk, a record",                     "growth",    "disk_bytes_per_record", "B",   LOWER,  330,    250,     0},
    {"a month read back, p50",             "growth",    "readback_p50_ms",       "ms",  LOWER,  5,      1,       2},
    {"a month read back, p99",             "growth",    "readback_p99_ms",       "ms",  LOWER,  20,     5,       2},
    {"cost of the last records by first",  "growth",    "cost_growth",           "",    LOWER,  1.3,    1.1,     2},
    {"memory with many customers",         "customers", "rss_max_mib",           "MiB", LOWER,  1536,   1024,    0},
    {"soak: memory, end by start",         "soak",      "rss_drift",             "",    LOWER,  1.1,    1.03,    2},
    {"soak: p99 latency, end by start",    "soak",      "latency_drift",         "",    LOWER,  1.5,    1.2,     2},
};
/* clang-format on */

const struct goal *goal_row(size_t i)
{
    return i < sizeof GOALS / sizeof GOALS[0] ? &GOALS[i] : NULL;
}

const char *goal_state_text(enum goal_state s)
{
    static const char *const TEXT[] = {[GOAL_NO_RESULT] = "NO RESULT",
                                       [GOAL_FAILED] = "MISS (run failed)",
                                       [GOAL_MISS] = "MISS",
                                       [GOAL_PASS] = "PASS",
                                       [GOAL_AIM] = "PASS, aim too"};
    return TEXT[s];
}

static bool reached(const struct goal *g, double value, double mark)
{
    return g->better == BETTER_HIGHER ? value >= mark : value <= mark;
}

void goal_judge(const struct goal *g, const struct document *d, struct goal_result *out)
{
    const struct series *s = document_series(d, g->series);
    const struct figure *f = s ? series_figure(s, g->figure) : NULL;
    *out = (struct goal_result){.state = GOAL_NO_RESULT};
    if (!f || f->runs == 0)
        return;
    spread_of(f->run, f->runs, &out->spread);
    /* The ratio is of the records a second: of nothing else is there a ceiling. */
    out->ratio = g->better == BETTER_HIGHER ? series_median(s, "ceiling_ratio") : 0;
    if (!s->passed)
        out->state = GOAL_FAILED;
    else if (reached(g, out->spread.median, g->aim))
        out->state = GOAL_AIM;
    else
        out->state = reached(g, out->spread.median, g->goal) ? GOAL_PASS : GOAL_MISS;
}

static void print_row(const struct goal *g, const struct goal_result *r, FILE *out)
{
    char spread[64] = "one run", ratio[16] = "-";
    int d = (int)g->decimals;
    if (r->spread.n > 1)
        snprintf(spread, sizeof spread, "%.*f..%.*f", d, r->spread.low, d, r->spread.high);
    if (r->ratio > 0)
        snprintf(ratio, sizeof ratio, "%.2f", r->ratio);
    fprintf(out, "%-36s %8.*f %8.*f ", g->what, g->goal < 10 ? 1 : 0, g->goal, g->aim < 10 ? 2 : 0,
            g->aim);
    if (r->state == GOAL_NO_RESULT)
        fprintf(out, "%10s %-4s %-20s %7s  ", "-", g->unit, "-", "-");
    else
        fprintf(out, "%10.*f %-4s %-20s %7s  ", d, r->spread.median, g->unit, spread, ratio);
    fprintf(out, "%s\n", goal_state_text(r->state));
}

unsigned goal_print(const struct document *d, FILE *out)
{
    const struct goal *g;
    struct goal_result r;
    unsigned missed = 0;
    fprintf(out, "%-36s %8s %8s %10s %-4s %-20s %7s\n", "goal", "goal", "aim", "measured", "",
            "95 %", "ceiling");
    for (size_t i = 0; (g = goal_row(i)) != NULL; i++) {
        goal_judge(g, d, &r);
        missed += r.state < GOAL_PASS;
        print_row(g, &r, out);
    }
    return missed;
}
