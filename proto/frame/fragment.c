#include "proto/frame/fragment.h"

#include <stdlib.h>

/* Offsets are multiples of 8 bytes, so a bit for each 8 bytes says what has come. */
enum { UNIT_BYTES = 8, UNITS = (FRAGMENT_DATAGRAM_BYTES_MAX + UNIT_BYTES) / UNIT_BYTES };

struct datagram {
    bool used;
    struct endpoint src, dst;
    uint32_t id;
    uint8_t proto;
    int64_t t_us;        /* of the first piece seen */
    size_t total;        /* 0 until the last piece has come */
    size_t have;         /* bytes */
    uint8_t *bytes;      /* owned; FRAGMENT_DATAGRAM_BYTES_MAX of them */
    uint8_t come[UNITS]; /* a flag a unit */
};

struct fragments {
    struct datagram slot[FRAGMENT_DATAGRAMS_MAX];
    uint64_t expired;
};

enum err fragments_new(struct fragments **out)
{
    *out = calloc(1, sizeof **out);
    return *out ? OK : ERR_NOMEM;
}

struct fragments *fragments_free(struct fragments *f)
{
    for (size_t i = 0; f && i < FRAGMENT_DATAGRAMS_MAX; i++) {
        if (f->slot[i].bytes)
            explicit_bzero(f->slot[i].bytes, FRAGMENT_DATAGRAM_BYTES_MAX);
        free(f->slot[i].bytes);
    }
    free(f);
    return NULL;
}

static void begin(struct datagram *g, const struct packet *p, int64_t t_us)
{
    g->used = true;
    g->src = p->src;
    g->dst = p->dst;
    g->id = p->fragment.id;
    g->proto = p->fragment.proto;
    g->t_us = t_us;
    g->total = g->have = 0;
    memset(g->come, 0, sizeof g->come);
}

static bool same(const struct datagram *g, const struct packet *p)
{
    return g->used && g->id == p->fragment.id && g->proto == p->fragment.proto &&
           endpoint_eq(&g->src, &p->src) && endpoint_eq(&g->dst, &p->dst);
}

static void expire(struct fragments *f, struct datagram *g)
{
    g->used = false;
    f->expired++;
}

/* Its datagram, a free place, or that of the oldest one. */
static struct datagram *find(struct fragments *f, const struct packet *p, int64_t t_us)
{
    struct datagram *best = &f->slot[0];
    for (size_t i = 0; i < FRAGMENT_DATAGRAMS_MAX; i++) {
        struct datagram *g = &f->slot[i];
        if (g->used && t_us - g->t_us > FRAGMENT_LIFE_US)
            expire(f, g);
        if (same(g, p))
            return g;
        if (best->used && (!g->used || g->t_us < best->t_us))
            best = g;
    }
    if (best->used)
        expire(f, best);
    begin(best, p, t_us);
    return best;
}

/* Copies the piece, or compares it where bytes are already there. */
static enum err place(struct datagram *g, size_t at, struct span piece)
{
    size_t units = (piece.n + UNIT_BYTES - 1) / UNIT_BYTES, come = 0;
    uint8_t *flags = g->come + at / UNIT_BYTES;
    for (size_t i = 0; i < units; i++)
        come += flags[i];
    if (come)
        return come == units && memcmp(g->bytes + at, piece.p, piece.n) == 0 ? OK : ERR_SYNTAX;
    memset(flags, 1, units);
    memcpy(g->bytes + at, piece.p, piece.n);
    g->have += piece.n;
    return OK;
}

static enum err add(struct datagram *g, const struct packet *p)
{
    size_t at = p->fragment.offset, end = at + p->payload.n;
    bool odd = p->fragment.more && p->payload.n % UNIT_BYTES != 0;
    if (end > FRAGMENT_DATAGRAM_BYTES_MAX || p->payload.n == 0 || odd || p->cut)
        return ERR_SYNTAX;
    if (g->total && end > g->total)
        return ERR_SYNTAX;
    if (!p->fragment.more && g->total && g->total != end)
        return ERR_SYNTAX;
    if (!p->fragment.more)
        g->total = end;
    return place(g, at, p->payload);
}

enum err fragments_add(struct fragments *f, const struct packet *p, int64_t t_us,
                       struct span *out_payload)
{
    struct datagram *g = find(f, p, t_us);
    if (!g->bytes)
        g->bytes = malloc(FRAGMENT_DATAGRAM_BYTES_MAX);
    if (!g->bytes) {
        g->used = false;
        return ERR_NOMEM;
    }
    if (add(g, p) != OK) {
        expire(f, g);
        return ERR_SYNTAX;
    }
    if (g->total == 0 || g->have < g->total)
        return ERR_MORE;
    if (g->have > g->total) { /* pieces behind the end had come before the end was known */
        expire(f, g);
        return ERR_SYNTAX;
    }
    g->used = false;
    *out_payload = span_of(g->bytes, g->total);
    return OK;
}

uint64_t fragments_expired(const struct fragments *f)
{
    return f->expired;
}
