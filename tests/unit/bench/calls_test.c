/* Proves: a call is a function of the options and its number; its instants are in order and in
 * the unit that was asked for; outcomes, parties and rows come in the shares that are promised. */
#include "bench/calls.h"

#include <criterion/criterion.h>

#include "proto/core/instant.h"

enum { COUNT = 20000, CUSTOMERS = 200 };

static struct calls make(uint64_t seed, bool whole_seconds)
{
    struct calls c;
    struct calls_options o = {
        .seed = seed, .count = COUNT, .customers = CUSTOMERS, .whole_seconds = whole_seconds};
    cr_assert_eq(calls_init(&c, &o), OK);
    return c;
}

Test(calls, the_same_seed_makes_the_same_calls_in_any_order)
{
    struct calls a = make(1, false), b = make(1, false), other = make(2, false);
    struct bench_call x, y, z;
    unsigned differ = 0;
    for (uint64_t i = 0; i < 100; i++) {
        memset(&x, 0, sizeof x);
        memset(&y, 0, sizeof y);
        calls_make(&a, i, &x);
        calls_make(&b, 99 - i, &z);
        calls_make(&b, i, &y);
        cr_assert_eq(memcmp(&x, &y, sizeof x), 0, "call %llu", (unsigned long long)i);
        calls_make(&other, i, &z);
        differ += strcmp(x.to, z.to) != 0;
    }
    cr_expect_gt(differ, 50u);
    calls_done(&a);
    calls_done(&b);
    calls_done(&other);
}

static void check_times(const struct bench_call *c, bool whole_seconds)
{
    const int64_t unit = whole_seconds ? US_PER_S : US_PER_MS;
    cr_assert(c->start_us <= c->ring_us && c->ring_us < c->end_us);
    cr_assert_eq(c->answer_us != 0, c->outcome == OUTCOME_ANSWERED);
    if (c->answer_us) {
        cr_assert(c->ring_us < c->answer_us && c->answer_us < c->end_us);
        cr_assert_eq((c->end_us - c->answer_us) % unit, 0);
    }
    cr_assert_eq(whole_seconds && c->start_us % US_PER_S != 0, false);
}

Test(calls, instants_are_in_order)
{
    for (int whole = 0; whole < 2; whole++) {
        struct calls c = make(5, whole);
        struct bench_call call;
        for (uint64_t i = 0; i < COUNT; i++) {
            calls_make(&c, i, &call);
            check_times(&call, whole);
        }
        calls_done(&c);
    }
}

Test(calls, shares_are_as_documented)
{
    struct calls c = make(9, false);
    unsigned outcome[OUTCOME_COUNT] = {0}, on_net = 0, two_rows = 0, internal = 0;
    for (uint64_t i = 0; i < COUNT; i++) {
        struct bench_call call;
        calls_make(&c, i, &call);
        outcome[call.outcome]++;
        on_net += call.callee != CALLS_OUTSIDE;
        two_rows += call_rows(&call) == 2;
        internal += call.callee == call.caller;
        cr_assert_lt(call.caller, CUSTOMERS);
    }
    cr_expect(outcome[OUTCOME_ANSWERED] > COUNT * 70 / 100 &&
              outcome[OUTCOME_ANSWERED] < COUNT * 74 / 100);
    for (unsigned o = 0; o < OUTCOME_COUNT; o++)
        cr_expect_gt(outcome[o], COUNT * 3u / 100, "outcome %u", o);
    cr_expect(on_net > COUNT / 16 * 8 / 10 && on_net < COUNT / 16 * 12 / 10);
    cr_expect_gt(internal, 0u);
    cr_expect_eq(on_net, two_rows + internal);
    calls_done(&c);
}

/* Zipf's law gives the first of 200 customers 17 % of the calls. */
Test(calls, who_calls)
{
    static const struct {
        bool uniform;
        unsigned hot, low, high; /* percent of customer 0 */
    } ROWS[] = {{false, 0, 15, 19}, {true, 0, 0, 1}, {false, 90, 90, 93}, {true, 50, 48, 52}};
    for (size_t r = 0; r < sizeof ROWS / sizeof ROWS[0]; r++) {
        struct calls c;
        struct calls_options o = {.seed = 1,
                                  .count = COUNT,
                                  .customers = CUSTOMERS,
                                  .uniform = ROWS[r].uniform,
                                  .hot_percent = ROWS[r].hot};
        unsigned first = 0;
        cr_assert_eq(calls_init(&c, &o), OK);
        for (uint64_t i = 0; i < COUNT; i++) {
            struct bench_call call;
            calls_make(&c, i, &call);
            first += call.caller == 0;
        }
        cr_expect(first >= COUNT / 100 * ROWS[r].low && first <= COUNT / 100 * ROWS[r].high,
                  "row %zu: %u", r, first);
        calls_done(&c);
    }
}
