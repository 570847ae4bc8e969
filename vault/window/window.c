#include "vault/window/window.h"

#include <stdlib.h>

#include "proto/core/check.h"
#include "vault/crypt/cache_hash.h"
#include "vault/window/row.h"

/* Rows are named by their index; what links them holds 1 + index, so that 0 is nothing. */
typedef uint32_t row_link;

struct slot {
    uint8_t code[USAGE_KEY_BYTES]; /* the encoded key: order of rows, and what is compared */
    uint8_t tag[WINDOW_TAG_BYTES];
    bool dirty;
    uint64_t since;        /* dirty: the first record that is not on disk */
    row_link chain;        /* next of the same bucket */
    row_link older, newer; /* of the clean rows */
    struct window_row row; /* position 0: never written */
};

struct windows {
    struct store *store;
    struct keyring *keys;
    struct cache_hash hash; /* accounts are few, but who calls when is a stranger's choice */
    struct slot *slot;      /* owned, rows_max of them; rows_count were ever used */
    size_t rows_max, rows_count;
    row_link *bucket; /* owned; a power of two */
    size_t buckets;
    row_link oldest, newest; /* clean rows, by when they became clean */
    size_t clean_count;
    size_t written, committing; /* of the newest clean ones: in the open batch; in the one before */
    uint32_t *dirty;            /* owned: a ring of rows_max, indices of dirty rows by `since` */
    size_t dirty_first, dirty_count;
    uint32_t *turn; /* owned: those that are being written, by their keys */
    struct window_state state;
};

static size_t buckets_for(size_t rows)
{
    size_t n = 1;
    while (n < rows)
        n *= 2;
    return n;
}

enum err windows_open(struct store *s, struct keyring *k, const struct windows_options *o,
                      struct windows **out, struct diag *d)
{
    CHECK(o->rows_max > 0 && o->rows_max < UINT32_MAX);
    struct windows *w = calloc(1, sizeof *w);
    if (!w)
        return ERR_NOMEM;
    w->store = s;
    w->keys = k;
    w->rows_max = o->rows_max;
    w->buckets = buckets_for(o->rows_max);
    w->slot = calloc(w->rows_max, sizeof *w->slot);
    w->bucket = calloc(w->buckets, sizeof *w->bucket);
    w->dirty = calloc(w->rows_max, sizeof *w->dirty);
    w->turn = calloc(w->rows_max, sizeof *w->turn);
    cache_hash_init(&w->hash, k, "windows");
    enum err e =
        w->slot && w->bucket && w->dirty && w->turn ? window_state_get(s, k, &w->state) : ERR_NOMEM;
    if (e != OK) {
        windows_close(w);
        return diag_set(d, e, "the usage totals cannot be read", 0);
    }
    *out = w;
    return OK;
}

struct windows *windows_close(struct windows *w)
{
    if (!w)
        return NULL;
    if (w->slot)
        explicit_bzero(w->slot, w->rows_count * sizeof *w->slot);
    free(w->slot);
    free(w->bucket);
    free(w->dirty);
    free(w->turn);
    cache_hash_done(&w->hash);
    free(w);
    return NULL;
}

uint64_t windows_included(const struct windows *w)
{
    return w->state.included;
}

size_t windows_dirty(const struct windows *w)
{
    return w->dirty_count;
}

/* Rows that could be dropped: clean, and readable again. */
static size_t droppable(const struct windows *w)
{
    size_t unreadable = w->written + w->committing;
    return w->clean_count > unreadable ? w->clean_count - unreadable : 0;
}

bool windows_room(const struct windows *w, size_t n)
{
    return w->rows_max - w->rows_count + droppable(w) >= n;
}

void windows_committing(struct windows *w)
{
    w->committing += w->written;
    w->written = 0;
}

void windows_committed(struct windows *w)
{
    w->committing = 0;
}

uint64_t windows_last_position(const struct windows *w)
{
    return w->state.position;
}

/* --- the clean rows, oldest first --- */

