/* dice.h - numbers that look random and are a function of a seed, on every machine: splitmix64.
 * For load only; keys and nonces come from vault/crypt. */
#ifndef CPNI_BENCH_DICE_H
#define CPNI_BENCH_DICE_H

#include <stdint.h>

struct dice {
    uint64_t state;
};

/* Of a seed and a number: different numbers give streams that have nothing to do with each other,
 * so that the n-th call is known without those before it. */
struct dice dice_of(uint64_t seed, uint64_t n);
uint64_t dice_u64(struct dice *d);
/* 0..below-1. The bias of a modulo is under 2^-32 for what is asked here. */
uint32_t dice_below(struct dice *d, uint32_t below);

#endif
