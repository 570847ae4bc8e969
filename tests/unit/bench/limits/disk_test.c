/* Proves: the loop ends, and something was done in it; where it has no room it fails. */
#include <criterion/criterion.h>

#include "tests/unit/bench/limits/once.h"

Test(disk, fdatasync, .timeout = 60)
{
    cr_expect_gt(limit_once(limit_fdatasync), 0);
}

Test(disk, no_room)
{
    struct limits_once o = {.dir = "/nonexistent"};
    double value;
    cr_expect_eq(limit_fdatasync(&o, &value), ERR_STORE);
}