static row_link link_of(const struct windows *w, const struct slot *s)
{
    return (row_link)(s - w->slot) + 1;
}

static struct slot *slot_at(const struct windows *w, row_link l)
{
    return l ? &w->slot[l - 1] : NULL;
}

static void clean_append(struct windows *w, struct slot *s)
{
    struct slot *last = slot_at(w, w->newest);
    s->older = w->newest;
    s->newer = 0;
    w->newest = link_of(w, s);
    *(last ? &last->newer : &w->oldest) = w->newest;
    w->clean_count++;
}

static void clean_remove(struct windows *w, const struct slot *s)
{
    struct slot *older = slot_at(w, s->older), *newer = slot_at(w, s->newer);
    *(older ? &older->newer : &w->oldest) = s->newer;
    *(newer ? &newer->older : &w->newest) = s->older;
    w->clean_count--;
}

/* --- rows in memory --- */

static row_link *bucket_of(const struct windows *w, const uint8_t code[static USAGE_KEY_BYTES])
{
    uint64_t hash[2];
    cache_hash_of(&w->hash, span_of(code, USAGE_KEY_BYTES), hash);
    return &w->bucket[hash[0] & (w->buckets - 1)];
}

static void forget(struct windows *w, struct slot *s)
{
    row_link *at = bucket_of(w, s->code);
    while (*at != link_of(w, s))
        at = &slot_at(w, *at)->chain;
    *at = s->chain;
    clean_remove(w, s);
}

/* A slot that is in no list; NULL: no row can be dropped. */
static struct slot *slot_take(struct windows *w)
{
    if (w->rows_count < w->rows_max)
        return &w->slot[w->rows_count++];
    if (droppable(w) == 0)
        return NULL;
    struct slot *oldest = slot_at(w, w->oldest);
    if (oldest)
        forget(w, oldest);
    return oldest;
}

static enum err load(struct windows *w, const uint8_t code[static USAGE_KEY_BYTES],
                     const struct usage_key *key, row_link *bucket, struct slot **out)
{
    uint8_t tag[WINDOW_TAG_BYTES];
    struct window_row row = {.key = *key};
    if (w->rows_count == w->rows_max && droppable(w) == 0)
        return ERR_FULL;
    window_tag(w->keys, code, tag);
    enum err e = window_get(w->store, w->keys, tag, &row);
    if (e != OK && e != ERR_NOTFOUND)
        return e;
    struct slot *s = slot_take(w);
    CHECK(s);
    memcpy(s->code, code, USAGE_KEY_BYTES);
    memcpy(s->tag, tag, WINDOW_TAG_BYTES);
    s->row = row;
    s->dirty = false;
    s->chain = *bucket;
    *bucket = link_of(w, s);
    clean_append(w, s);
    *out = s;
    return OK;
}

static enum err find(struct windows *w, const struct usage_key *key, struct slot **out)
{
    uint8_t code[USAGE_KEY_BYTES];
    usage_key_encode(key, code);
    row_link *bucket = bucket_of(w, code);
    for (struct slot *s = slot_at(w, *bucket); s; s = slot_at(w, s->chain)) {
        if (memcmp(s->code, code, USAGE_KEY_BYTES) != 0)
            continue;
        *out = s;
        return OK;
    }
    return load(w, code, key, bucket, out);
}

static void touch(struct windows *w, struct slot *s, uint64_t seq)
{
    if (s->dirty)
        return;
    s->dirty = true;
    s->since = seq;
    clean_remove(w, s);
    w->dirty[(w->dirty_first + w->dirty_count++) % w->rows_max] = link_of(w, s) - 1;
}

enum err windows_add(struct windows *w, const struct usage_key *key, uint64_t seq,
                     const struct usage_totals *delta)
{
    struct slot *s;
    enum err e = find(w, key, &s);
    if (e != OK || seq <= s->row.upto)
        return e;
    usage_add(&s->row.totals, delta);
    touch(w, s, seq);
    return OK;
}

