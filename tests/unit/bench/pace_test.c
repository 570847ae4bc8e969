/* Proves: an open loop's items are due evenly or in bursts and without drift, also late in a long
 * run; pauses last at least as long as asked. */
#include "bench/pace.h"

#include <criterion/criterion.h>

Test(pace, items_are_due_evenly)
{
    static const struct {
        uint64_t i, rate, burst, due_us;
    } ROWS[] = {{0, 1000, 0, 0},
                {1, 1000, 0, 1000},
                {999, 1000, 1, 999000},
                {1000, 1000, 0, 1000000},
                {1, 3, 0, 333333},
                {3, 3, 0, 1000000},
                {150000ull * 86400, 150000, 0, 86400ull * 1000000},
                {7, 0, 0, 0},
                {1, 1000, 10, 100},
                {999, 1000, 10, 99900},
                {1000, 1000, 10, 1000000},
                {7, 0, 10, 0}};
    for (size_t r = 0; r < sizeof ROWS / sizeof ROWS[0]; r++) {
        struct pace p = {.start_us = 500, .rate = ROWS[r].rate, .burst = ROWS[r].burst};
        cr_expect_eq(pace_due_us(&p, ROWS[r].i), 500 + ROWS[r].due_us, "row %zu", r);
    }
}

Test(pace, a_pause_lasts)
{
    uint64_t before = pace_now_us();
    pace_pause_us(2000);
    cr_expect_geq(pace_now_us() - before, 2000u);
    pace_until_us(before); /* past: at once */
}
