/* Proves: the system's clocks, in microseconds. */
#include "ingest/source/clock.h"

#include <criterion/criterion.h>
#include <time.h>
#include <unistd.h>

Test(clock, wall_is_the_time_of_day)
{
    int64_t s = clock_wall_us(&CLOCK_SYSTEM) / 1000000;
    cr_expect_leq(llabs((long long)(s - time(NULL))), 1);
}

Test(clock, monotonic_counts_microseconds)
{
    uint64_t before = clock_mono_us(&CLOCK_SYSTEM);
    usleep(20000);
    uint64_t passed = clock_mono_us(&CLOCK_SYSTEM) - before;
    cr_expect(passed >= 20000 && passed < 20000000, "%lu", (unsigned long)passed);
}
