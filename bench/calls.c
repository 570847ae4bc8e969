#include "bench/calls.h"

#include "proto/core/instant.h"

/* 2026-11-20 06:00 UTC and 24 hours: two usage windows of a day, one month of keys. */
static const int64_t FIRST_US = INT64_C(1795154400) * US_PER_S;
static const int64_t SPAN_US = (int64_t)S_PER_DAY * US_PER_S;

enum {
    ON_NET_ONE_IN = 16, /* calls between two customers, which make two records */
    SHORT_PERCENT = 60
};

/* Shares of a hundred, as measured nowhere: a business PBX answers most of what it is offered. */
static const uint8_t PERCENT[OUTCOME_COUNT] = {[OUTCOME_ANSWERED] = 72,
                                               [OUTCOME_CANCELLED] = 8,
                                               [OUTCOME_NO_ANSWER] = 6,
                                               [OUTCOME_BUSY] = 10,
                                               [OUTCOME_FAILED] = 4};

enum err calls_init(struct calls *c, const struct calls_options *options)
{
    *c = (struct calls){.options = *options};
    return zipf_new(options->customers, &c->zipf);
}

void calls_done(struct calls *c)
{
    c->zipf = zipf_free(c->zipf);
}

static enum call_outcome outcome_of(struct dice *d)
{
    uint32_t at = dice_below(d, 100), sum = 0;
    unsigned o = 0;
    for (; o < OUTCOME_COUNT - 1 && at >= (sum += PERCENT[o]); o++)
        ;
    return (enum call_outcome)o;
}

static uint32_t draw_caller(const struct calls *c, struct dice *d)
{
    if (c->options.hot_percent && dice_below(d, 100) < c->options.hot_percent)
        return 0;
    return c->options.uniform ? dice_below(d, c->options.customers) : zipf_draw(c->zipf, d);
}

static void set_parties(const struct calls *c, struct dice *d, struct bench_call *call)
{
    call->caller = draw_caller(c, d);
    call->callee = CALLS_OUTSIDE;
    population_number(call->caller, call->from);
    if (dice_below(d, ON_NET_ONE_IN) == 0) { /* a number leads to whoever owns it */
        call->callee = zipf_draw(c->zipf, d) % POPULATION_OWNED;
        population_number(call->callee, call->to);
    } else {
        population_outside((uint32_t)dice_u64(d) % POPULATION_OWNED, call->to);
    }
}

/* Milliseconds from low to high; whole seconds where the format has no others. */
static int64_t draw_us(const struct calls *c, struct dice *d, uint32_t low_ms, uint32_t high_ms)
{
    int64_t ms = low_ms + dice_below(d, high_ms - low_ms);
    if (c->options.whole_seconds)
        ms -= ms % US_PER_MS;
    return ms * US_PER_MS;
}

static void set_times(const struct calls *c, struct dice *d, struct bench_call *call)
{
    int64_t step_us = SPAN_US / (int64_t)(c->options.count ? c->options.count : 1);
    call->start_us = FIRST_US + (int64_t)call->index * step_us;
    if (c->options.whole_seconds)
        call->start_us -= call->start_us % US_PER_S;
    call->ring_us = call->start_us + draw_us(c, d, 80, 900);
    call->end_us = call->ring_us + draw_us(c, d, 1000, 25000);
    if (call->outcome != OUTCOME_ANSWERED)
        return;
    bool is_short = dice_below(d, 100) < SHORT_PERCENT;
    call->answer_us = call->end_us;
    call->end_us += is_short ? draw_us(c, d, 1000, 90000) : draw_us(c, d, 90000, 900000);
}

void calls_make(const struct calls *c, uint64_t index, struct bench_call *out)
{
    struct dice d = dice_of(c->options.seed, index);
    *out = (struct bench_call){.index = index, .outcome = outcome_of(&d)};
    set_parties(c, &d, out);
    set_times(c, &d, out);
}

unsigned call_rows(const struct bench_call *call)
{
    return call->callee == CALLS_OUTSIDE || call->callee == call->caller ? 1 : 2;
}
