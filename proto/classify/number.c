#include "proto/classify/number.h"

#include "proto/core/check.h"

enum { DIALED_MAX = 32 }; /* 101XXXX 011 and 15 digits are 25 */

/* What was dialled, without separators. '*' and '#' stay. */
struct dialed {
    char d[DIALED_MAX];
    size_t n;
    bool plus;
};

static bool is_separator(uint8_t c) /* RFC 3966 5.1.1, and the blank that people type */
{
    return c == '-' || c == '.' || c == '(' || c == ')' || c == ' ';
}

static bool is_dial(uint8_t c)
{
    return byte_is_digit(c) || c == '*' || c == '#';
}

struct span number_cut_postd(struct span text)
{
    static const char POSTD[] = ";postd="; /* RFC 2806 2.2 */
    struct span rest = text;
    while (span_find(rest, ';') < rest.n) {
        rest = span_from(rest, span_find(rest, ';'));
        if (span_ieq(span_sub(rest, 0, sizeof POSTD - 1), span_str(POSTD)))
            return span_sub(text, 0, text.n - rest.n);
        rest = span_from(rest, 1);
    }
    return text;
}

struct span number_strip(struct span raw)
{
    size_t digits = 0;
    for (size_t i = 0; i < raw.n; i++) {
        uint8_t c = raw.p[i];
        /* "p" and "w" wait, then dial what follows into the answered call: PINs, card numbers */
        if (digits && (c == ',' || byte_lower(c) == 'p' || byte_lower(c) == 'w'))
            return span_sub(raw, 0, i);
        if (!is_dial(c) && !is_separator(c) && c != '+')
            return number_cut_postd(raw);
        digits += byte_is_digit(c);
    }
    return raw; /* digits only: no parameter begins in them */
}

/* False for what is no number: a name, an address, too long. Parameters end it. */
static bool read_dialed(struct span raw, struct dialed *out)
{
    bool symbols = false;
    out->n = 0;
    out->plus = raw.n && raw.p[0] == '+';
    for (size_t i = out->plus; i < raw.n && raw.p[i] != ';'; i++) {
        uint8_t c = raw.p[i];
        if (is_dial(c) && out->n < DIALED_MAX)
            out->d[out->n++] = (char)c;
        else if (!is_separator(c))
            return false;
        symbols |= c == '*' || c == '#';
    }
    while (symbols && out->n && out->d[out->n - 1] == '#')
        out->n--; /* ends dialling, means nothing */
    for (size_t i = 1; symbols && i < out->n; i++)
        if (!byte_is_digit((uint8_t)out->d[i]))
            return false;
    return out->n > 0 && (byte_is_digit((uint8_t)out->d[0]) || (out->d[0] == '*' && !out->plus));
}

static void put_tn(struct number *out, struct buf *room, const char *head, const char *d, size_t n)
{
    size_t at = room->n;
    buf_u8(room, '+');
    buf_str(room, head);
    buf_bytes(room, d, n);
    CHECK(buf_ok(room)); /* the caller promised the room */
    out->tn = span_from(buf_span(room), at);
    out->e164 = true;
}

static unsigned three(const char *d)
{
    return (unsigned)(d[0] - '0') * 100 + (unsigned)(d[1] - '0') * 10 + (unsigned)(d[2] - '0');
}

/* First digit 2-9, and not N11. Of an area code the second is not 9, kept for expansion. */
static bool is_code(const char *d, char second_max)
{
    return d[0] >= '2' && d[1] <= second_max && !(d[1] == '1' && d[2] == '1');
}

