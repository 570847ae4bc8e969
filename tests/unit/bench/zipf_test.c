/* Proves: rank k is drawn 1/k as often as rank 1, and nothing outside of the ranks is. */
#include "bench/zipf.h"

#include <criterion/criterion.h>

Test(zipf, frequency_falls_with_the_rank)
{
    enum { RANKS = 100, DRAWS = 500000 };
    unsigned seen[RANKS] = {0};
    struct zipf *z;
    struct dice d = dice_of(1, 2);
    cr_assert_eq(zipf_new(RANKS, &z), OK);
    for (unsigned i = 0; i < DRAWS; i++) {
        uint32_t k = zipf_draw(z, &d);
        cr_assert_lt(k, RANKS);
        seen[k]++;
    }
    for (unsigned k = 1; k < 10; k++)
        cr_expect(seen[k] * (k + 1) > seen[0] * 9 / 10 && seen[k] * (k + 1) < seen[0] * 11 / 10,
                  "rank %u: %u of %u", k, seen[k], seen[0]);
    cr_expect_gt(seen[RANKS - 1], 0u);
    zipf_free(z);
}

Test(zipf, one_rank_is_always_drawn)
{
    struct zipf *z;
    struct dice d = dice_of(3, 3);
    cr_assert_eq(zipf_new(1, &z), OK);
    for (unsigned i = 0; i < 100; i++)
        cr_expect_eq(zipf_draw(z, &d), 0u);
    zipf_free(z);
}
