#include "bench/dice.h"

static const uint64_t GOLDEN = UINT64_C(0x9e3779b97f4a7c15);

/* Sebastiano Vigna's splitmix64, public domain. */
uint64_t dice_u64(struct dice *d)
{
    uint64_t z = d->state += GOLDEN;
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

struct dice dice_of(uint64_t seed, uint64_t n)
{
    struct dice of_seed = {seed}, of_n = {n};
    return (struct dice){dice_u64(&of_seed) ^ dice_u64(&of_n) * GOLDEN};
}

uint32_t dice_below(struct dice *d, uint32_t below)
{
    return (uint32_t)((dice_u64(d) >> 32) * below >> 32);
}
