#include "bench/compare.h"

#include <string.h>

/* Another of these makes another machine; the time and the load do not. */
static const char *const SAME_MACHINE[] = {
    "cpu", "cores", "governor", "virtual", "memory", "kernel", "compiler", "build", "udp_rmem_max"};

static const char *const VERDICT[] = {[COMPARE_SAME] = "same within the spread",
                                      [COMPARE_UNKNOWN] = "unknown: too few runs, or zero",
                                      [COMPARE_BETTER] = "BETTER",
                                      [COMPARE_WORSE] = "WORSE"};

enum compare_verdict compare_judge(enum better of, const struct spread_change *c)
{
    if (!c->known)
        return COMPARE_UNKNOWN;
    bool higher = c->low > 1, lower = c->high < 1;
    if (!higher && !lower)
        return COMPARE_SAME;
    return higher == (of == BETTER_HIGHER) ? COMPARE_BETTER : COMPARE_WORSE;
}

static void print_machine(const struct document *a, const struct document *b, FILE *out,
                          struct compare_counts *counts)
{
    for (size_t i = 0; i < sizeof SAME_MACHINE / sizeof SAME_MACHINE[0]; i++) {
        const char *x = machine_fact(&a->machine, SAME_MACHINE[i]);
        const char *y = machine_fact(&b->machine, SAME_MACHINE[i]);
        if (strcmp(x ? x : "", y ? y : "") == 0)
            continue;
        counts->facts++;
        fprintf(out, "not the same %s: %s | %s\n", SAME_MACHINE[i], x ? x : "", y ? y : "");
    }
}

static void print_figure(const struct figure *x, const struct figure *y, FILE *out,
                         struct compare_counts *counts)
{
    struct spread_change c;
    struct spread a, b;
    int d = (int)x->decimals;
    spread_compare(x->run, x->runs, y->run, y->runs, &c);
    spread_of(x->run, x->runs, &a);
    spread_of(y->run, y->runs, &b);
    enum compare_verdict v = compare_judge(x->better, &c);
    counts->verdict[v]++;
    fprintf(out, "  %-36s %14.*f %14.*f %-8s", x->name, d, a.median, d, b.median, x->unit);
    if (c.ratio > 0)
        fprintf(out, " x %.3f", c.ratio);
    if (c.known)
        fprintf(out, " (%.3f..%.3f)", c.low, c.high);
    fprintf(out, "  %s\n", VERDICT[v]);
}

static void print_series(const struct series *a, const struct series *b, FILE *out,
                         struct compare_counts *counts)
{
    fprintf(out, "%s, %s: %zu and %zu runs%s%s\n", a->name, a->mode, a->runs, b->runs,
            a->passed ? "" : ", A FAILED", b->passed ? "" : ", B FAILED");
    for (size_t i = 0; i < a->count; i++) {
        const struct figure *x = &a->figure[i], *y = series_figure(b, x->name);
        if (y && x->better != BETTER_NEITHER)
            print_figure(x, y, out, counts);
    }
}

/* The same scenario in another mode is another thing. */
static const struct series *twin(const struct document *d, const struct series *of)
{
    for (size_t i = 0; i < d->count; i++)
        if (strcmp(d->series[i]->name, of->name) == 0 && strcmp(d->series[i]->mode, of->mode) == 0)
            return d->series[i];
    return NULL;
}

void compare_print(const struct document *a, const struct document *b, FILE *out,
                   struct compare_counts *counts)
{
    *counts = (struct compare_counts){.facts = 0};
    print_machine(a, b, out, counts);
    for (size_t i = 0; i < a->count; i++) {
        const struct series *other = twin(b, a->series[i]);
        if (other)
            print_series(a->series[i], other, out, counts);
        else
            fprintf(out, "%s, %s: only in A\n", a->series[i]->name, a->series[i]->mode);
    }
    fprintf(out, "%u better, %u worse, %u the same, %u unknown\n", counts->verdict[COMPARE_BETTER],
            counts->verdict[COMPARE_WORSE], counts->verdict[COMPARE_SAME],
            counts->verdict[COMPARE_UNKNOWN]);
}
