#include "proto/record/zone.h"

#include "proto/core/instant.h"
#include "proto/core/reader.h"

enum {
    TZIF_HEAD_BYTES = 44,
    OFFSET_S_MAX = 26 * 3600, /* RFC 8536 3.2: -25 h to +26 h */
    RULE_SECOND_MAX = 167 * 3600
};

void zone_fixed(struct zone *z, int32_t offset_s)
{
    *z = (struct zone){.first_offset_s = offset_s, .last_offset_s = offset_s};
}

static bool two_digits(struct span s, size_t at, int32_t max, int32_t *out)
{
    uint64_t v;
    if (at + 2 > s.n || span_u64(span_sub(s, at, 2), (uint64_t)max, &v) != OK)
        return false;
    *out = (int32_t)v;
    return true;
}

enum err zone_parse(struct span name, struct zone *out)
{
    int32_t hour, minute;
    if (span_ieq(name, span_str("UTC")) || span_is(name, "Z")) {
        zone_fixed(out, 0);
        return OK;
    }
    size_t colon = name.n == 6 && name.p[3] == ':';
    if (name.n != 5 + colon || (name.p[0] != '+' && name.p[0] != '-') ||
        !two_digits(name, 1, 14, &hour) || !two_digits(name, 3 + colon, 59, &minute))
        return ERR_NOTFOUND;
    int32_t offset_s = hour * 3600 + minute * 60;
    zone_fixed(out, name.p[0] == '-' ? -offset_s : offset_s);
    return OK;
}

/* RFC 8536 3.1: how many of each thing a block holds. */
struct tzif_head {
    uint8_t version;
    uint32_t isut, isstd, leap, time, type, chars;
};

static struct tzif_head read_head(struct reader *r)
{
    struct tzif_head h = {0};
    if (!span_is(reader_take(r, 4), "TZif"))
        r->failed = true;
    h.version = reader_u8(r);
    reader_take(r, 15);
    uint32_t *const COUNT[] = {&h.isut, &h.isstd, &h.leap, &h.time, &h.type, &h.chars};
    for (size_t i = 0; i < sizeof COUNT / sizeof COUNT[0]; i++) {
        *COUNT[i] = reader_be32(r);
        if (*COUNT[i] > UINT16_MAX)
            r->failed = true; /* far more than any zone has; keeps the sums below small */
    }
    return h;
}

static size_t block_bytes(const struct tzif_head *h, size_t time_bytes)
{
    return h->time * (time_bytes + 1) + h->type * (size_t)6 + h->chars +
           h->leap * (time_bytes + 4) + h->isstd + h->isut;
}

/* RFC 8536 3.2: transition times, their types, the types. */
static bool read_block(struct span block, const struct tzif_head *h, size_t time_bytes,
                       struct zone *z)
{
    struct reader times = reader_of(block);
    struct reader types = reader_of(span_from(block, h->time * time_bytes));
    struct span infos = span_from(block, h->time * (time_bytes + 1));
    int32_t last = 0;
    for (size_t i = 0; i < h->type + (size_t)h->time; i++) { /* all types, then all transitions */
        size_t type = i < h->type ? i : reader_u8(&types);
        struct reader info = reader_of(span_sub(infos, type * 6, 6));
        int32_t offset_s = (int32_t)reader_be32(&info);
        if (type >= h->type || offset_s > OFFSET_S_MAX || offset_s < -OFFSET_S_MAX)
            return false;
        if (i == 0)
            last = z->first_offset_s = offset_s;
        if (i < h->type)
            continue;
        uint64_t at = reader_be(&times, time_bytes);
        int64_t at_s = time_bytes == 4 ? (int32_t)(uint32_t)at : (int64_t)at;
        size_t n = z->transitions_count;
        if (n && z->transition[n - 1].at_s >= at_s)
            return false;
        z->transition[n].at_s = at_s;
        z->transition[n].offset_s = last = offset_s;
        z->transitions_count++;
    }
    z->last_offset_s = last;
    return true;
}

