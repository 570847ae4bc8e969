/* Proves what one call adds to its window, that sums do not depend on their order (property), that
 * what was added can be taken back, that keys and totals survive their encoding and sort by account
 * and time, and that nothing is billed by guess. */
#include "proto/usage/usage.h"

#include <criterion/criterion.h>
#include <stdlib.h>

#include "proto/core/instant.h"
#include "tests/lib/random_record.h"

static const struct usage_rules RULES = {
    .period_s = 3600, .increments_count = 4, .increment = {{1, 1}, {6, 6}, {30, 6}, {60, 60}}};

/* 2026-11-21T08:59:59.999999Z */
enum { HOUR_S = 3600 };
static const int64_t START = INT64_C(1795251600) * US_PER_S - 1;

static struct call answered(uint32_t bill_ms)
{
    return (struct call){.account = 7,
                         .t_start = START,
                         .t_answer = START + US_PER_S,
                         .t_end = START + US_PER_S + (int64_t)bill_ms * 1000,
                         .answered = 1,
                         .disposition = DISPOSITION_ANSWERED,
                         .dur_bill_ms = bill_ms,
                         .rec_type = REC_FINAL,
                         .svc_type = SERVICE_VOICE,
                         .direction = DIRECTION_ORIGINATING,
                         .call_type = CALL_TYPE_NATIONAL,
                         .juris = JURIS_INTERSTATE,
                         .rate_band = RATE_FLAT};
}

Test(usage, an_answered_call)
{
    struct call c = answered(31001);
    struct usage_key k;
    struct usage_totals t;
    c.forwarded = 1;
    cr_assert_eq(usage_delta(&RULES, &c, &k, &t), OK);
    cr_expect_eq(k.account, 7);
    cr_expect_eq(k.period_s, HOUR_S);
    cr_expect_eq(k.period_start_s, 1795251600 - HOUR_S);
    cr_expect_eq(k.service, SERVICE_VOICE);
    cr_expect_eq(k.direction, DIRECTION_ORIGINATING);
    cr_expect_eq(k.call_type, CALL_TYPE_NATIONAL);
    cr_expect_eq(k.juris, JURIS_INTERSTATE);
    cr_expect_eq(k.rate_band, RATE_FLAT);
    cr_expect_eq(t.attempts, 1);
    cr_expect_eq(t.answered, 1);
    cr_expect_eq(t.forwarded, 1);
    cr_expect_eq(t.incomplete, 0);
    cr_expect_eq(t.duration_ms, 31001);
    cr_expect_eq(t.billed_s[0], 32);
    cr_expect_eq(t.billed_s[1], 36);
    cr_expect_eq(t.billed_s[2], 36);
    cr_expect_eq(t.billed_s[3], 60);
    cr_expect_eq(t.billed_s[4], 0);
    for (size_t i = 0; i < DISPOSITION_COUNT; i++)
        cr_expect_eq(t.failed[i], 0);
}

Test(usage, no_total_tells_of_a_crisis_line_and_emergencies_are_free)
{
    static const struct {
        enum call_type type, shown;
        bool free;
    } ROWS[] = {{CALL_TYPE_CRISIS, CALL_TYPE_NATIONAL, true},
                {CALL_TYPE_N11, CALL_TYPE_NATIONAL, false},
                {CALL_TYPE_EMERGENCY, CALL_TYPE_EMERGENCY, true},
                {CALL_TYPE_DIRECTORY, CALL_TYPE_DIRECTORY, false}};
    for (size_t i = 0; i < sizeof ROWS / sizeof ROWS[0]; i++) {
        struct call c = answered(31001);
        struct usage_key k;
        struct usage_totals t;
        c.call_type = (uint8_t)ROWS[i].type;
        c.juris = JURIS_UNKNOWN;
        cr_assert_eq(usage_delta(&RULES, &c, &k, &t), OK);
        cr_expect_eq(k.call_type, ROWS[i].shown, "row %zu", i);
        cr_expect_eq(k.juris == JURIS_INTRASTATE, ROWS[i].type != ROWS[i].shown, "row %zu", i);
        cr_expect_eq(t.answered, 1);
        cr_expect_eq(t.duration_ms, 31001);
        cr_expect_eq(t.billed_s[0], ROWS[i].free ? 0 : 32, "row %zu", i);
    }
}