static enum call_type nanp_type(unsigned npa_kind, const char *d)
{
    static const uint8_t TYPE[NPA_KIND_COUNT] = {
        [NPA_US] = CALL_TYPE_NATIONAL,          [NPA_GOVERNMENT] = CALL_TYPE_NATIONAL,
        [NPA_CANADA] = CALL_TYPE_INTERNATIONAL, [NPA_OTHER] = CALL_TYPE_INTERNATIONAL,
        [NPA_TOLLFREE] = CALL_TYPE_TOLLFREE,    [NPA_PREMIUM] = CALL_TYPE_PREMIUM,
        [NPA_PERSONAL] = CALL_TYPE_PERSONAL};
    bool us = npa_kind == NPA_US;
    if (us && three(d + 3) == 976)
        return CALL_TYPE_PREMIUM; /* local premium exchange */
    if (us && memcmp(d + 3, "5551212", 7) == 0)
        return CALL_TYPE_DIRECTORY;
    return (enum call_type)TYPE[npa_kind];
}

/* Ten digits NPA-NXX-XXXX; false when they are none. */
static bool nanp(const struct number_rules *rules, const char *d, struct buf *room,
                 struct number *out)
{
    static const uint8_t DEST[NPA_KIND_COUNT] = {[NPA_US] = DEST_NANP_US,
                                                 [NPA_GOVERNMENT] = DEST_NANP_US,
                                                 [NPA_CANADA] = DEST_NANP_CA,
                                                 [NPA_OTHER] = DEST_NANP_OTHER,
                                                 [NPA_TOLLFREE] = DEST_TOLLFREE};
    if (!is_code(d, '8') || !is_code(d + 3, '9'))
        return false;
    out->npa = (uint16_t)three(d);
    unsigned kind = npa_find(rules->npa, out->npa).kind;
    out->call_type = nanp_type(kind, d);
    out->dest_class = (enum dest_class)DEST[kind];
    put_tn(out, room, "1", d, 10);
    return true;
}

/* Codes without a country behind them, ITU-T E.164.1. */
static const struct {
    const char *code;
    enum call_type type;
    enum dest_class dest;
} GLOBAL[] = {
    {"800", CALL_TYPE_TOLLFREE, DEST_TOLLFREE},       /* universal freephone */
    {"808", CALL_TYPE_INTERNATIONAL, DEST_NETWORK},   /* shared cost */
    {"870", CALL_TYPE_INTERNATIONAL, DEST_SATELLITE}, /* Inmarsat */
    {"878", CALL_TYPE_PERSONAL, DEST_NETWORK},        /* universal personal number */
    {"881", CALL_TYPE_INTERNATIONAL, DEST_SATELLITE}, /* mobile satellite */
    {"882", CALL_TYPE_INTERNATIONAL, DEST_NETWORK},
    {"883", CALL_TYPE_INTERNATIONAL, DEST_NETWORK},
    {"979", CALL_TYPE_PREMIUM, DEST_NETWORK}, /* international premium rate */
};

static bool begins(const char *d, size_t n, const char *head)
{
    size_t i = 0;
    while (i < n && head[i] && d[i] == head[i])
        i++;
    return head[i] == '\0';
}

/* Country code and number. */
static bool global(const struct number_rules *rules, const char *d, size_t n, struct buf *room,
                   struct number *out)
{
    if (n < 7 || n > NUMBER_DIGITS_MAX || d[0] == '0')
        return false;
    if (d[0] == '1')
        return n == 11 && nanp(rules, d + 1, room, out);
    bool home =
        rules->plan == PLAN_E164 && rules->country_code[0] && begins(d, n, rules->country_code);
    out->call_type = home ? CALL_TYPE_NATIONAL : CALL_TYPE_INTERNATIONAL;
    out->dest_class = DEST_WORLD;
    for (size_t i = 0; i < sizeof GLOBAL / sizeof GLOBAL[0]; i++)
        if (begins(d, n, GLOBAL[i].code)) {
            out->call_type = GLOBAL[i].type;
            out->dest_class = GLOBAL[i].dest;
        }
    put_tn(out, room, "", d, n);
    return true;
}

