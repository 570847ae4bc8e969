/* Proves: a change is told where the interval leaves 1 out, to the better or worse side of each
 * figure; noise and single runs are not; other machines and missing series are named. */
#include "bench/compare.h"

#include <criterion/criterion.h>
#include <stdlib.h>

Test(compare, verdicts)
{
    static const struct {
        enum better better;
        struct spread_change change;
        enum compare_verdict verdict;
    } ROWS[] = {{BETTER_HIGHER, {1.1, 1.05, 1.2, true}, COMPARE_BETTER},
                {BETTER_LOWER, {1.1, 1.05, 1.2, true}, COMPARE_WORSE},
                {BETTER_HIGHER, {0.9, 0.8, 0.95, true}, COMPARE_WORSE},
                {BETTER_LOWER, {0.9, 0.8, 0.95, true}, COMPARE_BETTER},
                {BETTER_LOWER, {1.1, 0.9, 1.3, true}, COMPARE_SAME},
                {BETTER_LOWER, {2, 2, 2, false}, COMPARE_UNKNOWN}};
    for (size_t r = 0; r < sizeof ROWS / sizeof ROWS[0]; r++)
        cr_expect_eq(compare_judge(ROWS[r].better, &ROWS[r].change), ROWS[r].verdict, "row %zu", r);
}

static struct document document_of(double rate, const char *cpu)
{
    struct document d = {.count = 0};
    struct series *s = series_new("csv", "daemon");
    machine_add(&d.machine, span_str("cpu"), span_str(cpu));
    for (unsigned i = 0; i < 4; i++) {
        series_put(s, "records_per_s", "/s", 0, BETTER_HIGHER, rate + i);
        series_put(s, "latency_p99_ms", "ms", 2, BETTER_LOWER, 5 + (i % 2));
        series_put(s, "seed", "", 0, BETTER_NEITHER, 1);
    }
    cr_assert_eq(document_add(&d, s), OK);
    return d;
}

static struct compare_counts print(const struct document *a, const struct document *b, char **text)
{
    struct compare_counts counts;
    size_t bytes;
    FILE *f = open_memstream(text, &bytes);
    compare_print(a, b, f, &counts);
    fclose(f);
    return counts;
}

Test(compare, what_changed)
{
    struct document a = document_of(1000, "x"), b = document_of(1200, "x");
    char *text;
    struct compare_counts c = print(&a, &b, &text);
    cr_expect_eq(c.verdict[COMPARE_BETTER], 1u);
    cr_expect_eq(c.verdict[COMPARE_SAME], 1u);
    cr_expect_eq(c.verdict[COMPARE_WORSE] + c.verdict[COMPARE_UNKNOWN] + c.facts, 0u);
    cr_expect(strstr(text, "BETTER") && !strstr(text, "seed") && !strstr(text, "not the same"));
    free(text);
    c = print(&b, &a, &text);
    cr_expect_eq(c.verdict[COMPARE_WORSE], 1u);
    free(text);
    document_done(&a);
    document_done(&b);
}

Test(compare, what_cannot_be_compared)
{
    struct document a = document_of(1000, "x"), b = document_of(1000, "y");
    char *text;
    snprintf(b.series[0]->mode, sizeof b.series[0]->mode, "in process");
    struct compare_counts c = print(&a, &b, &text);
    cr_expect_eq(c.facts, 1u);
    cr_expect(strstr(text, "not the same cpu: x | y"));
    cr_expect(strstr(text, "csv, daemon: only in A"));
    free(text);
    document_done(&a);
    document_done(&b);
}