enum err windows_subtract(struct windows *w, const struct usage_key *key,
                          const struct usage_totals *delta)
{
    struct slot *s;
    enum err e = find(w, key, &s);
    if (e == OK)
        e = usage_sub(&s->row.totals, delta);
    if (e == OK)
        touch(w, s, w->state.included + 1);
    return e;
}

/* --- writing --- */

static int key_order(const void *pa, const void *pb, void *arg)
{
    const struct windows *w = arg;
    const uint32_t *a = pa, *b = pb;
    return memcmp(w->slot[*a].code, w->slot[*b].code, USAGE_KEY_BYTES);
}

static struct span position_key(uint64_t position, uint8_t room[static 8])
{
    struct buf b = buf_of(room, 8);
    buf_be64(&b, position);
    return buf_span(&b);
}

static enum err write_row(struct windows *w, struct txn *t, struct slot *s)
{
    uint8_t key[8];
    if (s->row.position)
        txn_delete(t, FAMILY_OUTBOX, position_key(s->row.position, key));
    s->row.position = ++w->state.position;
    s->row.revision++;
    txn_put(t, FAMILY_OUTBOX, position_key(s->row.position, key),
            span_of(s->tag, WINDOW_TAG_BYTES));
    return window_put(w->keys, t, s->tag, &s->row);
}

/* The ring is in order of `since`: the first one is the oldest. (A subtraction stands out of
 * order, and is followed by a checkpoint of all.) */
static uint64_t oldest_since(const struct windows *w, uint64_t now)
{
    return w->dirty_count ? w->slot[w->dirty[w->dirty_first]].since : now + 1;
}

enum err windows_write(struct windows *w, struct txn *t, size_t rows_max, uint64_t now)
{
    size_t n = rows_max < w->dirty_count ? rows_max : w->dirty_count;
    for (size_t i = 0; i < n; i++)
        w->turn[i] = w->dirty[(w->dirty_first + i) % w->rows_max];
    qsort_r(w->turn, n, sizeof *w->turn, key_order, w);
    for (size_t i = 0; i < n; i++) {
        struct slot *s = &w->slot[w->turn[i]];
        s->row.upto = now;
        enum err e = write_row(w, t, s);
        if (e != OK)
            return e;
        s->dirty = false;
        clean_append(w, s);
    }
    w->dirty_first = (w->dirty_first + n) % w->rows_max;
    w->dirty_count -= n;
    w->written += n;
    w->state.included = oldest_since(w, now) - 1;
    return window_state_put(w->keys, t, &w->state);
}

enum err windows_checkpoint(struct windows *w, struct txn *t, uint64_t now)
{
    return windows_write(w, t, w->rows_max, now);
}

/* --- reading --- */

struct outbox_walk {
    struct windows *windows;
    window_fn *fn;
    void *arg;
    enum err err;
};

static bool outbox_step(void *arg, struct span key, struct span value)
{
    struct outbox_walk *o = arg;
    struct window_row row;
    struct reader r = reader_of(key);
    uint64_t position = reader_be64(&r);
    o->err = reader_ok(&r) && value.n == WINDOW_TAG_BYTES
                 ? window_get(o->windows->store, o->windows->keys, value.p, &row)
                 : ERR_FORGED;
    /* The outbox is not sealed: the row itself says where it stands. */
    if (o->err == ERR_NOTFOUND || (o->err == OK && row.position != position))
        o->err = ERR_FORGED;
    return o->err == OK && o->fn(o->arg, &row);
}

enum err windows_walk(struct windows *w, uint64_t cursor, window_fn *fn, void *arg)
{
    uint8_t key[8];
    struct outbox_walk o = {w, fn, arg, OK};
    if (cursor >= w->state.position)
        return OK;
    enum err e =
        store_walk(w->store, FAMILY_OUTBOX, position_key(cursor + 1, key), outbox_step, &o);
    return e == OK ? o.err : e;
}
