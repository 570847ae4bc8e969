#include "proto/usage/usage.h"

#include "proto/core/instant.h"

enum { USAGE_FORMAT = 1, TOTALS_COUNT = 5 + USAGE_INCREMENTS_MAX + DISPOSITION_COUNT };
_Static_assert(sizeof(struct usage_totals) == TOTALS_COUNT * sizeof(uint64_t),
               "all members are sums of one type, taken as an array below");
_Static_assert(TOTALS_COUNT <= 28, "the bits of the members fit four bytes of a varint");

/* The totals as what they are: an array of sums. */
static uint64_t *sums(struct usage_totals *t)
{
    return (uint64_t *)(void *)t;
}

static const uint64_t *sums_of(const struct usage_totals *t)
{
    return (const uint64_t *)(const void *)t;
}

static bool increment_parse(struct span text, struct increment *out)
{
    uint64_t first, then;
    struct span head = span_trim(span_cut(&text, '/'));
    if (span_u64(head, USAGE_INCREMENT_S_MAX, &first) != OK ||
        span_u64(span_trim(text), USAGE_INCREMENT_S_MAX, &then) != OK || first == 0 || then == 0)
        return false;
    *out = (struct increment){(uint16_t)first, (uint16_t)then};
    return true;
}

enum err usage_increments_parse(struct span text, struct usage_rules *out, struct diag *d)
{
    struct increment list[USAGE_INCREMENTS_MAX];
    size_t count = 0;
    struct span rest = text;
    for (bool more = true; more;) {
        size_t at = text.n - rest.n;
        more = span_find(rest, ',') < rest.n;
        struct increment i;
        if (!increment_parse(span_cut(&rest, ','), &i))
            return diag_set(d, ERR_SYNTAX, "billing increment, as 30/6", at);
        for (size_t k = 0; k < count; k++)
            if (list[k].first_s == i.first_s && list[k].then_s == i.then_s)
                return diag_set(d, ERR_CONFLICT, "billing increment given twice", at);
        if (count == USAGE_INCREMENTS_MAX)
            return diag_set(d, ERR_LIMIT, "more billing increments than a total holds", at);
        list[count++] = i;
    }
    memcpy(out->increment, list, count * sizeof list[0]);
    out->increments_count = (uint8_t)count;
    return OK;
}

void increment_text(struct increment i, struct buf *b)
{
    buf_dec(b, i.first_s);
    buf_u8(b, '/');
    buf_dec(b, i.then_s);
}

uint64_t increment_bill_s(struct increment i, uint64_t duration_ms)
{
    uint64_t first_ms = (uint64_t)i.first_s * 1000, then_ms = (uint64_t)i.then_s * 1000;
    if (duration_ms == 0)
        return 0;
    if (duration_ms <= first_ms)
        return i.first_s;
    return i.first_s + (duration_ms - first_ms + then_ms - 1) / then_ms * i.then_s;
}

static int64_t deciding_instant(const struct call *c)
{
    const int64_t INSTANT[] = {c->t_start, c->t_answer, c->t_end, c->t_receive};
    for (size_t i = 0; i < sizeof INSTANT / sizeof INSTANT[0]; i++)
        if (INSTANT[i] != 0)
            return INSTANT[i];
    return 0;
}

/* A total of one account must not say that somebody there called a crisis line, or another
 * service of the N11 kind: those are shown network-wide only, to nobody by account. They are
 * local calls, and counted as such among the others. */
static bool hidden(const struct call *c)
{
    return c->call_type == CALL_TYPE_CRISIS || c->call_type == CALL_TYPE_N11;
}

/* Emergency calls are counted and cost nothing; so do calls to the crisis line. */
static bool zero_rated(const struct call *c)
{
    return c->call_type == CALL_TYPE_EMERGENCY || c->call_type == CALL_TYPE_CRISIS;
}

static struct usage_key key_of(const struct usage_rules *rules, const struct call *c, int64_t us)
{
    int64_t s = us / US_PER_S;
    return (struct usage_key){.account = c->account,
                              .period_s = rules->period_s,
                              .period_start_s = s - s % rules->period_s,
                              .service = c->svc_type,
                              .direction = c->direction,
                              .call_type = hidden(c) ? CALL_TYPE_NATIONAL : c->call_type,
                              .juris = hidden(c) ? JURIS_INTRASTATE : c->juris,
                              .rate_band = c->rate_band};
}

/* Outcome of a call without an answer; one that a later version names counts as unknown. */
static size_t failure_of(const struct call *c)
{
    return c->disposition < DISPOSITION_COUNT ? c->disposition : DISPOSITION_UNKNOWN;
}

