#include "vault/pace.h"

#include "proto/core/instant.h"

static size_t samples_count(const struct pace *p)
{
    return p->taken < PACE_SAMPLES ? p->taken : PACE_SAMPLES;
}

/* The age-th newest; 1 is the newest. */
static const struct pace_sample *sample(const struct pace *p, size_t age)
{
    return &p->sample[(p->taken - age) % PACE_SAMPLES];
}

bool pace_due(const struct pace *p, int64_t now_us)
{
    return p->taken == 0 || now_us - sample(p, 1)->at_us >= US_PER_S;
}

struct pace_sample *pace_take(struct pace *p, int64_t now_us)
{
    struct pace_sample *s = &p->sample[p->taken++ % PACE_SAMPLES];
    s->at_us = now_us;
    s->peak = p->peak;
    p->peak = 0;
    return s;
}

uint64_t pace_growth(const struct pace *p, size_t i, uint64_t counter)
{
    if (p->taken == 0)
        return 0;
    uint64_t then = sample(p, samples_count(p))->counter[i];
    return counter > then ? counter - then : 0; /* a role that died may have lost some */
}

uint64_t pace_per_s(const struct pace *p, size_t i, uint64_t counter, int64_t now_us)
{
    if (p->taken == 0)
        return 0;
    int64_t elapsed_us = now_us - sample(p, samples_count(p))->at_us;
    uint64_t ms = (uint64_t)(elapsed_us < US_PER_S ? US_PER_S : elapsed_us) / US_PER_MS;
    uint64_t grown = pace_growth(p, i, counter);
    return grown / ms * 1000 + (grown % ms * 1000 + ms / 2) / ms;
}

void pace_note(struct pace *p, uint64_t value)
{
    if (value > p->peak)
        p->peak = value;
}

/* The oldest sample's peak is of the second before the window. */
uint64_t pace_peak(const struct pace *p)
{
    uint64_t peak = p->peak;
    for (size_t age = 1; age < samples_count(p); age++)
        if (sample(p, age)->peak > peak)
            peak = sample(p, age)->peak;
    return peak;
}