Test(usage, rounding_is_of_each_call)
{
    static const struct {
        struct increment i;
        uint64_t ms, s;
    } ROW[] = {
        {{1, 1}, 0, 0},
        {{1, 1}, 1, 1},
        {{1, 1}, 999, 1},
        {{1, 1}, 1000, 1},
        {{1, 1}, 1001, 2},
        {{6, 6}, 1, 6},
        {{6, 6}, 6000, 6},
        {{6, 6}, 6001, 12},
        {{30, 6}, 1, 30},
        {{30, 6}, 30000, 30},
        {{30, 6}, 30001, 36},
        {{30, 6}, 36000, 36},
        {{30, 6}, 36001, 42},
        {{60, 60}, 1, 60},
        {{60, 60}, 60001, 120},
        {{60, 1}, 61500, 62},
        {{3600, 3600}, UINT32_MAX, 4298400},
    };
    for (size_t i = 0; i < sizeof ROW / sizeof ROW[0]; i++)
        cr_expect_eq(increment_bill_s(ROW[i].i, ROW[i].ms), ROW[i].s, "%u/%u of %lu ms",
                     ROW[i].i.first_s, ROW[i].i.then_s, (unsigned long)ROW[i].ms);
}

/* Never less than the call, never a step more, and never less for a longer call. */
Test(usage, rounding_property)
{
    struct seed s = {1};
    for (int round = 0; round < 20000; round++) {
        struct increment i = {(uint16_t)(1 + seed_below(&s, 120)),
                              (uint16_t)(1 + seed_below(&s, 90))};
        uint64_t ms = 1 + seed_below(&s, 4000000);
        uint64_t billed_ms = increment_bill_s(i, ms) * 1000;
        cr_assert_geq(billed_ms, ms);
        cr_assert(billed_ms < ms + i.then_s * 1000u || billed_ms == i.first_s * 1000u);
        cr_assert_leq(billed_ms, increment_bill_s(i, ms + 1) * 1000);
    }
}

/* An instant is missing or wrong: counted, never billed. */
Test(usage, incomplete_calls_are_never_billed)
{
    struct call flagged = answered(5000), typed = answered(5000), suspect = answered(0);
    struct call *const CALL[] = {&flagged, &typed, &suspect};
    flagged.flags = CALL_INCOMPLETE;
    typed.rec_type = REC_INCOMPLETE;
    suspect.flags = CALL_CLOCK_SUSPECT;
    for (size_t i = 0; i < sizeof CALL / sizeof CALL[0]; i++) {
        struct usage_key k;
        struct usage_totals t;
        cr_assert_eq(usage_delta(&RULES, CALL[i], &k, &t), OK);
        cr_expect_eq(t.attempts, 1);
        cr_expect_eq(t.answered, 1);
        cr_expect_eq(t.incomplete, 1);
        cr_expect_eq(t.duration_ms, 0);
        for (size_t n = 0; n < USAGE_INCREMENTS_MAX; n++)
            cr_expect_eq(t.billed_s[n], 0);
    }
}

Test(usage, failed_calls_count_by_outcome)
{
    for (unsigned d = 0; d < DISPOSITION_COUNT + 3u; d++) {
        struct call c = {.t_start = START, .disposition = (uint8_t)d, .dur_bill_ms = 4000};
        struct usage_key k;
        struct usage_totals t;
        cr_assert_eq(usage_delta(&RULES, &c, &k, &t), OK);
        cr_expect_eq(t.attempts, 1);
        cr_expect_eq(t.answered, 0);
        cr_expect_eq(t.duration_ms, 0);
        cr_expect_eq(t.billed_s[0], 0);
        cr_expect_eq(t.failed[d < DISPOSITION_COUNT ? d : DISPOSITION_UNKNOWN], 1, "%u", d);
    }
}

Test(usage, the_deciding_instant)
{
    static const struct {
        int64_t start, answer, end, receive;
        enum err expected;
        int64_t period_start_s;
    } ROW[] = {
        {HOUR_S * 1000000ll, 0, 9 * HOUR_S * 1000000ll, 0, OK, HOUR_S},
        {2 * HOUR_S * 1000000ll - 1, 2 * HOUR_S * 1000000ll, 0, 0, OK, HOUR_S},
        {0, 2 * HOUR_S * 1000000ll, 0, 0, OK, 2 * HOUR_S},
        {0, 0, 3 * HOUR_S * 1000000ll, 0, OK, 3 * HOUR_S},
        {0, 0, 0, 4 * HOUR_S * 1000000ll + 5, OK, 4 * HOUR_S},
        {1, 0, 0, 0, OK, 0},
        {0, 0, 0, 0, ERR_NOTFOUND, 0},
        {-1, 0, 0, 0, ERR_NOTFOUND, 0},
    };
    for (size_t i = 0; i < sizeof ROW / sizeof ROW[0]; i++) {
        struct call c = {.t_start = ROW[i].start,
                         .t_answer = ROW[i].answer,
                         .t_end = ROW[i].end,
                         .t_receive = ROW[i].receive};
        struct usage_key k = {.period_start_s = 0};
        struct usage_totals t;
        cr_expect_eq(usage_delta(&RULES, &c, &k, &t), ROW[i].expected, "row %zu", i);
        cr_expect_eq(k.period_start_s, ROW[i].period_start_s, "row %zu", i);
    }
}

