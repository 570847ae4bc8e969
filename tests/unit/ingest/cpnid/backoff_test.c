/* Proves: 100 ms, doubled up to 10 s, and forgiven after 30 s of life. */
#include "ingest/cpnid/backoff.h"

#include <criterion/criterion.h>

Test(backoff, doubles_and_is_bounded)
{
    static const uint32_t WANT[] = {100, 200, 400, 800, 1600, 3200, 6400, 10000, 10000, 10000};
    struct backoff b = {0};
    for (size_t i = 0; i < sizeof WANT / sizeof WANT[0]; i++) {
        backoff_started(&b, i * 1000);
        cr_expect_eq(backoff_died(&b, i * 1000 + BACKOFF_FORGIVEN_MS - 1), WANT[i], "%zu", i);
    }
    backoff_started(&b, 50000);
    cr_expect_eq(backoff_died(&b, 50000 + BACKOFF_FORGIVEN_MS), 100);
    backoff_started(&b, 90000);
    cr_expect_eq(backoff_died(&b, 90000), 200);
}