enum err usage_delta(const struct usage_rules *rules, const struct call *c,
                     struct usage_key *out_key, struct usage_totals *out_totals)
{
    int64_t us = deciding_instant(c);
    if (us <= 0)
        return ERR_NOTFOUND;
    struct usage_totals t = {.attempts = 1, .forwarded = c->forwarded != 0};
    bool no_time = c->answered && c->dur_bill_ms == 0 && (c->flags & CALL_CLOCK_SUSPECT);
    bool incomplete = c->rec_type == REC_INCOMPLETE || (c->flags & CALL_INCOMPLETE) || no_time;
    t.answered = c->answered != 0;
    t.incomplete = incomplete;
    if (!c->answered && !incomplete)
        t.failed[failure_of(c)] = 1;
    if (c->answered && !incomplete) {
        t.duration_ms = c->dur_bill_ms;
        for (size_t i = 0; i < rules->increments_count && !zero_rated(c); i++)
            t.billed_s[i] = increment_bill_s(rules->increment[i], c->dur_bill_ms);
    }
    *out_key = key_of(rules, c, us);
    *out_totals = t;
    return OK;
}

void usage_add(struct usage_totals *into, const struct usage_totals *delta)
{
    for (size_t i = 0; i < TOTALS_COUNT; i++)
        sums(into)[i] += sums_of(delta)[i];
}

enum err usage_sub(struct usage_totals *from, const struct usage_totals *delta)
{
    for (size_t i = 0; i < TOTALS_COUNT; i++)
        if (sums_of(delta)[i] > sums_of(from)[i])
            return ERR_CONFLICT;
    for (size_t i = 0; i < TOTALS_COUNT; i++)
        sums(from)[i] -= sums_of(delta)[i];
    return OK;
}

bool usage_is_zero(const struct usage_totals *t)
{
    static const struct usage_totals ZERO;
    return memcmp(t, &ZERO, sizeof ZERO) == 0;
}

/* The instants are after 1970, so that the unsigned form sorts as the signed one. */
void usage_key_encode(const struct usage_key *k, uint8_t out[static USAGE_KEY_BYTES])
{
    struct buf b = buf_of(out, USAGE_KEY_BYTES);
    buf_u8(&b, USAGE_FORMAT);
    buf_be32(&b, k->account);
    buf_be64(&b, (uint64_t)k->period_start_s);
    buf_be32(&b, k->period_s);
    const uint8_t ENUMS[] = {k->service, k->direction, k->call_type, k->juris, k->rate_band};
    buf_bytes(&b, ENUMS, sizeof ENUMS);
}

enum err usage_key_decode(struct span in, struct usage_key *out, struct diag *d)
{
    if (in.n != USAGE_KEY_BYTES)
        return diag_set(d, ERR_SYNTAX, "usage key length", in.n);
    struct reader r = reader_of(in);
    if (reader_u8(&r) != USAGE_FORMAT)
        return diag_set(d, ERR_VERSION, "usage key format", 0);
    struct usage_key k = {.account = reader_be32(&r)};
    k.period_start_s = (int64_t)reader_be64(&r);
    k.period_s = reader_be32(&r);
    uint8_t *const ENUM[] = {&k.service, &k.direction, &k.call_type, &k.juris, &k.rate_band};
    for (size_t i = 0; i < sizeof ENUM / sizeof ENUM[0]; i++)
        *ENUM[i] = reader_u8(&r);
    if (k.period_start_s < 0 || k.period_s == 0 || k.period_start_s % k.period_s != 0)
        return diag_set(d, ERR_SYNTAX, "usage key period", 5);
    *out = k;
    return OK;
}

void usage_totals_encode(const struct usage_totals *t, struct buf *b)
{
    uint64_t present = 0;
    for (size_t i = 0; i < TOTALS_COUNT; i++)
        present |= (uint64_t)(sums_of(t)[i] != 0) << i;
    buf_u8(b, USAGE_FORMAT);
    buf_varint(b, present);
    for (size_t i = 0; i < TOTALS_COUNT; i++)
        if (sums_of(t)[i])
            buf_varint(b, sums_of(t)[i]);
}

enum err usage_totals_decode(struct span in, struct usage_totals *out, struct diag *d)
{
    struct reader r = reader_of(in);
    struct usage_totals t = {0};
    if (reader_u8(&r) != USAGE_FORMAT && reader_ok(&r))
        return diag_set(d, ERR_VERSION, "usage totals format", 0);
    uint64_t present = reader_varint(&r);
    if (reader_ok(&r) && present >> TOTALS_COUNT != 0)
        return diag_set(d, ERR_SYNTAX, "usage totals members", 1);
    for (size_t i = 0; i < TOTALS_COUNT && reader_ok(&r); i++) {
        if (!(present >> i & 1))
            continue;
        size_t at = reader_at(&r);
        sums(&t)[i] = reader_varint(&r);
        if (reader_ok(&r) && sums(&t)[i] == 0)
            return diag_set(d, ERR_SYNTAX, "usage total written as 0", at);
    }
    if (!reader_ok(&r) || reader_more(&r))
        return diag_set(d, ERR_SYNTAX, "usage totals length", reader_at(&r));
    *out = t;
    return OK;
}
