/* Proves: medians and intervals against values worked out by hand or from tables; that a difference
 * is told only where there is one; that one run claims nothing. */
#include "bench/spread.h"

#include <criterion/criterion.h>
#include <math.h>

static bool near(double a, double b)
{
    return fabs(a - b) <= 0.001 * (fabs(b) + 1e-9);
}

Test(spread, intervals)
{
    /* t of 2 degrees 4.303, of 3 degrees 3.182; from 6 runs on the k-th from either end. */
    static const struct {
        size_t n;
        double run[12], median, low, high;
    } ROWS[] = {
        {1, {7}, 7, 7, 7},
        {3, {1, -1, 0}, 0, -4.303 * 0.57735, 4.303 * 0.57735},
        {3, {100, 1, 10}, 10, 0.032784, 3050.27}, /* 10^(1 -+ 4.303/sqrt 3) */
        {4, {0, 2, 4, 6}, 3, 3 - 3.182 * 1.29099, 3 + 3.182 * 1.29099},
        {6, {6, 5, 4, 3, 2, 1}, 3.5, 1, 6},
        {8, {1, 2, 3, 4, 5, 6, 7, 80}, 4.5, 1, 80},
        {9, {1, 2, 3, 4, 5, 6, 7, 8, 90}, 5, 2, 8},
        {12, {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 120}, 6.5, 3, 10},
        {5, {2, 2, 2, 2, 2}, 2, 2, 2},
    };
    for (size_t r = 0; r < sizeof ROWS / sizeof ROWS[0]; r++) {
        struct spread s;
        spread_of(ROWS[r].run, ROWS[r].n, &s);
        cr_expect(near(s.median, ROWS[r].median), "row %zu: median %g", r, s.median);
        cr_expect(near(s.low, ROWS[r].low), "row %zu: low %g", r, s.low);
        cr_expect(near(s.high, ROWS[r].high), "row %zu: high %g", r, s.high);
        cr_expect(s.min <= s.median && s.median <= s.max);
    }
}

Test(spread, of_nothing_and_of_the_most)
{
    struct spread s;
    double run[SPREAD_RUNS_MAX];
    spread_of(NULL, 0, &s);
    cr_expect(s.n == 0 && s.median == 0);
    for (size_t i = 0; i < SPREAD_RUNS_MAX; i++)
        run[i] = (double)i;
    spread_of(run, SPREAD_RUNS_MAX, &s);
    cr_expect_eq(s.low, 9, "the 10th of 32: P(fewer than 10 below) = 1.0 %%");
    cr_expect_eq(s.high, 22);
}

Test(spread, changes)
{
    static const double A[] = {100, 101, 99, 100}, B[] = {110, 111, 109, 110},
                        NOISY[] = {60, 200, 90, 150}, ZERO[] = {0, 1};
    struct spread_change c;
    spread_compare(A, 4, B, 4, &c);
    cr_expect(c.known && near(c.ratio, 1.1) && c.low > 1.08 && c.high < 1.12);
    spread_compare(B, 4, A, 4, &c);
    cr_expect(c.known && c.high < 1, "the other way round");
    spread_compare(A, 4, NOISY, 4, &c);
    cr_expect(c.known && c.low < 1 && c.high > 1);
    spread_compare(A, 1, B, 1, &c);
    cr_expect(!c.known && near(c.ratio, 1.1));
    spread_compare(A, 4, ZERO, 2, &c);
    cr_expect(!c.known && c.ratio == 0, "nought has no ratio");
    static const double SAME[] = {5, 5};
    spread_compare(SAME, 2, SAME, 2, &c);
    cr_expect(c.known && c.low == 1 && c.high == 1, "no scatter, no difference");
}
