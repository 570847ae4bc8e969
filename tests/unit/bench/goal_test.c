/* Proves: every goal names a step of the suite and can be missed and kept; a run that failed keeps
 * none; what was not measured is said. */
#include "bench/goal.h"

#include <criterion/criterion.h>
#include <stdlib.h>

#include "bench/suite.h"

static bool a_step(const char *name)
{
    const struct suite_step *s;
    for (size_t i = 0; (s = suite_step(i)) != NULL; i++)
        if (strcmp(s->name, name) == 0)
            return true;
    return false;
}

static enum goal_state judge(const struct goal *g, double value, bool passed)
{
    struct document d = {.count = 0};
    struct series *s = series_new(g->series, "daemon");
    struct goal_result r;
    series_put(s, g->figure, g->unit, 0, g->better, value);
    s->passed = passed;
    cr_assert_eq(document_add(&d, s), OK);
    goal_judge(g, &d, &r);
    document_done(&d);
    return r.state;
}

Test(goal, every_row_can_be_missed_and_kept)
{
    const struct goal *g;
    for (size_t i = 0; (g = goal_row(i)) != NULL; i++) {
        double off = g->better == BETTER_HIGHER ? -0.01 : 0.01;
        cr_expect(a_step(g->series), "%s", g->series);
        cr_expect(g->better == BETTER_HIGHER ? g->aim > g->goal : g->aim < g->goal, "%s", g->what);
        cr_expect_eq(judge(g, g->goal + off, true), GOAL_MISS, "%s", g->what);
        cr_expect_eq(judge(g, g->goal, true), GOAL_PASS, "%s", g->what);
        cr_expect_eq(judge(g, g->aim, true), GOAL_AIM, "%s", g->what);
        cr_expect_eq(judge(g, g->aim, false), GOAL_FAILED, "%s", g->what);
    }
}

Test(goal, a_median_alone_is_not_sure)
{
    struct document d = {.count = 0};
    const struct goal *g = goal_row(0);
    struct series *s = series_new(g->series, "daemon");
    struct goal_result r;
    cr_assert_eq(g->better, BETTER_HIGHER);
    for (unsigned i = 0; i < 3; i++)
        series_put(s, g->figure, "", 0, g->better, i == 0 ? g->goal / 2 : g->goal * 3);
    cr_assert_eq(document_add(&d, s), OK);
    goal_judge(g, &d, &r);
    cr_expect_eq(r.state, GOAL_UNSURE);
    document_done(&d);
}

Test(goal, the_table)
{
    struct document d = {.count = 0};
    struct series *s = series_new("csv", "daemon");
    char *text;
    size_t bytes, rows = 0;
    FILE *f = open_memstream(&text, &bytes);
    series_put(s, "records_per_s", "/s", 0, BETTER_HIGHER, 250000);
    series_put(s, "ceiling_ratio", "", 3, BETTER_HIGHER, 0.25);
    cr_assert_eq(document_add(&d, s), OK);
    while (goal_row(rows))
        rows++;
    cr_expect_eq(goal_print(&d, f), rows - 1, "all but one have no result");
    fclose(f);
    cr_expect(strstr(text, "250000") && strstr(text, "0.25") && strstr(text, "PASS"));
    cr_expect(strstr(text, "NO RESULT"));
    document_done(&d);
    free(text);
}
