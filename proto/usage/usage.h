/* usage.h - what one call adds to the totals of its account, and the sums of such additions.
 * A key has no number, address or instant finer than its period, a total is a sum: neither can
 * hold a call (I7). Keyed by account it is still CPNI (47 USC 222(h)(1)(A)). */
#ifndef CPNI_USAGE_USAGE_H
#define CPNI_USAGE_USAGE_H

#include "proto/core/buf.h"
#include "proto/core/diag.h"
#include "proto/core/reader.h"
#include "proto/record/call.h"

/* Billing increments "first/then" in seconds: 30/6 bills at least 30 and then in steps of 6. */
enum { USAGE_INCREMENTS_MAX = 8, USAGE_INCREMENT_S_MAX = 3600 };
struct increment {
    uint16_t first_s, then_s;
};

struct usage_rules {
    uint32_t period_s; /* 3600 or 86400: windows begin at multiples of it since 1970 UTC */
    uint8_t increments_count;
    struct increment increment[USAGE_INCREMENTS_MAX];
};

/* "1/1,6/6,30/6". ERR_SYNTAX: anything else, 0, or over USAGE_INCREMENT_S_MAX; ERR_LIMIT: more
 * than USAGE_INCREMENTS_MAX; ERR_CONFLICT: one given twice. Sets increment and its count. */
MUST_CHECK enum err usage_increments_parse(struct span text, struct usage_rules *out,
                                           struct diag *d);
void increment_text(struct increment i, struct buf *b); /* "30/6" */

/* Seconds to bill for a call of this length: a started increment counts in full. A call of no
 * time bills nothing. */
uint64_t increment_bill_s(struct increment i, uint64_t duration_ms);

struct usage_key {
    uint32_t account; /* ordinal of the account in the vault */
    uint32_t period_s;
    int64_t period_start_s; /* since 1970 UTC */
    uint8_t service;        /* enum svc_type */
    uint8_t direction;      /* enum direction */
    uint8_t call_type;      /* enum call_type */
    uint8_t juris;          /* enum juris */
    uint8_t rate_band;      /* enum rate_band */
};

struct usage_totals {
    uint64_t attempts, answered, incomplete, forwarded;
    uint64_t duration_ms;                    /* exact, from answer to end */
    uint64_t billed_s[USAGE_INCREMENTS_MAX]; /* in the order of usage_rules */
    uint64_t failed[DISPOSITION_COUNT];      /* calls that were not answered, by outcome */
};

/* The window of the call and what it adds there. Emergency calls and calls to the crisis line
 * bill nothing; the latter, and N11 services, appear as national: no account's total tells. The
 * instant that decides is t_start, the set-up: a call that lasts over midnight is billed whole
 * where it began, and its record is keyed alike; without it t_answer, t_end, then t_receive. An
 * incomplete call (its end was not seen, or the instants contradict each other) counts as
 * incomplete and adds no time: nothing is billed by guess. ERR_NOTFOUND: the call has no instant
 * at all, or it is before 1970. */
MUST_CHECK enum err usage_delta(const struct usage_rules *rules, const struct call *c,
                                struct usage_key *out_key, struct usage_totals *out_totals);

/* Commutative and associative. */
void usage_add(struct usage_totals *into, const struct usage_totals *delta);
/* Takes back what was added, for corrections. ERR_CONFLICT: it was not; `from` is unchanged. */
MUST_CHECK enum err usage_sub(struct usage_totals *from, const struct usage_totals *delta);
bool usage_is_zero(const struct usage_totals *t);

/*   key    = [1] format = 1 | be32 account | be64 period start | be32 period | [5] enums
 * sorts by account and then by time. */
enum { USAGE_KEY_BYTES = 1 + 4 + 8 + 4 + 5 };
void usage_key_encode(const struct usage_key *k, uint8_t out[static USAGE_KEY_BYTES]);
/* ERR_SYNTAX, ERR_VERSION. */
MUST_CHECK enum err usage_key_decode(struct span in, struct usage_key *out, struct diag *d);

/*   totals = [1] format = 1 | varint bits of the members that are not 0 | varint each of them
 * member order: attempts, answered, incomplete, forwarded, duration_ms, billed_s[], failed[]. */
enum { USAGE_TOTALS_BYTES_MAX = 1 + 4 + 10 * (5 + USAGE_INCREMENTS_MAX + DISPOSITION_COUNT) };
void usage_totals_encode(const struct usage_totals *t, struct buf *b);
MUST_CHECK enum err usage_totals_decode(struct span in, struct usage_totals *out, struct diag *d);

#endif
