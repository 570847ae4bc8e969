/* Proves: cells of different metrics, indexes and reasons do not touch; processes add up; a
 * new process starts its gauges at 0; a label holds no byte that breaks a line; the text
 * is what a Prometheus scraper takes, and fits its buffer when everything is at its limit. */
#include "proto/core/metric.h"

#include <criterion/criterion.h>
#include <ctype.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static struct metrics m;
static char *text;

static void setup(void)
{
    cr_assert_eq(metrics_init(&m), OK);
    text = malloc(METRIC_TEXT_BYTES_MAX + 1);
}

static void teardown(void)
{
    metrics_done(&m);
    free(text);
}

TestSuite(metric, .init = setup, .fini = teardown);

static const char *render(void)
{
    struct buf b = buf_of(text, METRIC_TEXT_BYTES_MAX);
    metrics_render(&m, &b);
    cr_assert(buf_ok(&b));
    text[b.n] = '\0';
    return text;
}

Test(metric, golden_lines)
{
    metrics_name(&m, METRIC_BY_FEED, 0, span_str("hep"));
    metrics_name(&m, METRIC_BY_FEED, 2, span_str("pbx"));
    metrics_name(&m, METRIC_BY_ROLE, 0, span_str("vault"));
    metric_inc_reason(&m, METRIC_MALFORMED, 0, REASON_FRAME);
    metric_add_at(&m, METRIC_MALFORMED, 2, REASON_LINE, 7);
    metric_inc_at(&m, METRIC_RECEIVED, 2);
    metric_set_at(&m, METRIC_ROLE_READY, 0, 1);
    metric_inc_reason(&m, METRIC_HTTP_ANSWERS, 0, REASON_STORED);
    metric_set(&m, METRIC_DIALOGS, 41);
    static const char *const WANT[] = {
        ("# HELP cpnid_malformed_total input refused because it does not follow its format\n"
         "# TYPE cpnid_malformed_total counter\n"
         "cpnid_malformed_total{feed=\"hep\",reason=\"frame\"} 1\n"
         "cpnid_malformed_total{feed=\"pbx\",reason=\"line\"} 7\n# HELP"),
        ("# TYPE cpnid_received_total counter\n"
         "cpnid_received_total{feed=\"hep\"} 0\n"
         "cpnid_received_total{feed=\"pbx\"} 1\n# HELP"),
        ("# TYPE cpnid_role_ready gauge\ncpnid_role_ready{role=\"vault\"} 1\n# HELP"),
        ("# TYPE cpnid_http_answers_total counter\n"
         "cpnid_http_answers_total{reason=\"stored\"} 1\n# HELP"),
        ("# TYPE cpnid_dialogs gauge\ncpnid_dialogs 41\n# HELP"),
    };
    for (size_t i = 0; i < sizeof WANT / sizeof WANT[0]; i++)
        cr_expect(strstr(render(), WANT[i]) != NULL, "not found:\n%s", WANT[i]);
}

/* Every cell gets a value of its own; all must read back, and none may be overwritten. */
Test(metric, cells_do_not_touch)
{
    static const struct {
        enum metric_labels labels;
        unsigned indexes, reasons;
    } SHAPE[] = {{METRIC_BY_NONE, 1, 1},
                 {METRIC_BY_FEED, FEEDS_MAX, 1},
                 {METRIC_BY_ROLE, METRIC_ROLES_MAX, 1},
                 {METRIC_BY_CONSUMER, METRIC_CONSUMERS_MAX, 1},
                 {METRIC_BY_REASON, 1, REASON_COUNT},
                 {METRIC_BY_FEED_REASON, FEEDS_MAX, REASON_COUNT}};
    for (int pass = 0; pass < 2; pass++) {
        uint64_t value = 1;
        for (unsigned id = 0; id < METRIC_COUNT; id++)
            for (unsigned i = 0; i < SHAPE[METRIC_ROWS[id].labels].indexes; i++)
                for (unsigned r = 0; r < SHAPE[METRIC_ROWS[id].labels].reasons; r++, value++) {
                    if (pass == 0)
                        metric_add_at(&m, id, i, r, value);
                    else
                        cr_assert_eq(metric_get_at(&m, id, i, r), value, "%s %u %u",
                                     METRIC_ROWS[id].name, i, r);
                }
    }
    for (unsigned i = 0; i < sizeof SHAPE / sizeof SHAPE[0]; i++)
        cr_expect_eq(SHAPE[i].labels, i, "the table above is indexed by enum metric_labels");
}

