#include "ingest/pipe/outlet.h"

#include <stdlib.h>

#include "proto/core/check.h"

enum {
    OP_HEAD_BYTES_MAX = 1 + 2 + 3 + 3, /* kind, feed, two lengths below 2 MiB */
    CURSOR_OP_BYTES_MAX = OP_HEAD_BYTES_MAX + 2 * CURSOR_BYTES_MAX
};

/* The largest record and its cursor fit one batch: else it could never be sent. */
_Static_assert(RECORD_BYTES_MAX + OUTLET_LIVE_KEY_BYTES_MAX + 2 * OP_HEAD_BYTES_MAX +
                       CURSOR_OP_BYTES_MAX <=
                   OUTLET_BATCH_BYTES_MAX,
               "a batch is too small");

struct cursor { /* the last one put into the open batch */
    uint16_t feed_id;
    size_t key_bytes, value_bytes;
    uint8_t key[CURSOR_BYTES_MAX], value[CURSOR_BYTES_MAX];
};

struct batch {      /* a closed one */
    uint8_t *bytes; /* owned; NULL until first used, then kept */
    size_t n;
    bool done; /* its receipt has come, but not yet that of an older one */
};

struct outlet {
    struct vault_link *link; /* borrowed */
    bool held;               /* the vault is away, or has not said READY */
    bool blocked;            /* the socket is full */
    uint32_t id_base;        /* id of a frame = id_base + low half of its sequence */

    /* A ring: `count` closed batches from `head`, the first `sent` of them in flight; behind
     * them the open one. */
    struct batch batch[OUTLET_QUEUE_MAX];
    size_t head, count, sent;
    uint64_t head_seq;

    struct buf open; /* in batch[head + count]; p = NULL when nothing is open */
    size_t open_records;
    uint64_t opened_us;
    size_t cursors_count;
    size_t cursors_bytes; /* what they will take at the end of the batch, at most */
    struct cursor cursor[FEEDS_MAX];

    struct outlet_counts counts;
};

enum err outlet_new(uint32_t first_id, struct outlet **out)
{
    struct outlet *o = calloc(1, sizeof *o);
    if (!o)
        return ERR_NOMEM;
    o->held = true;
    o->head_seq = 1;
    o->id_base = first_id - 1;
    *out = o;
    return OK;
}

struct outlet *outlet_free(struct outlet *o)
{
    if (!o)
        return NULL;
    for (size_t i = 0; i < OUTLET_QUEUE_MAX; i++) {
        if (o->batch[i].bytes)
            explicit_bzero(o->batch[i].bytes, OUTLET_BATCH_BYTES_MAX);
        free(o->batch[i].bytes);
    }
    explicit_bzero(o, sizeof *o);
    free(o);
    return NULL;
}

void outlet_link(struct outlet *o, struct vault_link *link)
{
    o->link = link;
}

static struct batch *batch_at(struct outlet *o, size_t i)
{
    return &o->batch[(o->head + i) % OUTLET_QUEUE_MAX];
}

/* --- putting --- */

/* Opens a batch in the first free place. The memory of a place is taken once: at most
 * OUTLET_QUEUE_MAX times in the life of the process. */
static enum err open_batch(struct outlet *o, uint64_t now_us)
{
    if (o->count == OUTLET_QUEUE_MAX)
        return ERR_FULL;
    struct batch *b = batch_at(o, o->count);
    if (!b->bytes)
        b->bytes = malloc(OUTLET_BATCH_BYTES_MAX);
    if (!b->bytes)
        return ERR_FULL; /* as if the queue were shorter */
    o->open = buf_of(b->bytes, OUTLET_BATCH_BYTES_MAX);
    o->open_records = 0;
    o->opened_us = now_us;
    return OK;
}

/* Room for an operation of n bytes in the open batch, cursors kept in mind; closes the one
 * that is too full and opens the next. */
static enum err make_room(struct outlet *o, size_t n, uint64_t now_us)
{
    if (n > OUTLET_BATCH_BYTES_MAX)
        return ERR_LIMIT;
    bool fits = o->open.p && o->open_records < BATCH_RECORDS_MAX &&
                n + o->cursors_bytes <= o->open.cap - o->open.n;
    if (fits)
        return OK;
    outlet_close_batch(o);
    return open_batch(o, now_us);
}

enum err outlet_record(struct outlet *o, struct span record, uint16_t feed_id, struct span live,
                       uint64_t now_us)
{
    if (record.n > RECORD_BYTES_MAX || live.n > OUTLET_LIVE_KEY_BYTES_MAX)
        return ERR_LIMIT;
    enum err e = make_room(o, record.n + live.n + 2 * OP_HEAD_BYTES_MAX, now_us);
    if (e != OK)
        return e;
    batch_put_record(&o->open, record);
    if (live.n)
        batch_delete_live(&o->open, feed_id, live);
    CHECK(buf_ok(&o->open));
    o->open_records++;
    return OK;
}

enum err outlet_live(struct outlet *o, uint16_t feed_id, struct span key, struct span value,
                     uint64_t now_us)
{
    enum err e = make_room(o, key.n + value.n + OP_HEAD_BYTES_MAX, now_us);
    if (e != OK)
        return e;
    if (value.n)
        batch_put_live(&o->open, feed_id, key, value);
    else
        batch_delete_live(&o->open, feed_id, key);
    CHECK(buf_ok(&o->open));
    return OK;
}

