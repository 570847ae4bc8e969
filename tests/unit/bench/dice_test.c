/* Proves: a stream is a function of seed and number, streams of neighbours differ, draws stay in
 * their bounds and reach all of them. */
#include "bench/dice.h"

#include <criterion/criterion.h>

Test(dice, same_seed_and_number_same_stream)
{
    struct dice a = dice_of(7, 3), b = dice_of(7, 3), c = dice_of(7, 4), d = dice_of(8, 3);
    uint64_t first = dice_u64(&a);
    cr_expect_eq(first, dice_u64(&b));
    cr_expect_neq(first, dice_u64(&c));
    cr_expect_neq(first, dice_u64(&d));
}

/* The numbers of version 1: reports with the same seed stay comparable. */
Test(dice, splitmix64_is_what_it_was)
{
    struct dice d = {1234567};
    cr_expect_eq(dice_u64(&d), UINT64_C(6457827717110365317));
    cr_expect_eq(dice_u64(&d), UINT64_C(3203168211198807973));
}

Test(dice, below_is_even)
{
    enum { SIDES = 6, THROWS = 60000 };
    unsigned seen[SIDES] = {0};
    struct dice d = dice_of(1, 1);
    for (unsigned i = 0; i < THROWS; i++) {
        uint32_t n = dice_below(&d, SIDES);
        cr_assert_lt(n, SIDES);
        seen[n]++;
    }
    for (unsigned i = 0; i < SIDES; i++)
        cr_expect(seen[i] > THROWS / SIDES * 9 / 10 && seen[i] < THROWS / SIDES * 11 / 10,
                  "side %u: %u", i, seen[i]);
}
