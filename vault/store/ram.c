/* ram.c - the engine of unit tests: tables are sorted arrays of rows that never change, so
 * a cursor is a copy of the array and sees one moment whatever is committed meanwhile. It
 * allocates as it goes; a test that runs out of memory may die. */
#include <pthread.h>
#include <stdlib.h>

#include "proto/core/check.h"
#include "vault/store/ops.h"

struct row {
    unsigned refs, table;
    bool deleted; /* in a batch: take the row away */
    size_t key_bytes, value_bytes;
    uint8_t bytes[]; /* key, then value */
};

struct rows {
    struct row **at;
    size_t count, cap;
};

struct engine {
    pthread_mutex_t lock; /* around tables; a batch is one thread's alone */
    struct rows tables[TABLES_MAX], batches[2];
    unsigned open; /* which of the batches */
    uint32_t months[STORE_MONTHS_MAX];
    size_t months_count;
};

struct cursor {
    struct engine *engine;
    struct rows rows;
    size_t at;
};

static struct row *row_new(unsigned table, struct span key, struct span value, bool deleted)
{
    struct row *r = malloc(sizeof *r + key.n + value.n);
    CHECK(r);
    *r = (struct row){1, table, deleted, key.n, value.n};
    if (key.n)
        memcpy(r->bytes, key.p, key.n);
    if (value.n)
        memcpy(r->bytes + key.n, value.p, value.n);
    return r;
}

static void row_drop(struct row *r)
{
    if (--r->refs == 0)
        free(r);
}

static struct span row_key(const struct row *r)
{
    return span_of(r->bytes, r->key_bytes);
}

static struct span row_value(const struct row *r)
{
    return span_of(r->bytes + r->key_bytes, r->value_bytes);
}

static void rows_insert(struct rows *rows, size_t at, struct row *r)
{
    if (rows->count == rows->cap) {
        rows->cap = rows->cap ? 2 * rows->cap : 16;
        rows->at = realloc(rows->at, rows->cap * sizeof *rows->at);
        CHECK(rows->at);
    }
    memmove(rows->at + at + 1, rows->at + at, (rows->count - at) * sizeof *rows->at);
    rows->at[at] = r;
    rows->count++;
}

static void rows_remove(struct rows *rows, size_t at)
{
    row_drop(rows->at[at]);
    rows->count--;
    memmove(rows->at + at, rows->at + at + 1, (rows->count - at) * sizeof *rows->at);
}

static void rows_done(struct rows *rows)
{
    for (size_t i = 0; i < rows->count; i++)
        row_drop(rows->at[i]);
    free(rows->at);
    *rows = (struct rows){0};
}