Test(metric, out_of_range_and_nobody_are_ignored)
{
    metric_add_at(&m, METRIC_RECEIVED, FEEDS_MAX, 0, 5);
    metric_add_at(&m, METRIC_MALFORMED, 0, REASON_COUNT, 5);
    metric_add_at(&m, METRIC_MALFORMED, FEEDS_MAX, 0, 5);
    metric_set_at(&m, METRIC_ROLE_READY, METRIC_ROLES_MAX, 5);
    metrics_name(&m, METRIC_BY_FEED, FEEDS_MAX, span_str("x"));
    metrics_name(&m, METRIC_BY_NONE, 0, span_str("x"));
    for (unsigned id = 0; id < METRIC_COUNT; id++)
        for (unsigned i = 0; i < FEEDS_MAX; i++)
            for (unsigned r = 0; r < REASON_COUNT; r++)
                cr_assert_eq(metric_get_at(&m, id, i, r), 0);
    metric_inc(NULL, METRIC_COMMITS);
    metric_set(&(struct metrics){0}, METRIC_DIALOGS, 1);
    cr_expect_eq(metric_get(NULL, METRIC_COMMITS), 0);
    cr_expect_eq(metric_get(&(struct metrics){0}, METRIC_COMMITS), 0);
}

Test(metric, an_index_is_found_by_its_name_as_it_was_cleaned)
{
    metrics_name(&m, METRIC_BY_FEED, 3, span_str("pbx"));
    metrics_name(&m, METRIC_BY_FEED, 5, span_str("a b"));
    cr_expect_eq(metrics_index(&m, METRIC_BY_FEED, span_str("pbx")), 3);
    cr_expect_eq(metrics_index(&m, METRIC_BY_FEED, span_str("a b")), 5);
    cr_expect_eq(metrics_index(&m, METRIC_BY_FEED, span_str("pb")), METRIC_NOWHERE);
    cr_expect_eq(metrics_index(&m, METRIC_BY_ROLE, span_str("pbx")), METRIC_NOWHERE);
    cr_expect_eq(metrics_index(&m, METRIC_BY_NONE, span_str("pbx")), METRIC_NOWHERE);
    cr_expect_eq(metrics_index(&m, METRIC_BY_FEED, SPAN_EMPTY), METRIC_NOWHERE,
                 "an unused index has no name");
    cr_expect_eq(metrics_index(NULL, METRIC_BY_FEED, span_str("pbx")), METRIC_NOWHERE);
    metric_inc_at(&m, METRIC_RECEIVED, METRIC_NOWHERE);
    cr_expect_eq(metric_total_at(&m, METRIC_RECEIVED, METRIC_NOWHERE), 0);
}

Test(metric, a_total_is_over_all_reasons_of_one_feed)
{
    metric_add_at(&m, METRIC_MALFORMED, 2, REASON_FRAME, 3);
    metric_add_at(&m, METRIC_MALFORMED, 2, REASON_STORED, 4); /* the last of reasons.def */
    metric_add_at(&m, METRIC_MALFORMED, 1, REASON_FRAME, 5);
    metric_add_at(&m, METRIC_RECEIVED, 2, (enum reason)0, 6);
    cr_expect_eq(metric_total_at(&m, METRIC_MALFORMED, 2), 7);
    cr_expect_eq(metric_total_at(&m, METRIC_RECEIVED, 2), 6);
    cr_expect_eq(metric_total_at(NULL, METRIC_RECEIVED, 2), 0);
}

