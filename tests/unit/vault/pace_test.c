/* Proves: a rate is of the last ten seconds whatever came before them, of less while there is
 * less, and never of numbers that went back; the window's largest value is forgotten with it. */
#include <criterion/criterion.h>

#include "proto/core/instant.h"
#include "vault/pace.h"

static struct pace p;
static int64_t now_us;

static void setup(void)
{
    p = (struct pace){.taken = 0};
    now_us = 77 * (int64_t)US_PER_S;
}

TestSuite(pace, .init = setup);

static void second(uint64_t counter)
{
    now_us += US_PER_S;
    cr_assert(pace_due(&p, now_us));
    pace_take(&p, now_us)->counter[3] = counter;
}

Test(pace, samples_are_a_second_apart)
{
    cr_expect(pace_due(&p, now_us), "the first at once");
    pace_take(&p, now_us);
    cr_expect_not(pace_due(&p, now_us + US_PER_S - 1));
    cr_expect(pace_due(&p, now_us + US_PER_S));
}

Test(pace, without_a_sample_nothing_is_known)
{
    cr_expect_eq(pace_per_s(&p, 3, 1000, now_us), 0);
    cr_expect_eq(pace_growth(&p, 3, 1000), 0);
    cr_expect_eq(pace_peak(&p), 0);
}

Test(pace, the_first_second_counts_as_one)
{
    second(1000);
    cr_expect_eq(pace_per_s(&p, 3, 1007, now_us + 1), 7);
    cr_expect_eq(pace_per_s(&p, 3, 1007, now_us + 2 * US_PER_S), 4, "3.5, rounded");
}

Test(pace, only_the_last_ten_seconds_count)
{
    second(0);
    for (uint64_t i = 1; i <= 10; i++) /* 100 a second */
        second(100 * i);
    cr_expect_eq(pace_growth(&p, 3, 1000), 1000);
    cr_expect_eq(pace_per_s(&p, 3, 1000, now_us), 100);
    cr_expect_eq(pace_per_s(&p, 3, 1100, now_us + US_PER_S), 100);
    for (uint64_t i = 1; i <= 5; i++) /* then none */
        second(1000);
    cr_expect_eq(pace_per_s(&p, 3, 1000, now_us), 50);
    for (uint64_t i = 1; i <= 5; i++)
        second(1000);
    cr_expect_eq(pace_per_s(&p, 3, 1000, now_us), 0);
}

Test(pace, a_number_that_went_back_is_no_rate)
{
    second(1000);
    second(1000);
    cr_expect_eq(pace_per_s(&p, 3, 999, now_us), 0);
    cr_expect_eq(pace_growth(&p, 3, 999), 0);
    cr_expect_gt(pace_per_s(&p, 3, UINT64_MAX, now_us), UINT64_MAX / 2, "no number overflows");
}

Test(pace, a_peak_is_forgotten_with_its_second)
{
    pace_note(&p, 9);
    second(0);
    cr_expect_eq(pace_peak(&p), 0, "before the first sample is before the window");
    pace_note(&p, 40);
    pace_note(&p, 7);
    cr_expect_eq(pace_peak(&p), 40);
    for (int i = 0; i < 10; i++) {
        second(0);
        cr_expect_eq(pace_peak(&p), 40, "second %d", i);
    }
    pace_note(&p, 7);
    second(0);
    cr_expect_eq(pace_peak(&p), 7);
}