static struct usage_totals any_totals(struct seed *s)
{
    struct usage_totals t = {.attempts = seed_below(s, 1000), .duration_ms = seed_next(s) >> 20};
    t.answered = seed_below(s, 3) ? seed_next(s) >> 30 : 0;
    t.incomplete = seed_below(s, 2);
    t.forwarded = seed_below(s, 5);
    for (size_t i = 0; i < USAGE_INCREMENTS_MAX; i++)
        t.billed_s[i] = seed_below(s, 2) ? seed_next(s) >> seed_below(s, 60) >> 2 : 0;
    for (size_t i = 0; i < DISPOSITION_COUNT; i++)
        t.failed[i] = seed_below(s, 4);
    return t;
}

static bool same(const struct usage_totals *a, const struct usage_totals *b)
{
    return memcmp(a, b, sizeof *a) == 0;
}

/* I3: totals do not depend on the order in which records arrive or segments are folded. */
Test(usage, sums_are_commutative_and_associative)
{
    struct seed s = {2};
    for (int round = 0; round < 2000; round++) {
        struct usage_totals a = any_totals(&s), b = any_totals(&s), c = any_totals(&s);
        struct usage_totals ab = a, ba = b, left, right = a, bc = b;
        usage_add(&ab, &b);
        usage_add(&ba, &a);
        cr_assert(same(&ab, &ba));
        left = ab;
        usage_add(&left, &c);
        usage_add(&bc, &c);
        usage_add(&right, &bc);
        cr_assert(same(&left, &right));
        cr_assert_eq(usage_sub(&left, &c), OK);
        cr_assert(same(&left, &ab));
        cr_assert_eq(usage_sub(&left, &b), OK);
        cr_assert_eq(usage_sub(&left, &a), OK);
        cr_assert(usage_is_zero(&left));
    }
}

Test(usage, what_was_not_added_cannot_be_taken_back)
{
    struct usage_totals t = {.attempts = 2, .answered = 1}, before = t;
    struct usage_totals delta = {.attempts = 1, .duration_ms = 1};
    cr_expect_eq(usage_sub(&t, &delta), ERR_CONFLICT);
    cr_expect(same(&t, &before));
    cr_expect_not(usage_is_zero(&t));
}

Test(usage, increments_come_back_as_text)
{
    struct usage_rules r = {.period_s = 3600};
    uint8_t bytes[64];
    struct buf b = buf_of(bytes, sizeof bytes);
    cr_assert_eq(usage_increments_parse(span_str("1/1,6/6, 30/6,60/60"), &r, NULL), OK);
    cr_assert_eq(r.increments_count, 4);
    for (size_t i = 0; i < r.increments_count; i++)
        increment_text(r.increment[i], &b);
    cr_expect(span_is(buf_span(&b), "1/16/630/660/60"));
}

Test(usage, wrong_increments)
{
    static const struct {
        const char *text;
        enum err expected;
        size_t at;
    } ROW[] = {
        {"", ERR_SYNTAX, 0},
        {"6", ERR_SYNTAX, 0},
        {"6/", ERR_SYNTAX, 0},
        {"/6", ERR_SYNTAX, 0},
        {"0/6", ERR_SYNTAX, 0},
        {"6/0", ERR_SYNTAX, 0},
        {"3601/1", ERR_SYNTAX, 0},
        {"-6/6", ERR_SYNTAX, 0},
        {"6/6,", ERR_SYNTAX, 4},
        {"6/6,,1/1", ERR_SYNTAX, 4},
        {"6/6/6", ERR_SYNTAX, 0},
        {"6/6,1/1,6/6", ERR_CONFLICT, 8},
        {"1/1,1/2,1/3,1/4,1/5,1/6,1/7,1/8", OK, 0},
        {"1/1,1/2,1/3,1/4,1/5,1/6,1/7,1/8,1/9", ERR_LIMIT, 32},
    };
    for (size_t i = 0; i < sizeof ROW / sizeof ROW[0]; i++) {
        struct usage_rules r = {.period_s = 1};
        struct diag d = {0};
        cr_expect_eq(usage_increments_parse(span_str(ROW[i].text), &r, &d), ROW[i].expected, "%s",
                     ROW[i].text);
        cr_expect_eq(d.at, ROW[i].at, "%s at %zu", ROW[i].text, d.at);
        if (ROW[i].expected != OK)
            cr_expect_eq(r.increments_count, 0);
    }
}

