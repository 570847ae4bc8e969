/* random_record.h - numbers and records made from a seed, for properties: the same seed gives
 * the same record on every machine. */
#ifndef CPNI_TESTS_RANDOM_RECORD_H
#define CPNI_TESTS_RANDOM_RECORD_H

#include "proto/core/arena.h"
#include "proto/record/call.h"

struct seed {
    uint64_t state;
};

uint64_t seed_next(struct seed *s);
/* 0..n-1; n > 0. */
size_t seed_below(struct seed *s, size_t n);
/* Random bytes in the arena; the arena must have room. */
struct span seed_bytes(struct seed *s, size_t n, struct arena *a);

/* A classified record: about half of the canonical fields, some extras of every kind that is
 * kept, a dedup key. Texts live in the arena (64 KiB is enough). */
void random_record(struct seed *s, struct arena *a, struct record *out);

/* Whether the canonical fields are equal, absent ones included. */
bool call_equal(const struct call *a, const struct call *b);

#endif
