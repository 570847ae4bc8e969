/* Proves: the loop ends, and something was done in it; where it has no room it fails. */
#include <criterion/criterion.h>

#include "tests/unit/bench/limits/once.h"

Test(net, udp, .timeout = 60)
{
    cr_expect_gt(limit_once(limit_udp), 0);
}

Test(net, tcp, .timeout = 60)
{
    cr_expect_gt(limit_once(limit_tcp), 0);
}
