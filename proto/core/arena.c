#include "proto/core/arena.h"

#include <stdlib.h>

enum err arena_init(struct arena *a, size_t cap_bytes)
{
    uint8_t *p = malloc(cap_bytes);
    if (!p)
        return ERR_NOMEM;
    *a = (struct arena){.p = p, .cap = cap_bytes};
    return OK;
}

/* explicit_bzero: arenas hold customers' plaintext between parsing and the ack. */
void arena_reset(struct arena *a)
{
    if (a->p)
        explicit_bzero(a->p, a->n);
    a->n = 0;
}

void arena_done(struct arena *a)
{
    arena_reset(a);
    free(a->p);
    *a = (struct arena){0};
}

void *arena_alloc(struct arena *a, size_t n)
{
    if (a->fail_at && --a->fail_at == 0)
        return NULL;
    size_t at = (a->n + 7) & ~(size_t)7;
    if (at > a->cap || n > a->cap - at)
        return NULL;
    a->n = at + n;
    return a->p + at;
}

enum err arena_copy(struct arena *a, struct span s, struct span *out)
{
    uint8_t *p = arena_alloc(a, s.n);
    if (!p)
        return ERR_NOMEM;
    if (s.n)
        memcpy(p, s.p, s.n);
    *out = span_of(p, s.n);
    return OK;
}
