/* commit.c - from a classified record to a sealed row: deduplicate, find the owner, seal,
 * put, count. All of it goes into the open batch; vault_flush() makes it true at once.
 *
 * Plaintext of the core part: [1] n | n bytes of assigned items (account, direction,
 * call type) | the items as ingest encoded them. The assigned ones come last when read,
 * behind those of the location part, too: no sender can overwrite them. */
#include <stdlib.h>

#include "proto/core/check.h"
#include "proto/core/instant.h"
#include "vault/state.h"

enum {
    ASSIGNED_BYTES_MAX = 64,
    TOTALS_A_MOVE = 3,    /* a reassigned call: out of one window, into two */
    TOTALS_A_TIME = 2048, /* about 20 ms of work */
};

int64_t commit_instant(const struct call *c)
{
    const int64_t instants[] = {c->t_start, c->t_answer, c->t_end, c->t_event_src, c->t_receive};
    for (size_t i = 0; i < sizeof instants / sizeof instants[0]; i++)
        if (instants[i] != 0)
            return instants[i];
    return 0;
}

uint32_t commit_month(const struct vault *v, const struct call *c)
{
    return store_month(v->store, instant_month(commit_instant(c)), v->month_now);
}

int64_t commit_day(const struct call *c)
{
    return instant_day(commit_instant(c));
}

/* A call between two customers makes two records; the second one's duplicate tag differs in
 * its last bit, which is 0 in the first one's. */
static void duplicate_tag(struct vault *v, uint16_t feed, struct span dedup,
                          uint8_t out[static DUP_TAG_BYTES])
{
    struct buf b = buf_of(arena_alloc(&v->scratch, 2 + dedup.n), 2 + dedup.n);
    CHECK(b.p); /* a record fits the scratch several times */
    buf_be16(&b, feed);
    buf_put(&b, dedup);
    keyring_prf(v->keys, PRF_DUPLICATE, buf_span(&b), out, DUP_TAG_BYTES);
    out[DUP_TAG_BYTES - 1] &= 0xfe;
    arena_reset(&v->scratch);
}

/* One row to be written: a record as one customer's. */
struct row {
    struct owner owner;
    enum direction direction;
    bool second; /* the terminating side's record of the same call */
};

/* Who gets a record. 0: nobody, the feed's unassigned customer does. */
static size_t rows_of(const struct owners *o, struct row out[static 2])
{
    bool from = o->originating.customer != 0, to = o->terminating.customer != 0;
    if (from && to && o->originating.customer == o->terminating.customer) {
        out[0] = (struct row){o->originating, DIRECTION_INTERNAL, false};
        return 1;
    }
    size_t n = 0;
    if (from)
        out[n++] = (struct row){o->originating, DIRECTION_ORIGINATING, false};
    if (to) {
        out[n] = (struct row){o->terminating, DIRECTION_TERMINATING, n > 0};
        n++;
    }
    return n;
}

static void assign(struct call *c, const struct row *row)
{
    c->customer = row->owner.customer;
    c->account = row->owner.account;
    c->direction = (uint8_t)row->direction;
    if (row->direction == DIRECTION_INTERNAL)
        c->call_type = CALL_TYPE_INTERNAL;
}

enum { TAG_ACCOUNT = 10, TAG_DIRECTION = 11, TAG_CALL_TYPE = 120 };

static void encode_core(struct buf *b, const struct call *c, struct span items)
{
    uint8_t assigned[ASSIGNED_BYTES_MAX];
    struct buf a = buf_of(assigned, sizeof assigned);
    record_put_uint(&a, TAG_ACCOUNT, c->account);
    record_put_uint(&a, TAG_DIRECTION, c->direction);
    record_put_uint(&a, TAG_CALL_TYPE, c->call_type);
    buf_u8(b, (uint8_t)a.n);
    buf_put(b, buf_span(&a));
    buf_put(b, items);
}

