#include "proto/record/slab.h"

#include <stdlib.h>

#include "proto/core/check.h"

/* A chunk has 2^shift cells, at most this many: about a megabyte of dialogs. */
enum { CHUNK_SHIFT_MAX = 12 };

static size_t chunk_cells(const struct slab *s)
{
    return (size_t)1 << s->shift;
}

static uint32_t load(const uint8_t *cell)
{
    uint32_t v;
    memcpy(&v, cell, sizeof v);
    return v;
}

static void store(uint8_t *cell, uint32_t v)
{
    memcpy(cell, &v, sizeof v);
}

enum err slab_init(struct slab *s, size_t cell_bytes, uint32_t cells_max)
{
    CHECK(cell_bytes % 8 == 0 && cell_bytes > 8);
    *s = (struct slab){.cell_bytes = cell_bytes, .cells_max = cells_max};
    while (s->shift < CHUNK_SHIFT_MAX && chunk_cells(s) < cells_max)
        s->shift++;
    s->chunk = calloc((cells_max >> s->shift) + 1, sizeof *s->chunk);
    return s->chunk ? OK : ERR_NOMEM;
}

void slab_done(struct slab *s)
{
    for (size_t i = 0; i < s->chunks; i++) {
        explicit_bzero(s->chunk[i], chunk_cells(s) * s->cell_bytes);
        free(s->chunk[i]);
    }
    free(s->chunk);
    *s = (struct slab){0};
}

/* A chunk is the only memory taken after the start: the peak decides how many are needed. */
static bool grow(struct slab *s)
{
    uint8_t *chunk = calloc(chunk_cells(s), s->cell_bytes);
    if (chunk)
        s->chunk[s->chunks++] = chunk;
    return chunk != NULL;
}

uint32_t slab_take(struct slab *s)
{
    uint32_t cell = s->free;
    if (cell) {
        uint8_t *p = slab_at(s, cell);
        s->free = load(p);
        store(p, 0);
    } else {
        if (s->made == s->cells_max || (s->made == s->chunks * chunk_cells(s) && !grow(s)))
            return 0;
        cell = ++s->made;
    }
    s->used++;
    return cell;
}

void slab_give(struct slab *s, uint32_t cell)
{
    uint8_t *p = slab_at(s, cell);
    memset(p, 0, s->cell_bytes);
    store(p, s->free);
    s->free = cell;
    s->used--;
}

size_t slab_bytes(const struct slab *s)
{
    return s->chunks * chunk_cells(s) * s->cell_bytes;
}

/* A cell of a chain: [4] number of the next cell, then bytes. */
enum { LINK_BYTES = 4 };

static uint32_t room(const struct slab *s)
{
    return (uint32_t)s->cell_bytes - LINK_BYTES;
}

uint32_t chain_cells(const struct slab *s, uint32_t n)
{
    return (n + room(s) - 1) / room(s);
}

static void append_cell(struct slab *s, struct chain *c)
{
    uint32_t cell = slab_take(s);
    CHECK(cell);
    if (c->tail)
        store(slab_at(s, c->tail), cell);
    else
        c->head = cell;
    c->tail = cell;
}

/* Chunks for `cells` more, now: an append must not fail half-way. */
static bool reserve(struct slab *s, uint32_t cells)
{
    if (slab_left(s) < cells)
        return false;
    while (s->chunks * chunk_cells(s) - s->used < cells)
        if (!grow(s))
            return false;
    return true;
}

bool chain_append(struct slab *s, struct chain *c, struct span bytes)
{
    uint32_t total = c->n + (uint32_t)bytes.n;
    if (!reserve(s, chain_cells(s, total) - chain_cells(s, c->n)))
        return false;
    while (bytes.n) {
        uint32_t at = c->n % room(s);
        if (at == 0)
            append_cell(s, c);
        struct span piece = span_sub(bytes, 0, room(s) - at);
        memcpy((uint8_t *)slab_at(s, c->tail) + LINK_BYTES + at, piece.p, piece.n);
        c->n += (uint32_t)piece.n;
        bytes = span_from(bytes, piece.n);
    }
    return true;
}

void chain_cut(struct slab *s, struct chain *c, uint32_t n)
{
    uint32_t cell = c->head, keep = chain_cells(s, n), last = 0;
    for (uint32_t i = 0; cell; i++) {
        uint32_t next = load(slab_at(s, cell));
        if (i < keep)
            last = cell;
        else
            slab_give(s, cell);
        cell = next;
    }
    if (last)
        store(slab_at(s, last), 0);
    else
        c->head = 0;
    c->tail = last;
    c->n = n < c->n ? n : c->n;
}

void chain_read(const struct slab *s, const struct chain *c, uint32_t n, struct buf *b)
{
    uint32_t cell = c->head;
    for (uint32_t left = n < c->n ? n : c->n; left;) {
        const uint8_t *p = slab_at(s, cell);
        uint32_t piece = left < room(s) ? left : room(s);
        buf_bytes(b, p + LINK_BYTES, piece);
        left -= piece;
        cell = load(p);
    }
}

bool chain_holds(const struct slab *s, const struct chain *c, uint32_t at, struct span bytes)
{
    uint32_t cell = c->head;
    if (at > c->n || bytes.n > c->n - at)
        return false;
    while (at >= room(s)) {
        at -= room(s);
        cell = load(slab_at(s, cell));
    }
    for (; bytes.n; at = 0) {
        const uint8_t *p = slab_at(s, cell);
        struct span piece = span_sub(bytes, 0, room(s) - at);
        if (memcmp(p + LINK_BYTES + at, piece.p, piece.n) != 0)
            return false;
        bytes = span_from(bytes, piece.n);
        cell = load(p);
    }
    return true;
}