Test(metric, processes_add_up_and_a_new_one_starts_its_gauges_at_zero)
{
    for (unsigned slot = 1; slot <= 3; slot++)
        if (fork() == 0) {
            struct metrics mine = metrics_slot(&m, slot);
            for (int i = 0; i < 1000; i++)
                metric_inc(&mine, METRIC_COMMITS);
            metric_set(&mine, METRIC_DIALOGS, slot);
            _exit(0);
        }
    while (wait(NULL) > 0)
        continue;
    cr_expect_eq(metric_get(&m, METRIC_COMMITS), 3000);
    cr_expect_eq(metric_get(&m, METRIC_DIALOGS), 1 + 2 + 3);
    struct metrics again = metrics_slot(&m, 3); /* its process was restarted */
    cr_expect_eq(metric_get(&again, METRIC_COMMITS), 3000);
    cr_expect_eq(metric_get(&again, METRIC_DIALOGS), 1 + 2);
}

Test(metric, a_label_cannot_break_a_line)
{
    metrics_name(&m, METRIC_BY_CONSUMER, 0, span_str("a\"} 1\nevil{x=\"\\ \x7f\xc3\xa9"));
    metrics_name(
        &m, METRIC_BY_CONSUMER, 1,
        span_str("0123456789012345678901234567890123456789012345678901234567890123456789"));
    metric_set_at(&m, METRIC_CONSUMER_LAG, 0, 3);
    const char *t = render();
    cr_expect(strstr(t, "cpnid_consumer_lag{consumer=\"a___1_evil_x_______\"} 3\n"), "%s",
              strstr(t, "cpnid_consumer_lag{"));
    cr_expect(strstr(t, "{consumer=\"012345678901234567890123456789012345678\"} 0\n"));
}

/* name{label="value",...} number, or a comment: the grammar of the text format. */
static bool sample_ok(const char *line)
{
    const char *c = line;
    if (strncmp(line, "# HELP cpnid_", 13) == 0 || strncmp(line, "# TYPE cpnid_", 13) == 0)
        return true;
    while (islower((unsigned char)*c) || isdigit((unsigned char)*c) || *c == '_')
        c++;
    while (*c == '{' || *c == ',') {
        c += 1 + strcspn(c + 1, "=");
        if (c[0] != '=' || c[1] != '"')
            return false;
        c += 2 + strcspn(c + 2, "\"");
        if (c[0] != '"')
            return false;
        c++;
    }
    c += *c == '}';
    return c > line && *c == ' ' && c[1] && strspn(c + 1, "0123456789") == strlen(c + 1);
}

Test(metric, everything_at_its_limit_fits_and_follows_the_grammar)
{
    char name[METRIC_LABEL_BYTES];
    memset(name, 'x', sizeof name - 1);
    for (unsigned i = 0; i < FEEDS_MAX; i++) {
        metrics_name(&m, METRIC_BY_FEED, i, span_of(name, sizeof name - 1));
        metrics_name(&m, METRIC_BY_ROLE, i, span_of(name, sizeof name - 1));
        metrics_name(&m, METRIC_BY_CONSUMER, i, span_of(name, sizeof name - 1));
        for (unsigned id = 0; id < METRIC_COUNT; id++)
            for (unsigned r = 0; r < REASON_COUNT; r++)
                metric_add_at(&m, id, i, r, UINT64_MAX / REASON_COUNT);
    }
    const char *t = render();
    size_t lines = 0;
    for (char *line = strtok((char *)(uintptr_t)t, "\n"); line; line = strtok(NULL, "\n"), lines++)
        cr_assert(sample_ok(line), "%s", line);
    cr_expect_gt(lines, 2 * METRIC_COUNT + 3 * FEEDS_MAX * REASON_COUNT);
}

Test(metric, rows_are_well_named)
{
    for (unsigned i = 0; i < METRIC_COUNT; i++) {
        const struct metric_row *row = &METRIC_ROWS[i];
        struct span name = span_str(row->name), total = span_str("_total");
        cr_expect_eq(span_ends(name, total), row->type == METRIC_TYPE_COUNTER, "%s", row->name);
        cr_expect(row->help[0] && !strchr(row->help, '\n') && !strchr(row->help, '\\'));
        for (unsigned j = 0; j < i; j++)
            cr_expect_str_neq(row->name, METRIC_ROWS[j].name);
    }
    for (unsigned i = 0; i < REASON_COUNT; i++)
        for (unsigned j = 0; j < i; j++)
            cr_expect_str_neq(reason_label(i), reason_label(j));
    cr_expect_str_eq(reason_label(REASON_COUNT), "unknown");
}
