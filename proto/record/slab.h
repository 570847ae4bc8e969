/* slab.h - cells of one size, named by numbers, and chains of cells that hold bytes.
 *
 * Memory comes a chunk at a time, up to the limit given at the start, and is reused, never
 * returned before slab_done: what a peak took, the next peak needs. A cell that is given
 * back is wiped. Number 0 names no cell. */
#ifndef CPNI_RECORD_SLAB_H
#define CPNI_RECORD_SLAB_H

#include "proto/core/buf.h"
#include "proto/core/check.h"

struct slab {
    uint8_t **chunk; /* owned */
    size_t chunks;   /* allocated */
    size_t cell_bytes;
    uint32_t cells_max;
    unsigned shift;      /* a chunk has 2^shift cells */
    uint32_t made, used; /* cells ever handed out; cells in use */
    uint32_t free;       /* head of the list of given back cells */
};

/* cell_bytes: a multiple of 8. ERR_NOMEM. */
MUST_CHECK enum err slab_init(struct slab *s, size_t cell_bytes, uint32_t cells_max);
void slab_done(struct slab *s); /* wipes, frees */

uint32_t slab_take(struct slab *s); /* cleared; 0: the limit or the machine's memory is reached */
void slab_give(struct slab *s, uint32_t cell);
static inline void *slab_at(const struct slab *s, uint32_t cell)
{
    CHECK(cell > 0 && cell <= s->made);
    size_t at = cell - 1, in_chunk = at & (((size_t)1 << s->shift) - 1);
    return s->chunk[at >> s->shift] + in_chunk * s->cell_bytes;
}
static inline uint32_t slab_left(const struct slab *s)
{
    return s->cells_max - s->used;
}
size_t slab_bytes(const struct slab *s); /* allocated */

/* Bytes spread over cells of a slab. Zeroed = empty. */
struct chain {
    uint32_t head, tail;
    uint32_t n; /* bytes */
};

/* True when all of it fitted; else the chain is as before. */
MUST_CHECK bool chain_append(struct slab *s, struct chain *c, struct span bytes);
/* Forgets what is behind the first n bytes, and gives its cells back. */
void chain_cut(struct slab *s, struct chain *c, uint32_t n);
/* Copies the first n bytes into b. */
void chain_read(const struct slab *s, const struct chain *c, uint32_t n, struct buf *b);
/* Whether `bytes` stand at offset `at`. */
bool chain_holds(const struct slab *s, const struct chain *c, uint32_t at, struct span bytes);
/* Cells a chain of n bytes takes. */
uint32_t chain_cells(const struct slab *s, uint32_t n);

#endif