/* Index of the first row with key >= key. */
static size_t rows_find(const struct rows *rows, struct span key)
{
    size_t low = 0, high = rows->count;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        if (span_cmp(row_key(rows->at[mid]), key) < 0)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

/* Takes r. */
static void apply(struct engine *e, struct row *r)
{
    struct rows *rows = &e->tables[r->table];
    size_t at = rows_find(rows, row_key(r));
    if (at < rows->count && span_eq(row_key(rows->at[at]), row_key(r)))
        rows_remove(rows, at);
    if (r->deleted)
        row_drop(r);
    else
        rows_insert(rows, at, r);
}

static enum err ram_open(const struct store_options *o, struct engine **out, struct diag *d)
{
    if (!o->create)
        return diag_set(d, ERR_NOTFOUND, "a store in memory begins empty", 0);
    struct engine *e = calloc(1, sizeof *e);
    if (!e)
        return ERR_NOMEM;
    pthread_mutex_init(&e->lock, NULL);
    *out = e;
    return OK;
}

static void ram_close(struct engine *e)
{
    if (!e)
        return;
    for (size_t i = 0; i < TABLES_MAX; i++)
        rows_done(&e->tables[i]);
    rows_done(&e->batches[0]);
    rows_done(&e->batches[1]);
    pthread_mutex_destroy(&e->lock);
    free(e);
}

static size_t ram_months(struct engine *e, uint32_t *out, size_t max)
{
    size_t n = e->months_count < max ? e->months_count : max;
    memcpy(out, e->months, n * sizeof *out);
    return n;
}

static enum err ram_month_add(struct engine *e, uint32_t month)
{
    CHECK(e->months_count < STORE_MONTHS_MAX);
    e->months[e->months_count++] = month;
    return OK;
}

static enum err append(struct buf *out, struct span s)
{
    buf_put(out, s);
    return buf_ok(out) ? OK : ERR_LIMIT;
}

static enum err ram_get(struct engine *e, unsigned table, struct span key, struct buf *out)
{
    pthread_mutex_lock(&e->lock);
    const struct rows *rows = &e->tables[table];
    size_t at = rows_find(rows, key);
    enum err result = ERR_NOTFOUND;
    if (at < rows->count && span_eq(row_key(rows->at[at]), key))
        result = append(out, row_value(rows->at[at]));
    pthread_mutex_unlock(&e->lock);
    return result;
}

static enum err ram_last_key(struct engine *e, unsigned table, struct buf *out)
{
    pthread_mutex_lock(&e->lock);
    const struct rows *rows = &e->tables[table];
    enum err result = rows->count ? append(out, row_key(rows->at[rows->count - 1])) : ERR_NOTFOUND;
    pthread_mutex_unlock(&e->lock);
    return result;
}

static struct cursor *cursor_copy(struct engine *e, const struct rows *rows, size_t at)
{
    struct cursor *c = calloc(1, sizeof *c);
    CHECK(c);
    c->engine = e;
    c->at = at;
    for (size_t i = 0; i < rows->count; i++) {
        rows->at[i]->refs++;
        rows_insert(&c->rows, c->rows.count, rows->at[i]);
    }
    return c;
}

static enum err ram_cursors(struct engine *e, const unsigned *tables, size_t count,
                            struct span from, struct cursor **out)
{
    pthread_mutex_lock(&e->lock);
    for (size_t i = 0; i < count; i++) {
        const struct rows *rows = &e->tables[tables[i]];
        out[i] = cursor_copy(e, rows, rows_find(rows, from));
    }
    pthread_mutex_unlock(&e->lock);
    return OK;
}

static void ram_cursor_floor(struct cursor *c, struct span key)
{
    c->at = rows_find(&c->rows, key);
    bool found = c->at < c->rows.count && span_eq(row_key(c->rows.at[c->at]), key);
    if (!found && c->at > 0)
        c->at--;
}

static bool ram_cursor_row(struct cursor *c, struct span *key, struct span *value)
{
    if (c->at == c->rows.count)
        return false;
    *key = row_key(c->rows.at[c->at]);
    *value = row_value(c->rows.at[c->at]);
    return true;
}

static void ram_cursor_next(struct cursor *c)
{
    c->at++;
}

static enum err ram_cursor_free(struct cursor *c)
{
    pthread_mutex_lock(&c->engine->lock);
    rows_done(&c->rows);
    pthread_mutex_unlock(&c->engine->lock);
    free(c);
    return OK;
}

static void batch_add(struct engine *e, struct row *r)
{
    struct rows *open = &e->batches[e->open];
    rows_insert(open, open->count, r);
}

static void ram_put(struct engine *e, unsigned table, struct span key, struct span value)
{
    batch_add(e, row_new(table, key, value, false));
}

static void ram_del(struct engine *e, unsigned table, struct span key)
{
    batch_add(e, row_new(table, key, SPAN_EMPTY, true));
}

static void ram_turn(struct engine *e)
{
    e->open = !e->open;
    CHECK(e->batches[e->open].count == 0);
}

static enum err ram_commit(struct engine *e)
{
    struct rows *closed = &e->batches[!e->open];
    pthread_mutex_lock(&e->lock);
    for (size_t i = 0; i < closed->count; i++)
        apply(e, closed->at[i]);
    pthread_mutex_unlock(&e->lock);
    closed->count = 0;
    return OK;
}

static enum err ram_add_run(struct engine *e, unsigned table, struct run *run)
{
    struct run_row row;
    while (run->next(run->arg, &row)) {
        struct row *r = row_new(table, span_of(row.key, sizeof row.key),
                                span_of(row.value, row.value_bytes), false);
        pthread_mutex_lock(&e->lock);
        apply(e, r);
        pthread_mutex_unlock(&e->lock);
    }
    return OK;
}

static uint64_t ram_disk_bytes(struct engine *e)
{
    (void)e; /* none, by its nature */
    return 0;
}

const struct store_ops STORE_RAM = {
    .name = "ram",
    .durable = false,
    .open = ram_open,
    .close = ram_close,
    .months = ram_months,
    .month_add = ram_month_add,
    .get = ram_get,
    .last_key = ram_last_key,
    .cursors = ram_cursors,
    .cursor_floor = ram_cursor_floor,
    .cursor_row = ram_cursor_row,
    .cursor_next = ram_cursor_next,
    .cursor_free = ram_cursor_free,
    .put = ram_put,
    .del = ram_del,
    .turn = ram_turn,
    .commit = ram_commit,
    .add_run = ram_add_run,
    .disk_bytes = ram_disk_bytes,
};