/* Seals under the owner's key and appends to the open batch. */
static enum err put_row(struct vault *v, const struct call *c, const struct row *row,
                        const struct record_parts *parts, const uint8_t dup[static DUP_TAG_BYTES])
{
    uint8_t head[RECORD_HEAD_BYTES];
    uint64_t seq = store_next_seq(v->store);
    uint32_t month = commit_month(v, c);
    struct record_head h = {.incarnation = sealer_incarnation_id(v->sealer)};
    /* No more than is needed: all of it is wiped behind each record. */
    size_t core_bytes = 1 + ASSIGNED_BYTES_MAX + parts->core.n;
    size_t value_bytes =
        RECORD_HEAD_BYTES + core_bytes + parts->location.n + SEAL_OVERHEAD_BYTES_MAX;
    struct buf core = buf_of(arena_alloc(&v->scratch, core_bytes), core_bytes);
    struct buf value = buf_of(arena_alloc(&v->scratch, value_bytes), value_bytes);
    CHECK(core.p && value.p); /* SCRATCH_BYTES holds several of the largest record */
    enum err e = keyring_month_ensure(v->keys, month, v->now_us, NULL);
    if (e == OK)
        e = sealer_day_tag(v->sealer, row->owner.customer, month, commit_day(c), h.day_tag);
    if (e == OK)
        e = sealer_mask(v->sealer, h.incarnation, seq, row->owner.customer, &h.owner_masked);
    if (e != OK)
        return e;
    memcpy(h.dup_tag, dup, DUP_TAG_BYTES);
    h.dup_tag[DUP_TAG_BYTES - 1] |= row->second;
    record_head_encode(head, &h);
    encode_core(&core, c, parts->core);
    buf_bytes(&value, head, sizeof head);
    struct seal_place place = {row->owner.customer, month, h.incarnation, seq,
                               span_of(head, sizeof head)};
    e = buf_ok(&core) ? sealer_seal(v->sealer, &place, buf_span(&core), parts->location, &value)
                      : ERR_LIMIT;
    if (e == OK)
        e = txn_record(vault_txn(v), month, seq, buf_span(&value));
    v->txn_records += e == OK;
    return e;
}

/* What a call adds to the totals. ERR_NOTFOUND: nothing. It has no instant, or it is an
 * unassigned one where the configuration keeps those out of usage. */
static enum err effect(const struct vault *v, const struct call *c, struct usage_key *key,
                       struct usage_totals *delta)
{
    return c->account == 0 ? ERR_NOTFOUND : usage_delta(&v->rules, c, key, delta);
}

static enum err count_usage(struct vault *v, const struct call *c)
{
    struct usage_key key;
    struct usage_totals delta;
    if (effect(v, c, &key, &delta) != OK)
        return OK;
    return windows_add(v->windows, &key, store_next_seq(v->store) - 1, &delta);
}

static enum err unassigned_row(struct vault *v, struct feed *f, struct row *out)
{
    *out = (struct row){.direction = DIRECTION_UNKNOWN};
    enum err e = feed_unassigned(v, f, &out->owner);
    if (!v->options.unassigned_in_usage)
        out->owner.account = 0;
    return e;
}

static enum err put_rows(struct vault *v, struct feed *f, struct call *c,
                         const struct record_parts *parts, const uint8_t dup[static DUP_TAG_BYTES],
                         struct receipt *receipt)
{
    struct owners owners;
    struct row row[2];
    directory_resolve(v->directory, c, &owners);
    size_t n = rows_of(&owners, row);
    uint8_t call_type = c->call_type;
    if (n == 0) {
        enum err e = unassigned_row(v, f, &row[0]);
        if (e != OK)
            return e;
        n = 1;
        receipt->unassigned++;
        v->totals.unassigned++;
        f->counts.unassigned++;
    }
    for (size_t i = 0; i < n; i++) {
        c->call_type = call_type;
        assign(c, &row[i]);
        enum err e = put_row(v, c, &row[i], parts, dup);
        if (e == OK)
            e = count_usage(v, c);
        arena_reset(&v->scratch);
        if (e != OK)
            return e;
    }
    receipt->accepted++;
    v->totals.accepted++;
    f->counts.accepted++;
    return OK;
}

/* Is it a record that this worker may send, of a feed that it greeted with? */
static bool feed_of_session(const struct session *s, uint16_t feed)
{
    for (size_t i = 0; i < s->feeds_count; i++)
        if (s->feed_id[i] == feed)
            return true;
    return false;
}

