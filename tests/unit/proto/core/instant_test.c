/* Proves: instants and calendar dates agree in both directions over centuries, leap rules and
 * signs included; text is parsed strictly and written back the same. */
#include <criterion/criterion.h>

#include "proto/core/instant.h"

static const int64_t DAY_US = (int64_t)S_PER_DAY * US_PER_S;

/* Day by day with a calendar of its own: the rule of leap years and a table of months. */
Test(instant, every_day_from_1600_to_2400)
{
    static const int DAYS[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int64_t day = instant_day(instant_from_civil((struct civil){1600, 1, 1, 0, 0, 0, 0}));
    cr_expect(day == -135140);
    for (int year = 1600; year < 2400; year++) {
        bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
        for (int month = 1; month <= 12; month++) {
            for (int d = 1; d <= DAYS[month - 1] + (leap && month == 2); d++, day++) {
                int64_t us = instant_from_civil((struct civil){year, month, d, 23, 59, 59, 999999});
                struct civil c = instant_civil(us);
                cr_assert(us == day * DAY_US + DAY_US - 1, "%d-%d-%d", year, month, d);
                cr_assert(c.year == year && c.month == month && c.day == d && c.hour == 23 &&
                              c.minute == 59 && c.second == 59 && c.us == 999999,
                          "%d-%d-%d", year, month, d);
                cr_assert(instant_month(us) == (uint32_t)(year * 100 + month));
            }
        }
    }
}

Test(instant, before_the_epoch_rounds_down)
{
    cr_expect(instant_day(-1) == -1);
    cr_expect(instant_day(0) == 0);
    cr_expect(instant_month(-1) == 196912);
    cr_expect(instant_civil(-1).us == 999999);
}

Test(instant, the_extremes_are_harmless)
{
    struct civil c = instant_civil(INT64_MIN);
    cr_expect(c.us >= 0 && c.us < US_PER_S && c.hour >= 0 && c.hour < 24);
    cr_expect(instant_month(INT64_MIN) == 0);
    cr_expect(instant_civil(INT64_MAX).year == 294247);
}

Test(instant, text)
{
    static const struct {
        const char *text;
        enum err e;
        int64_t us;
    } ROW[] = {
        {"1970-01-01 00:00:00", OK, 0},
        {"1970-01-01T00:00:01Z", OK, US_PER_S},
        {"1970-01-01T00:00:00.5", OK, 500000},
        {"1970-01-01T00:00:00.000001Z", OK, 1},
        {"2024-02-29 12:00:00", OK, INT64_C(1709208000) * US_PER_S},
        {"2016-12-31 23:59:60", OK, INT64_C(1483228800) * US_PER_S}, /* a leap second */
        {"2023-02-29 12:00:00", ERR_SYNTAX, 0},
        {"1900-02-29 12:00:00", ERR_SYNTAX, 0},
        {"2024-13-01 00:00:00", ERR_SYNTAX, 0},
        {"2024-00-01 00:00:00", ERR_SYNTAX, 0},
        {"2024-04-31 00:00:00", ERR_SYNTAX, 0},
        {"2024-01-00 00:00:00", ERR_SYNTAX, 0},
        {"2024-01-01 24:00:00", ERR_SYNTAX, 0},
        {"2024-01-01 00:60:00", ERR_SYNTAX, 0},
        {"2024-01-01 00:00:61", ERR_SYNTAX, 0},
        {"2024-01-01x00:00:00", ERR_SYNTAX, 0},
        {"2024-01-01 00:00:00.", ERR_SYNTAX, 0},
        {"2024-01-01 00:00:00.1234567", ERR_SYNTAX, 0},
        {"2024-01-01 00:00:00+01:00", ERR_SYNTAX, 0},
        {"2024-1-01 00:00:00", ERR_SYNTAX, 0},
        {"2024-01-01", ERR_SYNTAX, 0},
        {"", ERR_SYNTAX, 0},
    };
    for (size_t i = 0; i < sizeof ROW / sizeof ROW[0]; i++) {
        int64_t us = 0;
        cr_expect(instant_parse(span_str(ROW[i].text), &us) == ROW[i].e, "%s", ROW[i].text);
        cr_expect(us == ROW[i].us, "%s", ROW[i].text);
    }
}

static struct span text_of(int64_t us, uint8_t room[static INSTANT_TEXT_BYTES])
{
    struct buf b = buf_of(room, INSTANT_TEXT_BYTES);
    instant_format(&b, us);
    cr_expect(buf_ok(&b));
    return buf_span(&b);
}

Test(instant, parses_what_it_writes)
{
    uint8_t room[INSTANT_TEXT_BYTES];
    for (int64_t us = -DAY_US * 200000; us < DAY_US * 200000; us += DAY_US * 13 + 12345678901) {
        int64_t back = 0;
        cr_expect(instant_parse(text_of(us, room), &back) == OK && back == us, "%ld", (long)us);
    }
    cr_expect(span_is(text_of(INT64_MAX, room), "9999-12-31T23:59:59.999999Z"));
    cr_expect(span_is(text_of(INT64_MIN, room), "0000-01-01T00:00:00.000000Z"));
}
