/* Proves: what is written is read back the same, with any bytes in its texts; every cut and many
 * changed bytes are refused or read without harm; other formats are refused. */
#include "bench/document.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <unistd.h>

#include "bench/dice.h"

static struct document made(void)
{
    struct document d = {.count = 0};
    struct histogram *h = calloc(1, sizeof *h);
    machine_add(&d.machine, span_str("cpu"), span_str("a \"quoted\" \\ name\n"));
    for (unsigned i = 0; i < 2; i++) {
        struct series *s = series_new(i ? "json" : "csv", "daemon");
        series_put(s, "records_per_s", "/s", 0, BETTER_HIGHER, 123456.789);
        series_put(s, "records_per_s", "/s", 0, BETTER_HIGHER, 0.1);
        series_put(s, "latency_p99_ms", "ms", 2, BETTER_LOWER, 3.25);
        series_put(s, "seed", "", 0, BETTER_NEITHER, 1);
        histogram_add(h, 1500, 10);
        series_put_latency(s, h);
        timeline_add(&s->timeline, &(struct timeline_moment){1, 2, 3, 4, 5});
        timeline_add(&s->timeline, &(struct timeline_moment){6, 7, 8, 9, 10});
        snprintf(s->bound, sizeof s->bound, "vault: seals");
        s->runs = 2;
        s->passed = i == 0;
        cr_assert_eq(document_add(&d, s), OK);
    }
    free(h);
    return d;
}

static struct span text_of(const struct document *d, char **owned)
{
    size_t bytes;
    FILE *f = open_memstream(owned, &bytes);
    document_write(d, f);
    fclose(f);
    return span_of(*owned, bytes);
}

static void same_series(const struct series *a, const struct series *b)
{
    cr_expect_str_eq(a->name, b->name);
    cr_expect_str_eq(a->mode, b->mode);
    cr_expect_str_eq(a->bound, b->bound);
    cr_expect(a->runs == b->runs && a->passed == b->passed);
    cr_assert_eq(a->count, b->count);
    for (size_t i = 0; i < a->count; i++) {
        const struct figure *x = &a->figure[i], *y = &b->figure[i];
        cr_expect_str_eq(x->name, y->name);
        cr_expect_str_eq(x->unit, y->unit);
        cr_expect(x->decimals == y->decimals && x->better == y->better && x->runs == y->runs);
        cr_expect_eq(memcmp(x->run, y->run, x->runs * sizeof x->run[0]), 0);
    }
    cr_expect_eq(memcmp(a->curve_ms, b->curve_ms, sizeof a->curve_ms), 0);
    cr_assert_eq(a->timeline.count, b->timeline.count);
    cr_expect_eq(memcmp(a->timeline.moment, b->timeline.moment,
                        a->timeline.count * sizeof a->timeline.moment[0]),
                 0);
}

Test(document, what_is_written_is_read)
{
    struct document a = made(), b;
    char *text, path[] = "/tmp/document_test-XXXXXX";
    struct diag d = {.what = ""};
    cr_assert_eq(document_parse(text_of(&a, &text), &b, &d), OK, "%s at %zu", d.what, d.at);
    cr_assert_eq(b.count, a.count);
    for (size_t i = 0; i < a.count; i++)
        same_series(a.series[i], b.series[i]);
    cr_expect_str_eq(machine_fact(&b.machine, "cpu"), machine_fact(&a.machine, "cpu"));
    cr_expect(document_series(&b, "json") == b.series[1] && !document_series(&b, "hep"));
    document_done(&b);
    close(mkstemp(path));
    cr_assert_eq(document_save(&a, path), OK);
    cr_assert_eq(document_load(path, &b, &d), OK);
    cr_expect_eq(b.count, a.count);
    unlink(path);
    document_done(&b);
    document_done(&a);
    free(text);
}

Test(document, damage_does_no_harm)
{
    struct document a = made(), b;
    char *text;
    struct span whole = text_of(&a, &text);
    for (size_t n = 0; n + 2 < whole.n; n++) { /* behind the last bracket there is a line end */
        uint8_t *exact = malloc(n + 1);
        memcpy(exact, whole.p, n);
        cr_assert_neq(document_parse(span_of(exact, n), &b, NULL), OK, "%zu bytes", n);
        free(exact);
    }
    struct dice dice = dice_of(1, 1);
    for (unsigned i = 0; i < 3000; i++) {
        uint8_t *copy = malloc(whole.n);
        memcpy(copy, whole.p, whole.n);
        copy[dice_below(&dice, (uint32_t)whole.n)] = (uint8_t)dice_u64(&dice);
        if (document_parse(span_of(copy, whole.n), &b, NULL) == OK)
            document_done(&b);
        free(copy);
    }
    document_done(&a);
    free(text);
}

Test(document, others_are_refused)
{
    static const char *const ROWS[] = {
        "",
        "[]",
        "{}",
        "{\"format\":2}",
        "{\"scenario\":\"csv\",\"records_per_s\":1}",
        "{\"format\":1,\"series\":[1]}",
        "{\"format\":1,\"series\":[{\"figures\":{\"a\":1}}]}",
        "{\"format\":1,\"series\":[{\"figures\":{\"a\":{\"run\":[\"x\"]}}}]}",
        "{\"format\":1,\"series\":[{\"timeline\":[[1,2]]}]}",
        "{\"format\":1,\"series\":[{\"curve_ms\":[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17]}]}"};
    struct document d;
    struct diag diag = {.what = NULL};
    for (size_t i = 0; i < sizeof ROWS / sizeof ROWS[0]; i++)
        cr_expect_neq(document_parse(span_str(ROWS[i]), &d, &diag), OK, "%s", ROWS[i]);
    cr_expect_eq(document_parse(span_str("{\"format\":1}"), &d, &diag), OK);
    cr_expect_eq(document_load("/nonexistent", &d, &diag), ERR_NOTFOUND);
}

Test(document, there_is_a_most)
{
    struct document d = {.count = 0};
    for (unsigned i = 0; i < DOCUMENT_SERIES_MAX; i++)
        cr_assert_eq(document_add(&d, series_new("a", "b")), OK);
    cr_expect_eq(document_add(&d, series_new("a", "b")), ERR_LIMIT);
    cr_expect_eq(document_add(&d, NULL), ERR_NOMEM);
    document_done(&d);
}