/* Counted, not fatal: one bad record stops no other (I10). */
static enum err refuse_record(struct vault *v, struct feed *f, struct receipt *receipt)
{
    receipt->refused++;
    v->totals.refused++;
    if (f)
        f->counts.refused++;
    return OK;
}

static enum err commit_record(struct session *s, struct span wire, struct receipt *receipt)
{
    struct vault *v = s->vault;
    struct record_parts parts;
    struct record r;
    uint8_t dup[DUP_TAG_BYTES];
    bool seen;
    record_reset(&r);
    enum err e = wire.n <= RECORD_BYTES_MAX ? record_split(wire, &parts, NULL) : ERR_LIMIT;
    /* Both parts: what does not read now would not open at the next recovery. */
    if (e == OK)
        e = record_decode_items(parts.core, &r, NULL);
    if (e == OK)
        e = record_decode_items(parts.location, &r, NULL);
    /* Whose it is says the directory, not the sender. */
    bool claims = r.call.customer || r.call.account || r.call.direction;
    bool ours = feed_of_session(s, r.call.feed_id);
    struct feed *f = ours ? feed_by_id(v, r.call.feed_id) : NULL;
    if (e != OK || claims || parts.dedup.n == 0 || !f)
        return refuse_record(v, f, receipt);
    f->counts.heard_us = v->batch_us;
    duplicate_tag(v, r.call.feed_id, parts.dedup, dup);
    e = store_seen(v->store, dup, &seen);
    if (e != OK)
        return e;
    if (seen) {
        receipt->duplicate++;
        v->totals.duplicates++;
        f->counts.duplicates++;
        return OK;
    }
    return put_rows(v, f, &r.call, &parts, dup, receipt);
}

static enum err commit_op(struct session *s, const struct batch_op *op, struct receipt *receipt)
{
    switch (op->kind) {
    case BATCH_RECORD:
        return commit_record(s, op->value, receipt);
    case BATCH_CURSOR:
        return feed_cursor(s->vault, op);
    case BATCH_LIVE_PUT:
    case BATCH_LIVE_DELETE:
        return feed_live(s->vault, op);
    }
    return ERR_SYNTAX;
}

/* Room for `n` more totals that change: of those that did, at least rows_max are made durable,
 * with the records that they are of. */
static enum err make_totals_room(struct vault *v, size_t n, size_t rows_max)
{
    if (windows_room(v->windows, n))
        return OK;
    size_t rows = n > rows_max ? n : rows_max;
    uint64_t last = store_next_seq(v->store) - 1;
    enum err e = windows_write(v->windows, vault_txn(v), rows, last);
    return e == OK ? vault_flush(v) : e;
}

/* May this session do it, and is it of a size that we store? */
static bool acceptable(const struct session *s, const struct batch_op *op)
{
    if (op->kind == BATCH_RECORD)
        return true; /* judged, and refused, by itself */
    size_t key_max = op->kind == BATCH_CURSOR ? CURSOR_BYTES_MAX : FIELD_BYTES_MAX;
    size_t value_max = op->kind == BATCH_CURSOR ? CURSOR_BYTES_MAX : PAIR_VALUE_BYTES_MAX;
    /* People bring records; where a feed goes on, and its live dialogs, are its worker's. */
    return s->peer.worker && feed_of_session(s, op->feed_id) && op->key.n <= key_max &&
           op->value.n <= value_max;
}

/* The whole of a batch is read before any of it is done: applied whole or not at all. */
static enum err check_batch(const struct session *s, struct reader r, size_t *out_records)
{
    struct batch_op op;
    size_t records = 0;
    while (reader_more(&r)) {
        if (batch_next(&r, &op, NULL) != OK || !acceptable(s, &op))
            return ERR_SYNTAX;
        records += op.kind == BATCH_RECORD;
    }
    *out_records = records;
    return records <= BATCH_RECORDS_MAX ? OK : ERR_SYNTAX;
}

/* What waits for a restarted vault, or comes from many workers in one turn, can be more than
 * one batch of the store takes: then what is gathered becomes durable first. In front of a
 * worker's batch and never inside: that one is durable whole or not at all (I3). */
