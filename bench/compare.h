/* compare.h - `cpnibench compare A.json B.json`: figure by figure what changed from A to B. A
 * change is told as one only when the 95 % interval of the ratio leaves 1 out; a single run on
 * either side has no interval, and then nothing is claimed. */
#ifndef CPNI_BENCH_COMPARE_H
#define CPNI_BENCH_COMPARE_H

#include <stdio.h>

#include "bench/document.h"

enum compare_verdict { COMPARE_SAME, COMPARE_UNKNOWN, COMPARE_BETTER, COMPARE_WORSE };

/* of: BETTER_HIGHER or BETTER_LOWER. */
enum compare_verdict compare_judge(enum better of, const struct spread_change *c);

struct compare_counts {
    unsigned verdict[COMPARE_WORSE + 1];
    unsigned facts; /* of the machine that differ and matter */
};

/* Figures that have a better side, of the series that both hold. */
void compare_print(const struct document *a, const struct document *b, FILE *out,
                   struct compare_counts *counts);

#endif
