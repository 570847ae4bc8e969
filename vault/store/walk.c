#include <stdlib.h>

#include "proto/core/reader.h"
#include "vault/store/inside.h"

static uint32_t month_of_slot(size_t slot)
{
    return slot ? (uint32_t)((MONTH_FIRST / 100 + (slot - 1) / 12) * 100 + (slot - 1) % 12 + 1) : 0;
}

/* A merge of the months. Feeds are nearly in order of time, so one month gives many rows on
 * end: it is read until it passes the first row of the others. */
struct merge {
    const struct store_ops *ops;
    size_t count;
    struct cursor *cursors[STORE_MONTHS_MAX];
    uint32_t months[STORE_MONTHS_MAX];
    struct pack_reader packs[STORE_MONTHS_MAX]; /* of the row under the cursor */
    uint64_t heads[STORE_MONTHS_MAX];           /* UINT64_MAX: at its end */
    struct span values[STORE_MONTHS_MAX];
    bool damaged;
};

enum err record_cursor(const struct store_ops *ops, struct engine *e, unsigned table, uint64_t seq,
                       struct cursor **out)
{
    uint8_t key[SEQ_BYTES];
    seq_key(key, seq);
    enum err result = ops->cursors(e, &table, 1, span_of(key, sizeof key), out);
    if (result == OK)
        ops->cursor_floor(*out, span_of(key, sizeof key));
    return result;
}

static bool merge_row(struct merge *m, size_t i)
{
    struct span key, row;
    bool more = m->ops->cursor_row(m->cursors[i], &key, &row);
    if (more)
        m->packs[i] = pack_reader_of(key, row);
    return more;
}

/* The next record of a month, in its row or the next one. */
static void merge_next(struct merge *m, size_t i)
{
    while (!pack_next(&m->packs[i], &m->heads[i], &m->values[i])) {
        m->damaged |= !pack_ok(&m->packs[i]);
        m->ops->cursor_next(m->cursors[i]);
        if (m->damaged || !merge_row(m, i)) {
            m->heads[i] = UINT64_MAX;
            return;
        }
    }
}

static void merge_first(struct merge *m, size_t i, struct span from, uint64_t seq)
{
    m->ops->cursor_floor(m->cursors[i], from);
    m->heads[i] = UINT64_MAX;
    if (!merge_row(m, i))
        return;
    do
        merge_next(m, i);
    while (m->heads[i] < seq);
}

static enum err merge_open(struct store *s, uint64_t from, struct merge *m)
{
    unsigned tables[STORE_MONTHS_MAX];
    for (size_t slot = 0; slot < MONTH_SLOTS && m->count < STORE_MONTHS_MAX; slot++) {
        unsigned table = table_of_slot(s, slot);
        if (!table)
            continue;
        tables[m->count] = table;
        m->months[m->count++] = month_of_slot(slot);
    }
    uint8_t key[SEQ_BYTES];
    seq_key(key, from);
    enum err e = s->ops->cursors(s->engine, tables, m->count, span_of(key, sizeof key), m->cursors);
    if (e != OK)
        m->count = 0;
    for (size_t i = 0; i < m->count; i++)
        merge_first(m, i, span_of(key, sizeof key), from);
    return e;
}

static enum err merge_done(struct merge *m)
{
    enum err result = OK;
    for (size_t i = 0; i < m->count; i++) {
        enum err e = m->ops->cursor_free(m->cursors[i]);
        result = result == OK ? e : result;
    }
    return result;
}

static void merge_least(const struct merge *m, size_t *least, uint64_t *others)
{
    *least = 0;
    *others = UINT64_MAX;
    for (size_t i = 1; i < m->count; i++) {
        if (m->heads[i] < m->heads[*least]) {
            *others = m->heads[*least];
            *least = i;
        } else if (m->heads[i] < *others) {
            *others = m->heads[i];
        }
    }
}

enum err store_walk_records(struct store *s, uint64_t from, store_record_fn *fn, void *arg)
{
    struct merge *m = calloc(1, sizeof *m); /* 40 kB: too much for the stack of a thread */
    if (!m)
        return ERR_NOMEM;
    m->ops = s->ops;
    enum err e = merge_open(s, from, m);
    bool more = m->count > 0;
    while (more) {
        size_t i;
        uint64_t others;
        merge_least(m, &i, &others);
        more = m->heads[i] != UINT64_MAX;
        while (more && m->heads[i] < others) {
            more = fn(arg, m->months[i], m->heads[i], m->values[i]);
            merge_next(m, i);
        }
    }
    if (e == OK)
        e = merge_done(m);
    if (e == OK && m->damaged)
        e = ERR_FORGED;
    free(m);
    return e;
}
