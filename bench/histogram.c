#include "bench/histogram.h"

static const uint64_t VALUE_MAX = (UINT64_C(1) << HISTOGRAM_VALUE_BITS) - 1;

/* Octaves are as wide as the bucket has leading bits; the first two are exact. */
static unsigned octave_of(uint64_t value)
{
    unsigned bits = value ? 64 - (unsigned)__builtin_clzll(value) : 0;
    return bits > HISTOGRAM_SUB_BITS ? bits - HISTOGRAM_SUB_BITS : 0;
}

static unsigned bucket_of(uint64_t value)
{
    unsigned octave = octave_of(value);
    if (octave == 0)
        return (unsigned)value;
    unsigned sub = (unsigned)(value >> (octave - 1)) & ((1u << HISTOGRAM_SUB_BITS) - 1);
    return (octave << HISTOGRAM_SUB_BITS) + sub;
}

/* The largest value of a bucket. */
static uint64_t bucket_end(unsigned bucket)
{
    unsigned octave = bucket >> HISTOGRAM_SUB_BITS;
    uint64_t sub = bucket & ((1u << HISTOGRAM_SUB_BITS) - 1);
    if (octave == 0)
        return sub;
    return (((UINT64_C(1) << HISTOGRAM_SUB_BITS) + sub + 1) << (octave - 1)) - 1;
}

void histogram_add(struct histogram *h, uint64_t value, uint64_t times)
{
    value = value < VALUE_MAX ? value : VALUE_MAX;
    h->bucket[bucket_of(value)] += times;
    h->count += times;
    if (times && value > h->max)
        h->max = value;
}

void histogram_merge(struct histogram *h, const struct histogram *more)
{
    for (unsigned b = 0; b < HISTOGRAM_BUCKETS; b++)
        h->bucket[b] += more->bucket[b];
    h->count += more->count;
    h->max = h->max > more->max ? h->max : more->max;
}

uint64_t histogram_quantile(const struct histogram *h, double q)
{
    uint64_t seen = 0;
    for (unsigned b = 0; b < HISTOGRAM_BUCKETS && h->count; b++) {
        seen += h->bucket[b];
        if (seen && (double)seen >= q * (double)h->count)
            return bucket_end(b) < h->max ? bucket_end(b) : h->max;
    }
    return h->max;
}
