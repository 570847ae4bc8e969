/* goal.h - what cpni-vault promises, a row a promise, and whether results keep it. */
#ifndef CPNI_BENCH_GOAL_H
#define CPNI_BENCH_GOAL_H

#include <stdio.h>

#include "bench/document.h"

struct goal {
    const char *what, *series, *figure, *unit;
    enum better better; /* HIGHER or LOWER */
    double goal, aim;   /* aim: what is hoped for beyond the goal */
    unsigned decimals;
};
/* By number: NULL behind the last one. */
const struct goal *goal_row(size_t i);

enum goal_state {
    GOAL_NO_RESULT, /* not measured */
    GOAL_FAILED,    /* measured by a run that lost something: counts as missed */
    GOAL_MISS,
    GOAL_UNSURE, /* the median passes, the far end of the interval does not */
    GOAL_PASS,
    GOAL_AIM /* passed, and the aim reached */
};
struct goal_result {
    enum goal_state state;
    struct spread spread;
    double ratio; /* to the ceiling; 0: none */
};
void goal_judge(const struct goal *g, const struct document *d, struct goal_result *out);

/* "PASS", "MISS", ... */
const char *goal_state_text(enum goal_state s);

/* The table. Gives how many rows do not pass. */
unsigned goal_print(const struct document *d, FILE *out);

#endif
