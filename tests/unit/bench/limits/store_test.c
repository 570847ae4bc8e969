/* Proves: the loop ends, and something was done in it; where it has no room it fails. */
#include <criterion/criterion.h>

#include "tests/unit/bench/limits/once.h"

Test(store, store, .timeout = 60)
{
    cr_expect_gt(limit_once(limit_store), 0);
}

Test(store, no_room)
{
    struct limits_once o = {.dir = "/nonexistent"};
    double value;
    cr_expect_eq(limit_store(&o, &value), ERR_STORE);
}
