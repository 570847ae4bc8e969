/* backoff.h - how long a role that died stays away: 100 ms, doubled with each death up to
 * 10 s; one that lived for 30 s begins anew. */
#ifndef CPNI_CPNID_BACKOFF_H
#define CPNI_CPNID_BACKOFF_H

#include <stdint.h>

enum { BACKOFF_FIRST_MS = 100, BACKOFF_LONGEST_MS = 10000, BACKOFF_FORGIVEN_MS = 30000 };

struct backoff {
    uint64_t started_ms;
    uint32_t last_ms; /* 0 = has not died yet */
};

static inline void backoff_started(struct backoff *b, uint64_t now_ms)
{
    b->started_ms = now_ms;
}

/* Milliseconds to wait before the next start. */
static inline uint32_t backoff_died(struct backoff *b, uint64_t now_ms)
{
    uint32_t next_ms = b->last_ms ? 2 * b->last_ms : BACKOFF_FIRST_MS;
    if (now_ms - b->started_ms >= BACKOFF_FORGIVEN_MS)
        next_ms = BACKOFF_FIRST_MS;
    b->last_ms = next_ms < BACKOFF_LONGEST_MS ? next_ms : BACKOFF_LONGEST_MS;
    return b->last_ms;
}

#endif