static struct cursor *cursor_find(struct outlet *o, uint16_t feed_id, struct span key)
{
    for (size_t i = 0; i < o->cursors_count; i++) {
        struct cursor *c = &o->cursor[i];
        if (c->feed_id == feed_id && span_eq(span_of(c->key, c->key_bytes), key))
            return c;
    }
    return NULL;
}

static enum err cursor_add(struct outlet *o, uint16_t feed_id, struct span key, uint64_t now_us)
{
    if (o->cursors_count == FEEDS_MAX)
        return ERR_LIMIT;
    enum err e = make_room(o, CURSOR_OP_BYTES_MAX, now_us);
    if (e != OK)
        return e;
    struct cursor *c = &o->cursor[o->cursors_count++];
    c->feed_id = feed_id;
    c->key_bytes = key.n;
    memcpy(c->key, key.p, key.n);
    o->cursors_bytes += CURSOR_OP_BYTES_MAX;
    return OK;
}

enum err outlet_cursor(struct outlet *o, uint16_t feed_id, struct span key, struct span value,
                       uint64_t now_us)
{
    if (key.n > CURSOR_BYTES_MAX || value.n > CURSOR_BYTES_MAX)
        return ERR_LIMIT;
    if (!cursor_find(o, feed_id, key)) {
        enum err e = cursor_add(o, feed_id, key, now_us);
        if (e != OK)
            return e;
    }
    struct cursor *c = cursor_find(o, feed_id, key);
    c->value_bytes = value.n;
    memcpy(c->value, value.p, value.n);
    return OK;
}

/* --- sending --- */

void outlet_close_batch(struct outlet *o)
{
    if (!o->open.p)
        return;
    for (size_t i = 0; i < o->cursors_count; i++) {
        const struct cursor *c = &o->cursor[i];
        batch_put_cursor(&o->open, c->feed_id, span_of(c->key, c->key_bytes),
                         span_of(c->value, c->value_bytes));
    }
    CHECK(buf_ok(&o->open));
    struct batch *b = batch_at(o, o->count);
    b->n = o->open.n;
    b->done = false;
    o->count++;
    o->open = buf_of(NULL, 0);
    o->cursors_count = 0;
    o->cursors_bytes = 0;
    o->counts.batches++;
}

uint64_t outlet_due_us(const struct outlet *o, uint64_t flush_us, uint64_t now_us)
{
    if (!o->open.p)
        return UINT64_MAX;
    uint64_t due = o->opened_us + flush_us;
    return due > now_us ? due - now_us : 0;
}

static uint32_t batch_id(const struct outlet *o, size_t i)
{
    return o->id_base + (uint32_t)(o->head_seq + i);
}

/* A link in the same process gives the receipt before send() returns: count first. */
enum err outlet_pump(struct outlet *o)
{
    o->blocked = false;
    while (!o->held && o->sent < o->count && o->sent < BATCHES_IN_FLIGHT_MAX) {
        size_t i = o->sent++;
        const struct batch *b = batch_at(o, i);
        uint64_t seq = o->head_seq + i;
        enum err e = vault_send(o->link, FRAME_BATCH, batch_id(o, i), span_of(b->bytes, b->n));
        if (e == OK)
            continue;
        CHECK(o->head_seq + o->sent == seq + 1); /* what was not sent has no receipt */
        o->sent--;
        o->blocked = e == ERR_FULL;
        return e == ERR_FULL ? OK : e;
    }
    return OK;
}

bool outlet_blocked(const struct outlet *o)
{
    return o->blocked;
}

void outlet_hold(struct outlet *o)
{
    o->held = true;
    o->counts.resent += o->sent;
    o->sent = 0;
}

void outlet_open(struct outlet *o)
{
    o->held = false;
}

/* Forgets the batches from the oldest on whose receipts have come. */
static void forget_done(struct outlet *o)
{
    while (o->count > 0 && o->batch[o->head].done) {
        o->head = (o->head + 1) % OUTLET_QUEUE_MAX;
        o->head_seq++;
        o->count--;
        if (o->sent > 0)
            o->sent--;
    }
}

enum err outlet_receipt(struct outlet *o, uint32_t id, struct span payload, struct diag *d)
{
    struct receipt r;
    if (receipt_decode(payload, &r, d) != OK)
        return ERR_SYNTAX;
    uint32_t i = id - batch_id(o, 0);
    if (i >= o->sent || batch_at(o, i)->done)
        return OK;
    if (r.status != OK)
        return r.status;
    o->counts.accepted += r.accepted;
    o->counts.duplicate += r.duplicate;
    o->counts.unassigned += r.unassigned;
    o->counts.refused += r.refused;
    batch_at(o, i)->done = true;
    forget_done(o);
    return OK;
}

/* --- asking --- */

bool outlet_room(const struct outlet *o)
{
    return o->count < BATCHES_IN_FLIGHT_MAX;
}

bool outlet_crowded(const struct outlet *o)
{
    return o->count >= OUTLET_QUEUE_MAX / 2;
}

bool outlet_idle(const struct outlet *o)
{
    return o->count == 0 && !o->open.p;
}

size_t outlet_waiting(const struct outlet *o)
{
    return o->count;
}

uint64_t outlet_seq(const struct outlet *o)
{
    return o->open.p ? o->head_seq + o->count : o->head_seq + o->count - 1;
}

uint64_t outlet_durable(const struct outlet *o)
{
    return o->head_seq - 1;
}

const struct outlet_counts *outlet_counts(const struct outlet *o)
{
    return &o->counts;
}
