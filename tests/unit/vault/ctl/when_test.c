/* Times as people type them; everything else is refused, not guessed. */
#include <criterion/criterion.h>

#include "vault/ctl/when.h"

Test(when, reads_what_it_promises)
{
    const struct {
        const char *text;
        int64_t us;
    } ROW[] = {
        {"1970-01-01", 0},
        {"1970-01-02", 86400LL * US_PER_S},
        {"1970-01-01 00:00:01", US_PER_S},
        {"1970-01-01T00:00:01Z", US_PER_S},
        {"1970-01-01T00:00:01.5Z", 1500000},
        {"1970-01-01T02:00:00+02:00", 0},
        {"1969-12-31T18:30:00-05:30", 0},
        {"1970-01-01T00:00:01.000001+00:00", US_PER_S + 1},
    };
    for (size_t i = 0; i < sizeof ROW / sizeof ROW[0]; i++) {
        int64_t us = -1;
        cr_expect_eq(when_parse(span_str(ROW[i].text), &us), OK, "%s", ROW[i].text);
        cr_expect_eq(us, ROW[i].us, "%s", ROW[i].text);
    }
}

Test(when, refuses_the_rest)
{
    const char *const ROW[] = {
        "",
        "now",
        "2026",
        "2026-13-01",
        "2026-02-30",
        "2026-01-01 25:00:00",
        "2026-1-1",
        "2026-01-01T00:00:00+5:30",
        "2026-01-01T00:00:00+24:00",
        "2026-01-01T00:00:00+05:60",
        "2026-01-01T00:00:00Z+01:00",
        "2026-01-01T00:00:00 +0100",
        "1700000000",
    };
    for (size_t i = 0; i < sizeof ROW / sizeof ROW[0]; i++) {
        int64_t us = 42;
        cr_expect_eq(when_parse(span_str(ROW[i]), &us), ERR_SYNTAX, "%s", ROW[i]);
        cr_expect_eq(us, 42);
    }
}
