/* Proves: dates of each form are read whole or refused, never half; a format that cannot give a
 * date is no format; what is read agrees with a date made the other way round. */
#include "proto/record/time_format.h"

#include <criterion/criterion.h>
#include <stdlib.h>

#include "proto/core/instant.h"

#define AUDIOCODES "%H:%M:%S%f %z %a %b %d %Y"
#define ISO        "%Y-%m-%dT%H:%M:%S%f%z"

Test(time_format, texts)
{
    static const struct {
        const char *format, *text, *utc; /* NULL: refused */
        bool fraction;
    } ROWS[] = {
        {AUDIOCODES, "18:57:52.320  UTC Mon Dec 05 2022", "2022-12-05 18:57:52.320", true},
        {AUDIOCODES, "18:57:52 GMT Monday dec 5 2022", "2022-12-05 18:57:52", false},
        {AUDIOCODES, "18:57:52.320 EST Mon Dec 05 2022", NULL, false},
        {AUDIOCODES, "18:57:52.320UTC Mon Dec 05 2022", NULL, false},
        {AUDIOCODES, "18:57:52. UTC Mon Dec 05 2022", NULL, false},
        {AUDIOCODES, "18:57:52.320 UTC Mo Dec 05 2022", NULL, false},
        {AUDIOCODES, "18:57:52.320 UTC Mon Dez 05 2022", NULL, false},
        {ISO, "2026-11-21T09:00:00Z", "2026-11-21 09:00:00", false},
        {ISO, "2026-11-21T09:00:00.1234567+05:30", "2026-11-21 03:30:00.123456", true},
        {ISO, "2026-11-21T09:00:00-0500", "2026-11-21 14:00:00", false},
        {ISO, "2026-11-21T09:00:00+5", NULL, false},
        {ISO, "2026-11-21T09:00:00+24:00", NULL, false},
        {ISO, "2026-11-21T09:00:00", NULL, false},
        {ISO, "2026-11-21 09:00:00Z", NULL, false},
        {ISO, "2026-11-21T09:00:00Zx", NULL, false},
        {"%Y%m%d%H%M%S", "20261121090001", "2026-11-21 09:00:01", false},
        {"%m/%d/%Y", "2/29/2024", "2024-02-29 00:00:00", false},
        {"%m/%d/%Y", "2/29/2026", NULL, false},
        {"%m/%d/%Y", "4/31/2026", NULL, false},
        {"%m/%d/%Y", "0/1/2026", NULL, false},
        {"%m/%d/%Y", "13/1/2026", NULL, false},
        {"%m/%d/%Y", "1/0/2026", NULL, false},
        {"%m/%d/%Y", "1/1/926", NULL, false},
        {"%m/%d/%Y", "", NULL, false},
        {"%Y-%m-%d %H:%M:%S", "2026-11-21 24:00:00", NULL, false},
        {"%Y-%m-%d %H:%M:%S", "2026-11-21 09:60:00", NULL, false},
        {"%Y-%m-%d %H:%M:%S", "2026-11-21 09:00:61", NULL, false},
    };
    for (size_t i = 0; i < sizeof ROWS / sizeof ROWS[0]; i++) {
        struct time_text t = {0, false};
        int64_t want = 0;
        cr_assert(time_format_valid(span_str(ROWS[i].format)));
        enum err e = time_format_read(span_str(ROWS[i].format), span_str(ROWS[i].text), &t);
        cr_expect_eq(e, ROWS[i].utc ? OK : ERR_SYNTAX, "%s", ROWS[i].text);
        if (!ROWS[i].utc)
            continue;
        cr_assert_eq(instant_parse(span_str(ROWS[i].utc), &want), OK);
        cr_expect_eq(t.us, want, "%s", ROWS[i].text);
        cr_expect_eq(t.fraction, ROWS[i].fraction, "%s", ROWS[i].text);
    }
}

Test(time_format, formats)
{
    static const struct {
        const char *format;
        bool valid, zone;
    } ROWS[] = {{AUDIOCODES, true, true},  {ISO, true, true},          {"%Y %b %d", true, false},
                {"%Y %m", false, false},   {"%m %d", false, false},    {"%Y %d", false, false},
                {"%Y%m%d%", false, false}, {"%Y%m%d%q", false, false}, {"", false, false}};
    for (size_t i = 0; i < sizeof ROWS / sizeof ROWS[0]; i++) {
        cr_expect_eq(time_format_valid(span_str(ROWS[i].format)), ROWS[i].valid, "%s",
                     ROWS[i].format);
        cr_expect_eq(time_format_has_zone(span_str(ROWS[i].format)), ROWS[i].zone, "%s",
                     ROWS[i].format);
    }
}

/* Each prefix in a block of its own, so that a look behind its end is seen. */
Test(time_format, every_prefix_is_refused)
{
    static const char TEXT[] = "18:57:52.320  UTC Mon Dec 05 2022";
    for (size_t n = 0; n < sizeof TEXT - 1; n++) {
        struct time_text t;
        char *exact = malloc(n ? n : 1);
        memcpy(exact, TEXT, n);
        cr_expect_eq(time_format_read(span_str(AUDIOCODES), span_of(exact, n), &t), ERR_SYNTAX);
        free(exact);
    }
}