/* Numbers that are complete with three digits. */
static const struct {
    const char *digits;
    enum number_plan plan;
    enum call_type type;
} SHORT_NUMBERS[] = {
    {"911", PLAN_NANP, CALL_TYPE_EMERGENCY}, /* 47 CFR 9.3 */
    {"933", PLAN_NANP, CALL_TYPE_EMERGENCY}, /* test of 911, by convention */
    {"988", PLAN_NANP, CALL_TYPE_CRISIS},    /* 47 CFR 52.200 */
    {"411", PLAN_NANP, CALL_TYPE_DIRECTORY},
    {"211", PLAN_NANP, CALL_TYPE_N11},
    {"311", PLAN_NANP, CALL_TYPE_N11},
    {"511", PLAN_NANP, CALL_TYPE_N11},
    {"611", PLAN_NANP, CALL_TYPE_N11},
    {"711", PLAN_NANP, CALL_TYPE_N11},
    {"811", PLAN_NANP, CALL_TYPE_N11},
    {"112", PLAN_E164, CALL_TYPE_EMERGENCY}, /* 3GPP TS 22.101 10.1.1 */
    {"911", PLAN_E164, CALL_TYPE_EMERGENCY},
};

static enum call_type service(enum number_plan plan, const char *d, size_t n)
{
    for (size_t i = 0; n == 3 && i < sizeof SHORT_NUMBERS / sizeof SHORT_NUMBERS[0]; i++)
        if (SHORT_NUMBERS[i].plan == plan && memcmp(SHORT_NUMBERS[i].digits, d, 3) == 0)
            return SHORT_NUMBERS[i].type;
    return CALL_TYPE_UNKNOWN;
}

/* Dial prefixes, tried in this order: the first whose rest has a length in the range. */
enum then { AGAIN, GLOBAL_NUMBER, NANP_NUMBER, LOCAL_NUMBER, HOME_NUMBER, NO_NUMBER };
static const struct dial_rule {
    const char *prefix;
    enum number_plan plan;
    enum then then;
    enum call_type type;  /* instead of the number's own; UNKNOWN = the number's */
    uint8_t prefix_bytes; /* with the digits that stand for anything behind it */
    uint8_t rest_min, rest_max;
} RULES[] = {
    {"101", PLAN_NANP, AGAIN, CALL_TYPE_UNKNOWN, 7, 0, 25}, /* 101XXXX carrier access */
    {"*67", PLAN_NANP, AGAIN, CALL_TYPE_UNKNOWN, 3, 3, 3},  /* also 911 without one's number */
    {"*82", PLAN_NANP, AGAIN, CALL_TYPE_UNKNOWN, 3, 3, 3},
    {"*", PLAN_NANP, AGAIN, CALL_TYPE_UNKNOWN, 3, 7, 25}, /* *XX and a number */
    {"*", PLAN_NANP, NO_NUMBER, CALL_TYPE_FEATURE, 1, 0, 25},
    {"11", PLAN_NANP, AGAIN, CALL_TYPE_UNKNOWN, 4, 7, 25}, /* 11XX is *XX of a pulse dial */
    {"11", PLAN_NANP, NO_NUMBER, CALL_TYPE_FEATURE, 4, 0, 0},
    {"011", PLAN_NANP, GLOBAL_NUMBER, CALL_TYPE_UNKNOWN, 3, 7, 15},
    {"01", PLAN_NANP, GLOBAL_NUMBER, CALL_TYPE_OPERATOR, 2, 7, 15},
    {"00", PLAN_NANP, NO_NUMBER, CALL_TYPE_OPERATOR, 2, 0, 0},
    {"0", PLAN_NANP, NO_NUMBER, CALL_TYPE_OPERATOR, 1, 0, 0},
    {"0", PLAN_NANP, NANP_NUMBER, CALL_TYPE_OPERATOR, 1, 10, 10},
    {"1", PLAN_NANP, NANP_NUMBER, CALL_TYPE_UNKNOWN, 1, 10, 10},
    {"", PLAN_NANP, NANP_NUMBER, CALL_TYPE_UNKNOWN, 0, 10, 10},
    {"", PLAN_NANP, LOCAL_NUMBER, CALL_TYPE_UNKNOWN, 0, 7, 7},
    {"", PLAN_NANP, NO_NUMBER, CALL_TYPE_SHORTCODE, 0, 5, 6},
    {"*", PLAN_E164, NO_NUMBER, CALL_TYPE_FEATURE, 1, 0, 25},
    {"00", PLAN_E164, GLOBAL_NUMBER, CALL_TYPE_UNKNOWN, 2, 7, 15},
    {"0", PLAN_E164, HOME_NUMBER, CALL_TYPE_UNKNOWN, 1, 6, 13}, /* ITU-T E.164 trunk prefix */
    {"", PLAN_E164, GLOBAL_NUMBER, CALL_TYPE_UNKNOWN, 0, 7, 15},
    {"", PLAN_E164, NO_NUMBER, CALL_TYPE_SHORTCODE, 0, 5, 6},
};

