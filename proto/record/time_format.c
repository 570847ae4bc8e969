#include "proto/record/time_format.h"

#include "proto/core/instant.h"

struct job {
    struct span rest;
    struct civil c;
    int offset_s; /* east of Greenwich */
    bool fraction;
};

static bool is_blank(uint8_t c)
{
    return c == ' ' || c == '\t';
}

static bool read_number(struct job *j, size_t digits_min, size_t digits_max, int *out)
{
    size_t n = 0;
    int value = 0;
    while (n < digits_max && n < j->rest.n && byte_is_digit(j->rest.p[n]))
        value = value * 10 + (j->rest.p[n++] - '0');
    j->rest = span_from(j->rest, n);
    *out = value;
    return n >= digits_min;
}

static bool read_year(struct job *j)
{
    return read_number(j, 4, 4, &j->c.year);
}

static bool read_month(struct job *j)
{
    return read_number(j, 1, 2, &j->c.month) && j->c.month <= 12;
}

static bool read_day(struct job *j)
{
    return read_number(j, 1, 2, &j->c.day) && j->c.day <= 31;
}

static bool read_hour(struct job *j)
{
    return read_number(j, 1, 2, &j->c.hour) && j->c.hour <= 23;
}

static bool read_minute(struct job *j)
{
    return read_number(j, 1, 2, &j->c.minute) && j->c.minute <= 59;
}

static bool read_second(struct job *j)
{
    return read_number(j, 1, 2, &j->c.second) && j->c.second <= 60; /* a leap second */
}

static bool read_fraction(struct job *j)
{
    if (j->rest.n == 0 || j->rest.p[0] != '.')
        return true;
    j->rest = span_from(j->rest, 1);
    size_t n = 0;
    for (int scale = US_PER_S / 10; n < j->rest.n && byte_is_digit(j->rest.p[n]); scale /= 10)
        j->c.us += (j->rest.p[n++] - '0') * scale; /* beyond microseconds: cut */
    j->rest = span_from(j->rest, n);
    j->fraction = n > 0;
    return n > 0;
}

static bool read_month_name(struct job *j)
{
    static const char NAMES[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    struct span name = span_sub(j->rest, 0, 3);
    j->rest = span_from(j->rest, 3);
    for (int i = 0; i < 12; i++)
        if (span_ieq(name, span_of(NAMES + (ptrdiff_t)3 * i, 3)))
            j->c.month = i + 1;
    return j->c.month > 0;
}

static bool read_weekday(struct job *j)
{
    size_t n = 0;
    while (n < j->rest.n && byte_lower(j->rest.p[n]) >= 'a' && byte_lower(j->rest.p[n]) <= 'z')
        n++;
    j->rest = span_from(j->rest, n);
    return n >= 3;
}

static bool read_zone(struct job *j)
{
    static const struct span UTC[] = {SPAN_LIT("UTC"), SPAN_LIT("GMT"), SPAN_LIT("Z")};
    for (size_t i = 0; i < sizeof UTC / sizeof UTC[0]; i++)
        if (span_starts(j->rest, UTC[i])) {
            j->rest = span_from(j->rest, UTC[i].n);
            return true;
        }
    int hours, minutes, sign = j->rest.n && j->rest.p[0] == '-' ? -1 : 1;
    if (j->rest.n == 0 || (j->rest.p[0] != '+' && j->rest.p[0] != '-'))
        return false;
    j->rest = span_from(j->rest, 1);
    if (!read_number(j, 2, 2, &hours))
        return false;
    if (j->rest.n && j->rest.p[0] == ':')
        j->rest = span_from(j->rest, 1);
    if (!read_number(j, 2, 2, &minutes) || hours > 23 || minutes > 59)
        return false;
    j->offset_s = sign * (hours * 3600 + minutes * 60);
    return true;
}

static const struct conversion {
    char letter;
    bool (*read)(struct job *j);
} CONVERSIONS[] = {
    {'Y', read_year},    {'m', read_month},  {'b', read_month_name}, {'d', read_day},
    {'H', read_hour},    {'M', read_minute}, {'S', read_second},     {'f', read_fraction},
    {'a', read_weekday}, {'z', read_zone},
};

static const struct conversion *conversion_of(uint8_t letter)
{
    for (size_t i = 0; i < sizeof CONVERSIONS / sizeof CONVERSIONS[0]; i++)
        if (CONVERSIONS[i].letter == (char)letter)
            return &CONVERSIONS[i];
    return NULL;
}

static bool has(struct span format, const char *conversion)
{
    return span_find_span(format, span_str(conversion)) < format.n;
}

bool time_format_valid(struct span format)
{
    for (size_t i = 0; i < format.n; i++)
        if (format.p[i] == '%' && (++i == format.n || !conversion_of(format.p[i])))
            return false;
    return has(format, "%Y") && (has(format, "%m") || has(format, "%b")) && has(format, "%d");
}

bool time_format_has_zone(struct span format)
{
    return has(format, "%z");
}

static bool read_blanks(struct job *j)
{
    size_t n = 0;
    while (n < j->rest.n && is_blank(j->rest.p[n]))
        n++;
    j->rest = span_from(j->rest, n);
    return n > 0;
}

static bool read_byte(struct job *j, uint8_t c)
{
    if (is_blank(c))
        return read_blanks(j);
    bool same = j->rest.n && j->rest.p[0] == c;
    j->rest = span_from(j->rest, 1);
    return same;
}

/* 31 April comes back as 1 May. */
static bool is_date(struct civil c)
{
    struct civil back = instant_civil(
        instant_from_civil((struct civil){.year = c.year, .month = c.month, .day = c.day}));
    return c.month > 0 && c.day > 0 && back.month == c.month && back.day == c.day;
}

enum err time_format_read(struct span format, struct span text, struct time_text *out)
{
    struct job j = {.rest = text};
    for (size_t i = 0; i < format.n; i++) {
        bool literal = format.p[i] != '%';
        if (literal ? !read_byte(&j, format.p[i]) : !conversion_of(format.p[++i])->read(&j))
            return ERR_SYNTAX;
    }
    if (j.rest.n || !is_date(j.c))
        return ERR_SYNTAX;
    out->us = instant_from_civil(j.c) - (int64_t)j.offset_s * US_PER_S;
    out->fraction = j.fraction;
    return OK;
}