static enum err make_room(struct vault *v, size_t records)
{
    _Static_assert(2 * BATCH_RECORDS_MAX <= TXN_RECORDS_MAX, "a call may make two rows");
    bool fits = !v->txn || v->txn_records + 2 * records <= TXN_RECORDS_MAX;
    enum err e = fits ? OK : vault_flush(v);
    return e == OK ? make_totals_room(v, 2 * records, TOTALS_A_TIME) : e;
}

/* A worker is told, and ends: its channel outlives it, so closing it here would only leave it
 * waiting. Anybody else is closed. */
static enum err refuse_batch(struct session *s, uint32_t id)
{
    if (!s->peer.worker)
        return ERR_SYNTAX;
    s->due[s->due_count++] = (struct receipt_due){id, {.status = ERR_SYNTAX}};
    return OK;
}

enum err commit_batch(struct session *s, uint32_t id, struct span batch)
{
    vault_look_at_clock(s->vault);
    struct reader r = reader_of(batch);
    struct receipt receipt = {.status = OK};
    struct batch_op op;
    struct diag d;
    size_t records;
    if (s->due_count == BATCHES_IN_FLIGHT_MAX) /* our own clients never have more unanswered */
        return ERR_SYNTAX;
    if (check_batch(s, r, &records) != OK)
        return refuse_batch(s, id);
    enum err room = make_room(s->vault, records);
    if (room != OK)
        return room;
    vault_txn(s->vault);
    s->vault->batch_us = vault_monotonic(s->vault);
    while (reader_more(&r)) {
        enum err e = batch_next(&r, &op, &d);
        if (e == OK)
            e = commit_op(s, &op, &receipt);
        if (e != OK)
            return e;
    }
    s->due[s->due_count++] = (struct receipt_due){id, receipt};
    s->vault->totals.batches++;
    return OK;
}

void commit_receipts_begin(struct session *s)
{
    s->due_committing = s->due_count;
}

void commit_receipts_send(struct session *s)
{
    for (size_t i = 0; i < s->due_committing; i++) {
        uint8_t bytes[64];
        struct buf b = buf_of(bytes, sizeof bytes);
        receipt_encode(&s->due[i].receipt, &b);
        session_reply(s, FRAME_RECEIPT, s->due[i].id, buf_span(&b));
    }
    s->due_count -= s->due_committing;
    memmove(s->due, s->due + s->due_committing, s->due_count * sizeof s->due[0]);
    s->due_committing = 0;
}

/* --- opening --- */

static enum err decode_parts(struct span core, struct span location, struct record *r)
{
    struct reader in = reader_of(core);
    struct span assigned = reader_take(&in, reader_u8(&in));
    if (!reader_ok(&in))
        return ERR_SYNTAX;
    enum err e = record_decode_items(span_from(core, reader_at(&in)), r, NULL);
    if (e == OK)
        e = record_decode_items(location, r, NULL);
    return e == OK ? record_decode_items(assigned, r, NULL) : e;
}

enum err commit_open(struct vault *v, const struct grant *g, uint32_t month, uint64_t seq,
                     struct span value, struct arena *a, struct opened *out)
{
    struct record_head h;
    struct span sealed;
    struct buf core = buf_of(arena_alloc(a, value.n), value.n);
    struct buf location = buf_of(arena_alloc(a, value.n), value.n);
    if (!core.p || !location.p)
        return ERR_NOMEM;
    enum err e = record_head_decode(value, &h, &sealed);
    if (e == OK)
        e = sealer_mask(v->sealer, h.incarnation, seq, h.owner_masked, &out->customer);
    if (e != OK)
        return e;
    struct seal_place place = {out->customer, month, h.incarnation, seq,
                               span_sub(value, 0, RECORD_HEAD_BYTES)};
    record_reset(&out->record);
    e = sealer_open(v->sealer, g, &place, sealed, &core, &location);
    if (e == OK)
        e = decode_parts(buf_span(&core), buf_span(&location), &out->record);
    out->record.call.customer = out->customer;
    return e;
}

struct recovery {
    struct vault *vault;
    struct arena arena;
    enum err e;
};