static const struct dial_rule *find_rule(enum number_plan plan, const char *d, size_t n)
{
    for (size_t i = 0; i < sizeof RULES / sizeof RULES[0]; i++) {
        const struct dial_rule *r = &RULES[i];
        if (r->plan == plan && n >= r->prefix_bytes && n - r->prefix_bytes >= r->rest_min &&
            n - r->prefix_bytes <= r->rest_max && begins(d, n, r->prefix))
            return r;
    }
    return NULL;
}

/* Puts what the plan leaves out in front: the area code, or the home country. */
static bool completed(const struct number_rules *rules, const char *head, const char *d, size_t n,
                      struct buf *room, struct number *out)
{
    char whole[DIALED_MAX + 4];
    size_t head_n = strnlen(head, 3);
    if (head_n == 0)
        return false;
    memcpy(whole, head, head_n);
    memcpy(whole + head_n, d, n);
    return rules->plan == PLAN_NANP ? nanp(rules, whole, room, out)
                                    : global(rules, whole, head_n + n, room, out);
}

static bool read_rest(const struct number_rules *rules, enum then then, const char *d, size_t n,
                      struct buf *room, struct number *out)
{
    switch (then) {
    case GLOBAL_NUMBER:
        return global(rules, d, n, room, out);
    case NANP_NUMBER:
        return nanp(rules, d, room, out);
    case LOCAL_NUMBER:
        return strlen(rules->area_code) == 3 && completed(rules, rules->area_code, d, n, room, out);
    case HOME_NUMBER:
        return completed(rules, rules->country_code, d, n, room, out);
    case NO_NUMBER:
        return true;
    case AGAIN:
        break;
    }
    return false;
}

static void by_plan(const struct number_rules *rules, const char *d, size_t n, struct buf *room,
                    struct number *out)
{
    const struct dial_rule *r = NULL;
    for (;;) { /* each round is shorter */
        out->call_type = service(rules->plan, d, n);
        if (out->call_type != CALL_TYPE_UNKNOWN)
            return;
        if (n > 0 && d[0] >= '1' && n <= rules->extension_digits_max) {
            out->call_type = CALL_TYPE_INTERNAL;
            return;
        }
        r = find_rule(rules->plan, d, n);
        if (!r)
            return;
        d += r->prefix_bytes;
        n -= r->prefix_bytes;
        if (r->then != AGAIN)
            break;
    }
    if (read_rest(rules, r->then, d, n, room, out) && r->type != CALL_TYPE_UNKNOWN)
        out->call_type = r->type;
}

void number_read(const struct number_rules *rules, struct span raw, struct buf *room,
                 struct number *out)
{
    static const char SOS[] = "urn:service:sos"; /* RFC 5031: and its sub-services */
    struct dialed n;
    *out = (struct number){.tn = raw};
    if (span_ieq(span_sub(raw, 0, sizeof SOS - 1), span_str(SOS)))
        out->call_type = CALL_TYPE_EMERGENCY;
    else if (!read_dialed(raw, &n))
        return;
    else if (n.plus)
        (void)global(rules, n.d, n.n, room, out);
    else
        by_plan(rules, n.d, n.n, room, out);
}