/* The TZ string (POSIX, RFC 8536 3.3): std offset [dst [offset] , rule , rule]. */
static void skip_name(struct reader *r)
{
    bool quoted = reader_left(r) && r->in.p[r->at] == '<';
    size_t n = 0;
    while (reader_more(r)) {
        uint8_t c = r->in.p[r->at];
        bool letter = byte_lower(c) >= 'a' && byte_lower(c) <= 'z';
        if (!quoted && !letter)
            break;
        reader_u8(r);
        n++;
        if (quoted && c == '>')
            break;
    }
    if (n < 3)
        r->failed = true;
}

static bool at_byte(const struct reader *r, uint8_t c)
{
    return reader_left(r) && r->in.p[r->at] == c;
}

static int32_t read_decimal(struct reader *r, int32_t max)
{
    int32_t v = 0;
    size_t digits = 0;
    while (reader_left(r) && byte_is_digit(r->in.p[r->at]) && digits++ < 3)
        v = v * 10 + (reader_u8(r) - '0');
    if (digits == 0 || v > max)
        r->failed = true;
    return v;
}

/* [+-]hh[:mm[:ss]] in seconds */
static int32_t read_hms(struct reader *r, int32_t hours_max)
{
    int32_t sign = at_byte(r, '-') ? -1 : 1;
    if (at_byte(r, '-') || at_byte(r, '+'))
        reader_u8(r);
    int32_t s = read_decimal(r, hours_max) * 3600;
    for (int32_t unit = 60; unit && at_byte(r, ':'); unit /= 60) {
        reader_u8(r);
        s += read_decimal(r, 59) * unit;
    }
    return sign * s;
}

static void expect(struct reader *r, uint8_t c)
{
    if (reader_u8(r) != c)
        r->failed = true;
}

/* ,Mm.w.d[/time]: the only form that tzdata uses for today's zones */
static struct zone_rule read_rule(struct reader *r)
{
    struct zone_rule rule = {.second = 2 * 3600};
    expect(r, ',');
    expect(r, 'M');
    rule.month = (uint8_t)read_decimal(r, 12);
    expect(r, '.');
    rule.week = (uint8_t)read_decimal(r, 5);
    expect(r, '.');
    rule.weekday = (uint8_t)read_decimal(r, 6);
    if (at_byte(r, '/')) {
        reader_u8(r);
        rule.second = read_hms(r, RULE_SECOND_MAX / 3600);
    }
    if (rule.month == 0 || rule.week == 0)
        r->failed = true;
    return rule;
}

static bool read_tz_string(struct span tz, struct zone *z)
{
    struct reader r = reader_of(tz);
    if (tz.n == 0)
        return true; /* nothing changes behind the last transition */
    skip_name(&r);
    z->last_offset_s = -read_hms(&r, 24); /* POSIX counts to the west */
    if (!reader_more(&r))
        return reader_ok(&r);
    z->has_summer = true;
    skip_name(&r);
    z->summer_offset_s = z->last_offset_s + 3600;
    if (!at_byte(&r, ','))
        z->summer_offset_s = -read_hms(&r, 24);
    z->summer_begin = read_rule(&r);
    z->summer_end = read_rule(&r);
    return reader_ok(&r) && !reader_more(&r);
}