static enum err fold_usage(struct vault *v, const struct call *c, uint64_t seq)
{
    struct usage_key key;
    struct usage_totals delta;
    if (effect(v, c, &key, &delta) != OK)
        return OK;
    enum err e = windows_add(v->windows, &key, seq, &delta);
    if (e != ERR_FULL)
        return e;
    e = windows_checkpoint(v->windows, vault_txn(v), seq - 1);
    if (e == OK)
        e = vault_flush(v);
    return e == OK ? windows_add(v->windows, &key, seq, &delta) : e;
}

/* A record of an erased customer does not open: its totals stay as they were checkpointed. */
static bool fold_record(void *arg, uint32_t month, uint64_t seq, struct span value)
{
    struct recovery *r = arg;
    struct vault *v = r->vault;
    struct grant g = grant_system();
    struct opened o;
    arena_reset(&r->arena);
    r->e = commit_open(v, &g, month, seq, value, &r->arena, &o);
    if (r->e == ERR_NOTFOUND) {
        r->e = OK;
        return true;
    }
    if (r->e == OK)
        r->e = fold_usage(v, &o.record.call, seq);
    return r->e == OK;
}

enum err commit_recover(struct vault *v, struct diag *d)
{
    struct recovery r = {.vault = v};
    enum err e = arena_init(&r.arena, (size_t)4 * RECORD_BYTES_MAX);
    if (e == OK)
        e = store_walk_records(v->store, windows_included(v->windows) + 1, fold_record, &r);
    arena_done(&r.arena);
    if (e == OK)
        e = r.e;
    if (e == ERR_FORGED || e == ERR_SYNTAX)
        return diag_set(d, ERR_FORGED,
                        "a record behind the last checkpoint does not open: "
                        "run cpnictl verify, restore a backup",
                        0);
    return e;
}

/* --- reassignment --- */

/* The caller checkpoints in the same batch: recovery only adds. */
static enum err uncount_usage(struct vault *v, const struct call *c)
{
    struct usage_key key;
    struct usage_totals delta;
    return effect(v, c, &key, &delta) == OK ? windows_subtract(v->windows, &key, &delta) : OK;
}

/* The items as they were stored, less the assigned ones: what the new owner's row holds. */
static enum err reencode(const struct opened *o, struct buf *b, struct record_parts *out)
{
    struct record r = o->record;
    r.call.customer = 0;
    r.call.account = 0;
    r.call.direction = DIRECTION_UNKNOWN;
    if (r.call.call_type == CALL_TYPE_INTERNAL)
        r.call.call_type = CALL_TYPE_UNKNOWN;
    enum err e = record_encode(&r, b);
    return e == OK ? record_split(buf_span(b), out, NULL) : e;
}

enum err commit_reassign(struct vault *v, uint32_t month, uint64_t seq, struct span value,
                         bool *out_moved)
{
    struct grant g = grant_system();
    struct record_head h;
    struct span sealed;
    struct opened o;
    struct owners owners;
    struct row row[2];
    struct record_parts parts;
    struct arena a;
    *out_moved = false;
    enum err e = arena_init(&a, (size_t)6 * RECORD_BYTES_MAX);
    if (e != OK)
        return e;
    struct buf wire = buf_of(arena_alloc(&a, RECORD_BYTES_MAX), RECORD_BYTES_MAX);
    e = record_head_decode(value, &h, &sealed);
    if (e == OK)
        e = commit_open(v, &g, month, seq, value, &a, &o);
    if (e != OK)
        goto out;
    directory_resolve(v->directory, &o.record.call, &owners);
    size_t n = rows_of(&owners, row);
    if (n == 0)
        goto out;                                     /* still nobody's */
    e = make_totals_room(v, TOTALS_A_MOVE, SIZE_MAX); /* all: some may have been taken from */
    if (e == OK)
        e = reencode(&o, &wire, &parts);
    if (e == OK)
        e = uncount_usage(v, &o.record.call);
    if (e == OK)
        txn_record_delete(vault_txn(v), month, seq, h.day_tag);
    for (size_t i = 0; e == OK && i < n; i++) {
        struct call c = o.record.call;
        assign(&c, &row[i]);
        e = put_row(v, &c, &row[i], &parts, h.dup_tag);
        if (e == OK)
            e = count_usage(v, &c);
        arena_reset(&v->scratch);
    }
    *out_moved = e == OK;
out:
    arena_done(&a);
    return e;
}
