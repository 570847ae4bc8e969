#include "bench/truth.h"

#include <stdlib.h>

#include "proto/core/instant.h"

static const struct {
    const char *name;
    uint32_t first_s, then_s;
} INCREMENT[TRUTH_INCREMENTS] = {{"1/1", 1, 1}, {"6/6", 6, 6}, {"30/6", 30, 6}, {"60/60", 60, 60}};

enum err truth_init(struct truth *t, uint32_t customers)
{
    *t = (struct truth){.customers = customers};
    t->account = calloc(customers, sizeof *t->account);
    return t->account ? OK : ERR_NOMEM;
}

void truth_done(struct truth *t)
{
    free(t->account);
    t->account = NULL;
}

static void add(struct tally *into, const struct tally *more)
{
    into->attempts += more->attempts;
    into->answered += more->answered;
    into->duration_ms += more->duration_ms;
    into->incomplete += more->incomplete;
    for (size_t i = 0; i < TRUTH_INCREMENTS; i++)
        into->billed_s[i] += more->billed_s[i];
}

void truth_add(struct truth *t, uint32_t customer, const struct tally *more)
{
    if (customer < t->customers)
        add(&t->account[customer], more);
    else
        t->foreign++;
    add(&t->total, more);
}

void truth_merge(struct truth *t, const struct truth *more)
{
    for (uint32_t c = 0; c < t->customers && c < more->customers; c++)
        add(&t->account[c], &more->account[c]);
    add(&t->total, &more->total);
    t->foreign += more->foreign;
}

/* A step that was begun is billed. Counted up rather than divided, so that the two sides do not
 * share a mistake. */
static uint64_t billed_s(size_t increment, uint64_t ms)
{
    uint64_t s = ms ? INCREMENT[increment].first_s : 0;
    while (s * US_PER_MS < ms)
        s += INCREMENT[increment].then_s;
    return s;
}

void truth_add_call(struct truth *t, const struct bench_call *call)
{
    struct tally one = {.attempts = 1};
    if (call->answer_us) {
        one.answered = 1;
        one.duration_ms = (uint64_t)(call->end_us - call->answer_us) / US_PER_MS;
        for (size_t i = 0; i < TRUTH_INCREMENTS; i++)
            one.billed_s[i] = billed_s(i, one.duration_ms);
    }
    truth_add(t, call->caller, &one);
    if (call_rows(call) == 2)
        truth_add(t, call->callee, &one);
}

uint32_t truth_row(const struct pull_row *row, struct tally *out)
{
    uint32_t customer;
    *out = (struct tally){.attempts = row->attempts,
                          .answered = row->answered,
                          .duration_ms = row->duration_ms,
                          .incomplete = row->incomplete};
    for (size_t b = 0; b < row->billed_count; b++)
        for (size_t i = 0; i < TRUTH_INCREMENTS; i++)
            if (span_is(row->billed[b].name, INCREMENT[i].name))
                out->billed_s[i] = row->billed[b].value;
    return population_of_account(row->account, &customer) ? customer : TRUTH_FOREIGN;
}

uint64_t truth_differences(const struct truth *expected, const struct truth *pulled)
{
    uint64_t n = pulled->foreign;
    for (uint32_t c = 0; c < expected->customers; c++)
        n += memcmp(&expected->account[c], &pulled->account[c], sizeof(struct tally)) != 0;
    return n;
}
