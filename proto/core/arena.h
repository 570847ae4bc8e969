/* arena.h - one block of memory a batch, sized at start, given back all at once.
 * Allocation is a bump; the n-th can be made to fail for the fault tests. */
#ifndef CPNI_CORE_ARENA_H
#define CPNI_CORE_ARENA_H

#include "proto/core/span.h"

struct arena {
    uint8_t *p; /* owned when made by arena_init */
    size_t n, cap;
    size_t fail_at; /* tests: the n-th allocation from now gives NULL; 0 = none does */
};

MUST_CHECK enum err arena_init(struct arena *a, size_t cap_bytes); /* ERR_NOMEM */
void arena_done(struct arena *a);                                  /* wipes, frees */
void arena_reset(struct arena *a);                                 /* wipes what was used */

/* 8-byte aligned, not cleared; NULL when the arena is full. */
void *arena_alloc(struct arena *a, size_t n);

/* A copy of s; ERR_NOMEM when full. */
MUST_CHECK enum err arena_copy(struct arena *a, struct span s, struct span *out);

#endif
