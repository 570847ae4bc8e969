#include "ingest/cpnid/knob.h"

#include <arpa/inet.h>
#include <stdlib.h>

#include "proto/core/check.h"
#include "proto/usage/usage.h"

static const struct knob CONFIG_ROWS[] = {
#define KNOB(name, kind, min, max, preset, help)                                                   \
    {#name, KNOB_##kind, min, max, preset, help, offsetof(struct config, name)},
#include "ingest/cpnid/knobs.def"
};
static const struct knob FEED_ROWS[] = {
#define FEED_KNOB(name, kind, min, max, preset, help)                                              \
    {#name, KNOB_##kind, min, max, preset, help, offsetof(struct config_feed, name)},
#include "ingest/cpnid/knobs.def"
};
enum {
    CONFIG_ROWS_COUNT = sizeof CONFIG_ROWS / sizeof CONFIG_ROWS[0],
    FEED_ROWS_COUNT = sizeof FEED_ROWS / sizeof FEED_ROWS[0]
};
_Static_assert(CONFIG_ROWS_COUNT <= 64 && FEED_ROWS_COUNT <= 64, "a set of rows is a bit mask");
const struct knob_table CONFIG_KNOBS = {CONFIG_ROWS, CONFIG_ROWS_COUNT};
const struct knob_table FEED_KNOBS = {FEED_ROWS, FEED_ROWS_COUNT};

size_t knob_find(struct knob_table t, struct span name)
{
    size_t i = 0;
    while (i < t.count && !span_is(name, t.row[i].name))
        i++;
    return i;
}

/* --- values --- */
static enum err in_bounds(const struct knob *k, uint64_t n)
{
    return n < k->min || n > k->max ? ERR_LIMIT : OK;
}

static enum err set_number(const struct knob *k, struct span text, void *member)
{
    uint64_t n;
    enum err e = span_u64(text, k->max, &n);
    if (e == OK)
        e = in_bounds(k, n);
    if (e == OK)
        memcpy(member, &n, sizeof n);
    return e;
}

static enum err set_bytes(const struct knob *k, struct span text, void *member)
{
    static const char UNITS[] = "KMG";
    const char *unit = text.n ? strchr(UNITS, text.p[text.n - 1]) : NULL;
    unsigned shift = 0;
    if (unit && *unit) {
        shift = 10 * (unsigned)(unit - UNITS + 1);
        text.n--;
    }
    uint64_t n;
    enum err e = span_u64(text, UINT64_MAX >> shift, &n);
    if (e == OK)
        e = in_bounds(k, n << shift);
    if (e == OK) {
        n <<= shift;
        memcpy(member, &n, sizeof n);
    }
    return e;
}

static enum err set_bool(const struct knob *k, struct span text, void *member)
{
    bool yes = span_is(text, "true");
    (void)k;
    if (!yes && !span_is(text, "false"))
        return ERR_SYNTAX;
    memcpy(member, &yes, sizeof yes);
    return OK;
}

/* Texts end up in log lines, paths and C strings: no control bytes. */
static enum err set_string(const struct knob *k, struct span text, char *member)
{
    for (size_t i = 0; i < text.n; i++)
        if (text.p[i] < ' ' || text.p[i] == 0x7f)
            return ERR_SYNTAX;
    enum err e = in_bounds(k, text.n);
    if (e == OK) {
        memcpy(member, text.n ? (const void *)text.p : "", text.n);
        member[text.n] = '\0';
    }
    return e;
}

static enum err set_text(const struct knob *k, struct span text, void *member)
{
    CHECK(k->max < CONFIG_TEXT_BYTES);
    return set_string(k, text, member);
}

static enum err set_path(const struct knob *k, struct span text, void *member)
{
    CHECK(k->max < CONFIG_PATH_BYTES);
    return set_string(k, text, member);
}

static enum err set_digits(const struct knob *k, struct span text, void *member)
{
    for (size_t i = 0; i < text.n; i++)
        if (!byte_is_digit(text.p[i]))
            return ERR_SYNTAX;
    return set_text(k, text, member);
}

static enum err set_address(const struct knob *k, struct span text, void *member)
{
    struct config_address a = {0};
    enum err e = in_bounds(k, text.n);
    if (e == OK && text.n)
        e = config_address_parse(text, &a);
    if (e == OK)
        memcpy(member, &a, sizeof a);
    return e;
}

/* Windows must fit a day, and a day must be whole windows (proto/usage/usage.h). */
static enum err set_period(const struct knob *k, struct span text, void *member)
{
    return span_is(text, "3600") || span_is(text, "86400") ? set_number(k, text, member)
                                                           : ERR_SYNTAX;
}

static enum err set_increments(const struct knob *k, struct span text, void *member)
{
    struct usage_rules ignored;
    enum err e = usage_increments_parse(text, &ignored, NULL);
    return e == OK ? set_text(k, text, member) : e;
}

static enum err set_feed_kind(const struct knob *k, struct span text, void *member)
{
    static const char *const NAMES[FEED_KIND_COUNT] = {
#define FEED_NAME(code, name) [FEED_##code] = name,
        FEED_KINDS(FEED_NAME)
#undef FEED_NAME
    };
    (void)k;
    for (unsigned i = FEED_UNKNOWN; i < FEED_KIND_COUNT; i++) {
        enum feed_kind kind = i;
        if (!span_eq(text, span_str(NAMES[i])))
            continue;
        memcpy(member, &kind, sizeof kind);
        return OK;
    }
    return ERR_SYNTAX;
}

static enum err set_number_plan(const struct knob *k, struct span text, void *member)
{
    (void)k;
    if (!span_is(text, "nanp") && !span_is(text, "e164") && !span_is(text, "raw"))
        return ERR_SYNTAX;
    memcpy(member, text.p, text.n);
    ((char *)member)[text.n] = '\0';
    return OK;
}

enum bounds { BOUNDS_NONE, BOUNDS_OF_NUMBER, BOUNDS_OF_LENGTH };
static const struct {
    const char *form;
    enum bounds bounds;
    enum err (*set)(const struct knob *k, struct span text, void *member);
} KINDS[KNOB_KIND_COUNT] = {
    [KNOB_COUNT] = {"a number", BOUNDS_OF_NUMBER, set_number},
    [KNOB_MS] = {"milliseconds", BOUNDS_OF_NUMBER, set_number},
    [KNOB_S] = {"seconds", BOUNDS_OF_NUMBER, set_number},
    [KNOB_BYTES] = {"bytes, or with K, M, G for powers of 1024", BOUNDS_OF_NUMBER, set_bytes},
    [KNOB_BOOL] = {"true or false", BOUNDS_NONE, set_bool},
    [KNOB_TEXT] = {"text", BOUNDS_OF_LENGTH, set_text},
    [KNOB_DIGITS] = {"digits", BOUNDS_OF_LENGTH, set_digits},
    [KNOB_PATH] = {"a path", BOUNDS_OF_LENGTH, set_path},
    [KNOB_ADDRESS] = {"numeric address and port like 127.0.0.1:9060 or [::1]:9060", BOUNDS_NONE,
                      set_address},
    [KNOB_PERIOD] = {"seconds, 3600 or 86400", BOUNDS_NONE, set_period},
    [KNOB_INCREMENTS] = {"up to 8 different first/then in seconds, like 1/1,30/6", BOUNDS_NONE,
                         set_increments},
    [KNOB_FEED_KIND] = {"hep, asterisk_csv, freeswitch_json or mapped", BOUNDS_NONE, set_feed_kind},
    [KNOB_NUMBER_PLAN] = {"nanp, e164 or raw", BOUNDS_NONE, set_number_plan},
};

enum err knob_set(const struct knob *k, struct span text, void *object)
{
    return KINDS[k->kind].set(k, text, (uint8_t *)object + k->offset);
}

void knobs_default(struct knob_table t, void *object)
{
    for (size_t i = 0; i < t.count; i++) {
        /* A setting without default must be given: it stays zero until config_parse() looks. */
        enum err e = knob_set(&t.row[i], span_str(t.row[i].preset), object);
        CHECK(e == OK || t.row[i].preset[0] == '\0');
    }
}

void knob_wants(const struct knob *k, struct buf *out)
{
    buf_str(out, KINDS[k->kind].form);
    if (k->kind == KNOB_ADDRESS && k->min == 0)
        buf_str(out, ", or empty");
    if (KINDS[k->kind].bounds == BOUNDS_NONE)
        return;
    buf_str(out, ", ");
    buf_dec(out, k->min);
    buf_str(out, " to ");
    buf_dec(out, k->max);
    if (KINDS[k->kind].bounds == BOUNDS_OF_LENGTH)
        buf_str(out, " bytes");
}

/* --- addresses --- */
static enum err split_host(struct span text, struct span *host, struct span *port, int *family)
{
    bool v6 = text.n && text.p[0] == '[';
    size_t end = span_find(text, v6 ? ']' : ':');
    *host = v6 ? span_sub(text, 1, end - 1) : span_sub(text, 0, end);
    *port = span_from(text, v6 ? end + 1 : end);
    *family = v6 ? AF_INET6 : AF_INET;
    if (port->n < 2 || port->p[0] != ':')
        return ERR_SYNTAX;
    *port = span_from(*port, 1);
    return OK;
}

enum err config_address_parse(struct span text, struct config_address *out)
{
    struct config_address a = {0};
    struct span host, port;
    int family;
    uint64_t number;
    struct in6_addr ignored;
    enum err e = split_host(text, &host, &port, &family);
    if (e == OK)
        e = host.n < sizeof a.host ? span_u64(port, UINT16_MAX, &number) : ERR_SYNTAX;
    if (e != OK || number == 0)
        return ERR_SYNTAX;
    memcpy(a.host, host.p, host.n);
    if (strlen(a.host) != host.n || inet_pton(family, a.host, &ignored) != 1)
        return ERR_SYNTAX;
    a.port = (uint16_t)number;
    *out = a;
    return OK;
}

void config_address_text(const struct config_address *a, char out[static CONFIG_ADDRESS_TEXT_BYTES])
{
    bool v6 = strchr(a->host, ':') != NULL;
    if (a->host[0])
        snprintf(out, CONFIG_ADDRESS_TEXT_BYTES, v6 ? "[%s]:%u" : "%s:%u", a->host, a->port);
    else
        out[0] = '\0';
}
