#include "vault/store/edits.h"

#include <stdlib.h>

#include "vault/store/inside.h"
#include "vault/store/pack.h"

static struct edit *edit_of(struct edits *x, unsigned table, uint64_t seq)
{
    for (size_t i = x->count; i-- > 0;) {
        struct edit *t = &x->at[i];
        if (t->table == table && t->first <= seq && seq < t->end)
            return t;
    }
    return NULL;
}

static enum err without(struct span key, struct span row, uint64_t seq, struct edit *out)
{
    uint8_t *memory = malloc(row.n);
    if (!memory)
        return ERR_NOMEM;
    struct buf b = buf_of(memory, row.n);
    enum err e = pack_without(key, row, seq, &b);
    if (e != OK || b.n == 0) {
        free(memory);
        memory = NULL;
    }
    if (e == OK) {
        free(out->row);
        out->row = memory;
        out->n = b.n;
    }
    return e;
}

/* From the engine, into a new edit. */
static enum err edit_new(struct edits *x, const struct store_ops *ops, struct engine *e,
                         unsigned table, uint64_t seq)
{
    struct cursor *c;
    struct span key, row;
    if (x->count == TXN_DELETES_MAX)
        return ERR_FULL;
    enum err result = record_cursor(ops, e, table, seq, &c);
    if (result != OK)
        return result;
    struct edit t = {.table = table};
    result = ERR_NOTFOUND;
    if (ops->cursor_row(c, &key, &row)) {
        t.first = pack_reader_of(key, row).next;
        t.end = pack_end(key, row);
        result = without(key, row, seq, &t);
    }
    if (result == OK)
        x->at[x->count++] = t;
    enum err ended = ops->cursor_free(c);
    return ended == OK ? result : ended;
}

enum err edits_remove(struct edits *x, const struct store_ops *ops, struct engine *e,
                      unsigned table, uint64_t seq)
{
    struct edit *t = edit_of(x, table, seq);
    if (!t)
        return edit_new(x, ops, e, table, seq);
    if (!t->row)
        return ERR_NOTFOUND;
    uint8_t key[SEQ_BYTES];
    seq_key(key, t->first);
    return without(span_of(key, sizeof key), span_of(t->row, t->n), seq, t);
}

void edits_put(struct edits *x, const struct store_ops *ops, struct engine *e)
{
    for (size_t i = 0; i < x->count; i++) {
        const struct edit *t = &x->at[i];
        uint8_t key[SEQ_BYTES];
        seq_key(key, t->first);
        if (t->row)
            ops->put(e, t->table, span_of(key, sizeof key), span_of(t->row, t->n));
        else
            ops->del(e, t->table, span_of(key, sizeof key));
    }
    edits_reset(x);
}

void edits_reset(struct edits *x)
{
    for (size_t i = 0; i < x->count; i++)
        free(x->at[i].row);
    x->count = 0;
}
