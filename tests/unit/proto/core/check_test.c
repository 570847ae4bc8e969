/* Proves: CHECK aborts in every build and only when its condition is false. */
#include <criterion/criterion.h>
#include <signal.h>

#include "proto/core/check.h"

Test(check, false_aborts, .signal = SIGABRT)
{
    CHECK(1 + 1 == 3);
}

Test(check, true_goes_on_and_is_evaluated_once)
{
    int count = 0;
    CHECK(++count == 1);
    cr_expect(count == 1);
}
