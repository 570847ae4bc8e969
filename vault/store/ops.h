/* ops.h - what a store stands on: tables of rows in order of their keys, one batch that is
 * applied whole, and sorted runs added from the side. store.c knows records, indexes and
 * the head record; an engine knows none of them.
 *
 * Tables. 0 .. FAMILY_COUNT - 1 are the families of store.h, FAMILY_COUNT + i is the i-th
 * month, in the order of months() and month_add(). Tables never go away while open. */
#ifndef CPNI_STORE_OPS_H
#define CPNI_STORE_OPS_H

#include "vault/store/store.h"

enum { TABLES_MAX = FAMILY_COUNT + STORE_MONTHS_MAX };

struct engine; /* each engine defines its own */
struct cursor;

/* Rows of an index in strictly ascending order of keys. */
struct run_row {
    uint8_t key[16];
    uint8_t value[8];
    size_t value_bytes; /* 0 or 8 */
};
struct run {
    bool (*next)(void *arg, struct run_row *row); /* false: no more */
    void *arg;
};

struct store_ops {
    const char *name;
    bool durable; /* what is committed outlives the process: there is a head record */

    /* Start: blocks. ERR_CONFLICT, ERR_NOTFOUND, ERR_FORGED (damaged log), ERR_STORE. */
    enum err (*open)(const struct store_options *o, struct engine **out, struct diag *d);
    void (*close)(struct engine *e); /* frees all; cursors must be gone */

    /* Months that have a table, at most max; caller's thread. */
    size_t (*months)(struct engine *e, uint32_t *out, size_t max);
    enum err (*month_add)(struct engine *e, uint32_t month); /* caller's thread; syncs */

    /* Any thread. Appends to out; ERR_NOTFOUND, ERR_LIMIT, ERR_STORE. */
    enum err (*get)(struct engine *e, unsigned table, struct span key, struct buf *out);
    enum err (*last_key)(struct engine *e, unsigned table, struct buf *out);

    /* Any thread. Cursors at the first row >= from of each table, all of one moment; each
     * must be freed. A cursor belongs to one thread. */
    enum err (*cursors)(struct engine *e, const unsigned *tables, size_t count, struct span from,
                        struct cursor **out);
    /* To the last row <= key; to the first row, when there is none. */
    void (*cursor_floor)(struct cursor *c, struct span key);
    bool (*cursor_row)(struct cursor *c, struct span *key, struct span *value); /* false: end */
    void (*cursor_next)(struct cursor *c);
    enum err (*cursor_free)(struct cursor *c); /* ERR_STORE: it ended early */

    /* Two batches. put and del go into the open one (caller's thread; they copy). turn closes
     * it and opens the other, which must have been committed. commit syncs and empties the
     * closed one; blocks; any one thread. */
    void (*put)(struct engine *e, unsigned table, struct span key, struct span value);
    void (*del)(struct engine *e, unsigned table, struct span key);
    void (*turn)(struct engine *e);
    enum err (*commit)(struct engine *e);

    /* Adds a run to a table, durable on return; any one thread beside the writer's. Adding
     * the same rows again changes nothing. */
    enum err (*add_run)(struct engine *e, unsigned table, struct run *run);

    uint64_t (*disk_bytes)(struct engine *e); /* caller's thread */
};

#endif
