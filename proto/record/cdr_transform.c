#include "proto/record/cdr_transform.h"

#include "proto/core/instant.h"
#include "proto/frame/form.h"
#include "proto/record/time_format.h"

enum { ERLANG_EPOCH_DAYS = 719528 }; /* 0000-01-01 to 1970-01-01 */
/* 1970 to the end of 9999: nothing else is the time of a call, and sums of it do not overflow. */
#define INSTANT_MAX_US INT64_C(253402300799999999)

struct job {
    const struct cdr_text *t;
    struct span text;
    struct call *call;
};

static bool set_text(struct job *j, void *member)
{
    *(struct span *)member = j->text;
    return true;
}

static bool set_nonzero(struct job *j, void *member)
{
    return !span_is(j->text, "0") && set_text(j, member);
}

/* USER and HOST of a URI with or without its scheme; a text without @ is a user. */
static struct span uri_part(struct span text, bool host)
{
    static const struct span SCHEMES[] = {SPAN_LIT("sip:"), SPAN_LIT("sips:"), SPAN_LIT("tel:")};
    for (size_t i = 0; i < sizeof SCHEMES / sizeof SCHEMES[0]; i++) {
        size_t at = span_find_span(text, SCHEMES[i]);
        if (at < text.n)
            text = span_from(text, at + SCHEMES[i].n);
    }
    struct span rest = text;
    struct span user = span_cut(&rest, '@');
    struct span part = host ? rest : user;
    size_t n = 0;
    while (n < part.n && part.p[n] != ';' && part.p[n] != '>' && (!host || part.p[n] != ':'))
        n++;
    return span_sub(part, 0, n);
}

static bool set_uri_user(struct job *j, void *member)
{
    *(struct span *)member = uri_part(j->text, false);
    return true;
}

static bool set_uri_host(struct job *j, void *member)
{
    *(struct span *)member = uri_part(j->text, true);
    return true;
}

static bool set_urldecode(struct job *j, void *member)
{
    return form_percent(j->text, j->t->room, member) == OK;
}

static bool store(const struct job *j, void *member, uint64_t value)
{
    const unsigned type = j->t->rule->field->type;
    if (type == CALL_U8 && value <= UINT8_MAX)
        *(uint8_t *)member = (uint8_t)value;
    else if (type == CALL_U16 && value <= UINT16_MAX)
        *(uint16_t *)member = (uint16_t)value;
    else if ((type == CALL_U32 || type == CALL_MS) && value <= UINT32_MAX)
        *(uint32_t *)member = (uint32_t)value;
    else
        return false;
    return true;
}

static bool set_number(struct job *j, void *member)
{
    uint64_t value;
    return span_u64(j->text, UINT32_MAX, &value) == OK && store(j, member, value);
}

static bool set_cause(struct job *j, void *member)
{
    uint64_t value;
    return span_u64(j->text, UINT32_MAX, &value) == OK && store(j, member, value & 0x7f);
}

/* "12.345" in microseconds; more digits are cut. */
static bool read_micros(struct span text, uint64_t s_max, uint64_t *out)
{
    uint64_t whole, scale = US_PER_S / 10;
    struct span fraction = text;
    if (span_u64(span_cut(&fraction, '.'), s_max, &whole) != OK)
        return false;
    *out = whole * US_PER_S;
    for (size_t i = 0; i < fraction.n; i++, scale /= 10) {
        if (!byte_is_digit(fraction.p[i]))
            return false;
        *out += (uint64_t)(fraction.p[i] - '0') * scale;
    }
    return true;
}

static bool set_seconds(struct job *j, void *member)
{
    uint64_t us;
    return read_micros(j->text, UINT32_MAX, &us) && store(j, member, us / US_PER_MS);
}

static bool set_instant(struct job *j, void *member, int64_t us, bool finer)
{
    if (us < 0 || us > INSTANT_MAX_US)
        return false;
    if (us != 0 && !finer)
        j->call->time_quality |= TIME_SECONDS_ONLY;
    *(int64_t *)member = us;
    return true;
}