Test(usage, keys_come_back_and_sort_by_account_and_time)
{
    struct seed s = {3};
    uint8_t a[USAGE_KEY_BYTES], b[USAGE_KEY_BYTES];
    struct usage_key last = {.account = 0, .period_s = 3600};
    for (int round = 0; round < 2000; round++) {
        struct usage_key k = {.account = (uint32_t)seed_below(&s, 3),
                              .period_s = 3600,
                              .period_start_s = (int64_t)seed_below(&s, 1000) * 3600,
                              .service = (uint8_t)seed_next(&s),
                              .direction = (uint8_t)seed_next(&s),
                              .call_type = (uint8_t)seed_next(&s),
                              .juris = (uint8_t)seed_next(&s),
                              .rate_band = (uint8_t)seed_next(&s)};
        struct usage_key got;
        usage_key_encode(&k, a);
        cr_assert_eq(usage_key_decode(span_of(a, sizeof a), &got, NULL), OK);
        usage_key_encode(&got, b);
        cr_assert_eq(memcmp(a, b, sizeof a), 0);
        cr_assert(got.account == k.account && got.period_start_s == k.period_start_s &&
                  got.juris == k.juris && got.rate_band == k.rate_band);
        usage_key_encode(&last, b);
        if (k.account != last.account)
            cr_assert_eq(memcmp(a, b, sizeof a) < 0, k.account < last.account);
        else if (k.period_start_s != last.period_start_s)
            cr_assert_eq(memcmp(a, b, sizeof a) < 0, k.period_start_s < last.period_start_s);
        last = k;
    }
}

Test(usage, keys_that_nobody_writes)
{
    uint8_t a[USAGE_KEY_BYTES + 1] = {0};
    struct usage_key k = {.account = 1, .period_s = 3600, .period_start_s = 7200}, got;
    usage_key_encode(&k, a);
    cr_expect_eq(usage_key_decode(span_of(a, USAGE_KEY_BYTES), &got, NULL), OK);
    for (size_t n = 0; n < USAGE_KEY_BYTES; n++)
        cr_expect_eq(usage_key_decode(span_of(a, n), &got, NULL), ERR_SYNTAX);
    cr_expect_eq(usage_key_decode(span_of(a, sizeof a), &got, NULL), ERR_SYNTAX);
    a[12]++; /* no multiple of the period */
    cr_expect_eq(usage_key_decode(span_of(a, USAGE_KEY_BYTES), &got, NULL), ERR_SYNTAX);
    a[5] = 0x80; /* before 1970 */
    cr_expect_eq(usage_key_decode(span_of(a, USAGE_KEY_BYTES), &got, NULL), ERR_SYNTAX);
    a[0] = 2;
    cr_expect_eq(usage_key_decode(span_of(a, USAGE_KEY_BYTES), &got, NULL), ERR_VERSION);
}

Test(usage, totals_come_back_and_no_prefix_does)
{
    struct seed s = {4};
    uint8_t bytes[USAGE_TOTALS_BYTES_MAX];
    for (int round = 0; round < 500; round++) {
        struct usage_totals t = any_totals(&s), got;
        struct buf b = buf_of(bytes, sizeof bytes);
        usage_totals_encode(&t, &b);
        cr_assert(buf_ok(&b));
        cr_assert_eq(usage_totals_decode(buf_span(&b), &got, NULL), OK);
        cr_assert(same(&t, &got));
        for (size_t n = 0; n < b.n; n++) {
            uint8_t *exact = malloc(n ? n : 1);
            memcpy(exact, bytes, n);
            struct diag d = {0};
            cr_assert_eq(usage_totals_decode(span_of(exact, n), &got, &d), ERR_SYNTAX, "%zu", n);
            cr_assert_leq(d.at, n);
            free(exact);
        }
    }
}

Test(usage, the_largest_totals_fit)
{
    uint8_t bytes[USAGE_TOTALS_BYTES_MAX];
    struct usage_totals t;
    struct buf b = buf_of(bytes, sizeof bytes);
    memset(&t, 0xff, sizeof t);
    usage_totals_encode(&t, &b);
    cr_expect(buf_ok(&b));
    cr_expect_eq(b.n, sizeof bytes);
}

Test(usage, totals_that_nobody_writes)
{
    static const struct {
        const char *name;
        uint8_t bytes[8];
        size_t n;
        enum err expected;
    } ROW[] = {
        {"nothing at all is zero", {1, 0}, 2, OK},
        {"another format", {2, 0}, 2, ERR_VERSION},
        {"a byte behind", {1, 0, 0}, 3, ERR_SYNTAX},
        {"a zero that is written", {1, 1, 0}, 3, ERR_SYNTAX},
        {"a member nobody knows", {1, 0x80, 0x80, 0x80, 0x40, 1}, 6, ERR_SYNTAX},
    };
    for (size_t i = 0; i < sizeof ROW / sizeof ROW[0]; i++) {
        struct usage_totals t;
        cr_expect_eq(usage_totals_decode(span_of(ROW[i].bytes, ROW[i].n), &t, NULL),
                     ROW[i].expected, "%s", ROW[i].name);
    }
}