enum err zone_load(struct span tzif, struct zone *out, struct diag *d)
{
    struct reader r = reader_of(tzif);
    struct tzif_head h = read_head(&r);
    size_t time_bytes = 4;
    if (!reader_ok(&r))
        return diag_set(d, tzif.n < TZIF_HEAD_BYTES ? ERR_MORE : ERR_SYNTAX, "TZif head", 0);
    struct span block = reader_take(&r, block_bytes(&h, time_bytes));
    if (h.version >= '2') { /* the same again with 8-byte times */
        h = read_head(&r);
        time_bytes = 8;
        block = reader_take(&r, block_bytes(&h, time_bytes));
    }
    if (!reader_ok(&r))
        return diag_set(d, ERR_MORE, "TZif block", reader_at(&r));
    if (h.leap != 0)
        return diag_set(d, ERR_VERSION, "TZif file with leap seconds", reader_at(&r));
    if (h.time > ZONE_TRANSITIONS_MAX)
        return diag_set(d, ERR_LIMIT, "transitions of the zone", reader_at(&r));
    struct zone z = {0};
    if (h.type == 0 || !read_block(block, &h, time_bytes, &z))
        return diag_set(d, ERR_SYNTAX, "transition of the zone", reader_at(&r));
    size_t footer_at = reader_at(&r);
    if (h.version >= '2') {
        expect(&r, '\n');
        struct span footer = span_from(tzif, reader_at(&r));
        if (!reader_ok(&r) || span_find(footer, '\n') == footer.n)
            return diag_set(d, ERR_MORE, "TZ string", footer_at);
        if (!read_tz_string(span_cut(&footer, '\n'), &z))
            return diag_set(d, ERR_VERSION, "TZ string", footer_at);
    }
    *out = z;
    return OK;
}

static int64_t floor_days(int64_t s)
{
    return s / S_PER_DAY - (s % S_PER_DAY < 0);
}

/* Local second of the year's n-th weekday of a month; week 5 is the last one. */
static int64_t rule_second(const struct zone_rule *rule, int year)
{
    int64_t first =
        instant_from_civil((struct civil){.year = year, .month = rule->month, .day = 1});
    int next_month = rule->month % 12 + 1;
    struct civil next = {.year = year + (next_month == 1), .month = next_month, .day = 1};
    int64_t day = floor_days(first / US_PER_S);
    int64_t end = floor_days(instant_from_civil(next) / US_PER_S);
    day += ((rule->weekday - (day + 4)) % 7 + 7) % 7; /* 1970-01-01 was a Thursday */
    day += (int64_t)(rule->week - 1) * 7;
    while (day >= end)
        day -= 7;
    return day * S_PER_DAY + rule->second;
}

/* Behind the last transition, where the rule holds. */
static int32_t offset_by_rule(const struct zone *z, int64_t utc_s)
{
    if (!z->has_summer)
        return z->last_offset_s;
    int year = instant_civil((utc_s + z->last_offset_s) * US_PER_S).year;
    int64_t begin = rule_second(&z->summer_begin, year) - z->last_offset_s;
    int64_t end = rule_second(&z->summer_end, year) - z->summer_offset_s;
    bool summer = begin < end ? utc_s >= begin && utc_s < end : utc_s >= begin || utc_s < end;
    return summer ? z->summer_offset_s : z->last_offset_s;
}

static int32_t offset_at(const struct zone *z, int64_t utc_s)
{
    size_t low = 0, high = z->transitions_count; /* transitions at or before utc_s */
    while (low < high) {
        size_t mid = (low + high) / 2;
        if (z->transition[mid].at_s <= utc_s)
            low = mid + 1;
        else
            high = mid;
    }
    if (low == z->transitions_count)
        return offset_by_rule(z, utc_s);
    return low ? z->transition[low - 1].offset_s : z->first_offset_s;
}

/* Offsets change at most once in two days: the one a day before and the one a day after are all
 * there is. A local time fits both (clocks set back), one, or none (clocks set forward). */
int64_t zone_to_utc(const struct zone *z, int64_t local_us, bool *out_ambiguous)
{
    int64_t local_s = local_us / US_PER_S - (local_us % US_PER_S < 0);
    int64_t before = offset_at(z, local_s - S_PER_DAY), after = offset_at(z, local_s + S_PER_DAY);
    bool fits_before = offset_at(z, local_s - before) == before;
    bool fits_after = offset_at(z, local_s - after) == after;
    *out_ambiguous = before != after && fits_before == fits_after;
    int64_t offset = fits_after && !fits_before ? after : before;
    return local_us - offset * US_PER_S;
}
