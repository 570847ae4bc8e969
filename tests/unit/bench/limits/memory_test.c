/* Proves: the loop ends, and something was done in it; where it has no room it fails. */
#include <criterion/criterion.h>

#include "tests/unit/bench/limits/once.h"

Test(memory, memcpy, .timeout = 60)
{
    cr_expect_gt(limit_once(limit_memcpy), 0);
}