/* A number of units since 1970. */
static bool set_epoch(struct job *j, void *member, int64_t unit_us)
{
    uint64_t n;
    return span_u64(j->text, (uint64_t)(INSTANT_MAX_US / unit_us), &n) == OK &&
           set_instant(j, member, (int64_t)n * unit_us, true);
}

static bool set_epoch_s(struct job *j, void *member)
{
    uint64_t us;
    bool finer = span_find(j->text, '.') < j->text.n;
    return read_micros(j->text, INSTANT_MAX_US / US_PER_S, &us) &&
           set_instant(j, member, (int64_t)us, finer);
}

static bool set_epoch_ms(struct job *j, void *member)
{
    return set_epoch(j, member, US_PER_MS);
}

static bool set_epoch_us(struct job *j, void *member)
{
    return set_epoch(j, member, 1);
}

static bool set_gregorian_s(struct job *j, void *member)
{
    const int64_t epoch_s = (int64_t)ERLANG_EPOCH_DAYS * S_PER_DAY;
    uint64_t s;
    return span_u64(j->text, INSTANT_MAX_US / US_PER_S + (uint64_t)epoch_s, &s) == OK &&
           set_instant(j, member, ((int64_t)s - epoch_s) * US_PER_S, false);
}

static bool set_time(struct job *j, void *member)
{
    const struct span format = j->t->rule->format;
    struct time_text read;
    bool ambiguous = false;
    if (time_format_read(format, j->text, &read) != OK)
        return false;
    if (!time_format_has_zone(format))
        read.us = zone_to_utc(j->t->zone, read.us, &ambiguous);
    if (!set_instant(j, member, read.us, read.fraction))
        return false;
    if (ambiguous)
        j->call->time_quality |= TIME_DST_AMBIGUOUS;
    return true;
}

static bool set_ip(struct job *j, void *member)
{
    return ip_parse(j->text, member) == OK;
}

/* feeds.md 6: -1139627840 is bc 12 a8 c0, from its end 192.168.18.188; 0 is no address. */
static bool set_int_le_ip(struct job *j, void *member)
{
    uint64_t value;
    bool negative = j->text.p[0] == '-';
    if (span_u64(span_from(j->text, negative), UINT32_MAX, &value) != OK)
        return false;
    uint32_t bits = negative ? 0 - (uint32_t)value : (uint32_t)value;
    const uint8_t b[4] = {(uint8_t)bits, (uint8_t)(bits >> 8), (uint8_t)(bits >> 16),
                          (uint8_t)(bits >> 24)};
    if (bits)
        *(struct ip *)member = ip_v4(b);
    return true;
}

static bool set_table(struct job *j, void *member)
{
    const struct cdr_map *m = j->t->map;
    for (size_t i = 0; i < m->entries_count; i++)
        if (m->entry[i].tag == j->t->rule->field->tag && span_eq(m->entry[i].text, j->text)) {
            *(uint8_t *)member = m->entry[i].value;
            return true;
        }
    return false;
}

static bool (*const SETTERS[CDR_TRANSFORM_COUNT])(struct job *j, void *member) = {
    [CDR_TEXT] = set_text,
    [CDR_NONZERO] = set_nonzero,
    [CDR_URI_USER] = set_uri_user,
    [CDR_URI_HOST] = set_uri_host,
    [CDR_URLDECODE] = set_urldecode,
    [CDR_NUMBER] = set_number,
    [CDR_CAUSE] = set_cause,
    [CDR_SECONDS] = set_seconds,
    [CDR_MS] = set_number,
    [CDR_EPOCH_S] = set_epoch_s,
    [CDR_EPOCH_MS] = set_epoch_ms,
    [CDR_EPOCH_US] = set_epoch_us,
    [CDR_GREGORIAN_S] = set_gregorian_s,
    [CDR_TIME] = set_time,
    [CDR_IP] = set_ip,
    [CDR_INT_LE_IP] = set_int_le_ip,
    [CDR_TABLE] = set_table,
};

bool cdr_transform(const struct cdr_text *t, struct call *c)
{
    struct job j = {t, t->text, c};
    return SETTERS[t->rule->transform](&j, (uint8_t *)c + t->rule->field->offset);
}
