#include "proto/core/instant.h"

/* Days from civil date, after the well-known shift of the year's start to 1 March: leap
 * days then fall at the end of the year and the month lengths are (153 m + 2) / 5. */
static int64_t days_from_civil(int64_t y, int m, int d)
{
    y -= m <= 2;
    int64_t era = (y >= 0 ? y : y - 399) / 400;
    int64_t yoe = y - era * 400;
    int64_t doy = (153 * (m + (m > 2 ? -3 : 9)) + 2) / 5 + d - 1;
    int64_t doe = yoe * 365 + yoe / 4 - yoe / 100 + doy;
    return era * 146097 + doe - 719468;
}

static int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

int64_t instant_from_civil(struct civil c)
{
    int64_t minutes = (int64_t)c.hour * 60 + c.minute;
    int64_t s = days_from_civil(c.year, c.month, c.day) * S_PER_DAY + minutes * 60 + c.second;
    return s * US_PER_S + c.us;
}

/* Not a - floor_div(a, b) * b: that overflows near INT64_MIN, which a damaged record may hold. */
static int64_t floor_mod(int64_t a, int64_t b)
{
    int64_t m = a % b;
    return m < 0 ? m + b : m;
}

struct civil instant_civil(int64_t us)
{
    int64_t s = floor_div(us, US_PER_S);
    int64_t z = floor_div(s, S_PER_DAY);
    int64_t sod = floor_mod(s, S_PER_DAY);
    struct civil c = {.us = (int)floor_mod(us, US_PER_S),
                      .hour = (int)(sod / 3600),
                      .minute = (int)(sod / 60 % 60),
                      .second = (int)(sod % 60)};
    z += 719468;
    int64_t era = floor_div(z, 146097);
    int64_t doe = z - era * 146097;
    int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    int64_t mp = (5 * doy + 2) / 153;
    c.day = (int)(doy - (153 * mp + 2) / 5 + 1);
    c.month = (int)(mp < 10 ? mp + 3 : mp - 9);
    c.year = (int)(yoe + era * 400 + (c.month <= 2));
    return c;
}

int64_t instant_day(int64_t us)
{
    return floor_div(us, (int64_t)S_PER_DAY * US_PER_S);
}

uint32_t instant_month(int64_t us)
{
    struct civil c = instant_civil(us);
    if (c.year < 0)
        return 0;
    return (uint32_t)(c.year * 100 + c.month);
}

/* The number that two digits are; at least 256 when they are none. */
static inline int two(const uint8_t *p)
{
    unsigned tens = p[0] - (unsigned)'0', ones = p[1] - (unsigned)'0';
    return tens > 9 || ones > 9 ? 256 : (int)(tens * 10 + ones);
}

static int month_days(int year, int month)
{
    static const int DAYS[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    return DAYS[month - 1] + (month == 2 && leap);
}

/* ".f" to ".ffffff" */
static bool fraction(struct span t, int *us)
{
    int scale = US_PER_S / 10;
    if (t.n < 2 || t.n > 7 || t.p[0] != '.')
        return false;
    for (size_t i = 1; i < t.n; i++, scale /= 10) {
        if (!byte_is_digit(t.p[i]))
            return false;
        *us += (t.p[i] - '0') * scale;
    }
    return true;
}

enum { SECONDS_BYTES = sizeof "YYYY-MM-DD HH:MM:SS" - 1 };

bool instant_has_fraction(struct span t)
{
    return t.n > SECONDS_BYTES && t.p[SECONDS_BYTES] == '.';
}

enum err instant_parse(struct span t, int64_t *out)
{
    const uint8_t *p = t.p;
    if (t.n < SECONDS_BYTES)
        return ERR_SYNTAX;
    const int century = two(p), year = two(p + 2);
    struct civil c = {century * 100 + year, two(p + 5),  two(p + 8), two(p + 11),
                      two(p + 14),          two(p + 17), 0};
    if (century > 99 || year > 99 || c.month < 1 || c.month > 12 || c.day < 1 ||
        c.day > month_days(c.year, c.month) || c.hour > 23 || c.minute > 59 || c.second > 60 ||
        p[4] != '-' || p[7] != '-' || (p[10] != ' ' && p[10] != 'T') || p[13] != ':' ||
        p[16] != ':')
        return ERR_SYNTAX;
    struct span rest = span_from(t, SECONDS_BYTES);
    if (rest.n && rest.p[rest.n - 1] == 'Z')
        rest.n--;
    if (rest.n && !fraction(rest, &c.us))
        return ERR_SYNTAX;
    *out = instant_from_civil(c);
    return OK;
}

static void fixed(struct buf *b, int value, int width)
{
    uint8_t *room = buf_room(b, (size_t)width);
    for (int i = width; room && i > 0; i--, value /= 10)
        room[i - 1] = (uint8_t)('0' + value % 10);
}

/* RFC 3339 1: years 0000 to 9999. */
static int64_t clamp_to_text(int64_t us)
{
    const int64_t first = instant_from_civil((struct civil){0, 1, 1, 0, 0, 0, 0});
    const int64_t last = instant_from_civil((struct civil){9999, 12, 31, 23, 59, 59, 999999});
    return us < first ? first : us > last ? last : us;
}

void instant_format(struct buf *b, int64_t us)
{
    struct civil c = instant_civil(clamp_to_text(us));
    const struct {
        int value, width;
        const char *end;
    } PART[] = {{c.year, 4, "-"},   {c.month, 2, "-"},  {c.day, 2, "T"}, {c.hour, 2, ":"},
                {c.minute, 2, ":"}, {c.second, 2, "."}, {c.us, 6, "Z"}};
    for (size_t i = 0; i < sizeof PART / sizeof PART[0]; i++) {
        fixed(b, PART[i].value, PART[i].width);
        buf_str(b, PART[i].end);
    }
}
