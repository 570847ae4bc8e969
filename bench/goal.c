#include "bench/goal.h"

static const struct goal GOALS[] = {
#define GOAL(what, series, figure, unit, better, goal, aim, decimals)                              \
    {what, series, figure, unit, BETTER_##better, goal, aim, decimals},
#include "bench/goals.def"
#undef GOAL
};

const struct goal *goal_row(size_t i)
{
    return i < sizeof GOALS / sizeof GOALS[0] ? &GOALS[i] : NULL;
}

const char *goal_state_text(enum goal_state s)
{
    static const char *const TEXT[] = {
        [GOAL_NO_RESULT] = "NO RESULT", [GOAL_FAILED] = "MISS (run failed)",
        [GOAL_MISS] = "MISS",           [GOAL_UNSURE] = "PASS (median only)",
        [GOAL_PASS] = "PASS",           [GOAL_AIM] = "PASS, aim too"};
    return TEXT[s];
}

static bool reached(const struct goal *g, double value, double mark)
{
    return g->better == BETTER_HIGHER ? value >= mark : value <= mark;
}

static enum goal_state state_of(const struct goal *g, const struct spread *s)
{
    double far = g->better == BETTER_HIGHER ? s->low : s->high;
    if (!reached(g, s->median, g->goal))
        return GOAL_MISS;
    if (!reached(g, far, g->goal))
        return GOAL_UNSURE;
    return reached(g, s->median, g->aim) ? GOAL_AIM : GOAL_PASS;
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
    out->state = s->passed ? state_of(g, &out->spread) : GOAL_FAILED;
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
        missed += r.state < GOAL_UNSURE;
        print_row(g, &r, out);
    }
    return missed;
}
