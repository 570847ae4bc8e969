#include <stdlib.h>

#include "proto/core/check.h"
#include "proto/core/reader.h"
#include "vault/store/inside.h"

/* Rows of family meta that are the store's own; the vault keeps clear of "store/". */
static const struct span KEY_STATE = SPAN_LIT("store/state");
const struct span STORE_KEY_SEALED = SPAN_LIT("store/sealed");

/* state = [1] format | [8] commit | [8] next sequence | [8] records | [8] unsealed | [40] note
 * unsealed: of the records, those behind the sealed segments. A restart counts them, so that
 * rows which are gone although the state row is not (the log lost between two flushes) are
 * missed at once.
 * sealed = [8] greatest sequence whose index entries are in the families */
enum { STATE_FORMAT = 1, STATE_BYTES = 1 + 4 * 8 + HEAD_NOTE_BYTES };

/* 0 = the family of all other months. */
static size_t month_slot(uint32_t month)
{
    bool in_range =
        month >= MONTH_FIRST && month <= MONTH_LAST && month % 100 >= 1 && month % 100 <= 12;
    return in_range ? (month / 100 - MONTH_FIRST / 100) * 12 + month % 100 : 0;
}

static unsigned month_table(const struct store *s, uint32_t month)
{
    return table_of_slot(s, month_slot(month));
}

/* Has it a table, or is there a place for one? One is kept for month 0 itself. */
static bool month_fits(const struct store *s, uint32_t month)
{
    bool room = s->months_count < STORE_MONTHS_MAX - 1;
    return month == 0 || (month_slot(month) && (month_table(s, month) || room));
}

static bool is_near(uint32_t month, uint32_t now)
{
    size_t at = month_slot(month), today = month_slot(now);
    return at && today && at + STORE_MONTHS_BACK >= today && at <= today + STORE_MONTHS_AHEAD;
}

uint32_t store_month(const struct store *s, uint32_t month, uint32_t now)
{
    bool own = month_slot(month) && (month_table(s, month) || is_near(month, now));
    return own && month_fits(s, month) ? month : 0;
}

static void month_known(struct store *s, uint32_t month)
{
    unsigned table = FAMILY_COUNT + (unsigned)s->months_count++;
    atomic_store_explicit(&s->tables[month_slot(month)], (uint16_t)table, memory_order_release);
}

static enum err month_table_ensure(struct store *s, uint32_t month, unsigned *out)
{
    *out = month_table(s, month);
    if (*out)
        return OK;
    enum err e = s->ops->month_add(s->engine, month);
    if (e != OK)
        return e;
    month_known(s, month);
    *out = month_table(s, month);
    return OK;
}

/* --- open --- */

static enum err sealed_get(struct store *s, uint64_t *out)
{
    uint8_t be[SEQ_BYTES];
    struct buf b = buf_of(be, sizeof be);
    enum err e = store_get(s, FAMILY_META, STORE_KEY_SEALED, &b);
    if (e != OK) /* ERR_NOTFOUND: no segment was sealed yet */
        return e == ERR_NOTFOUND ? OK : e;
    struct reader r = reader_of(buf_span(&b));
    *out = reader_be64(&r);
    return reader_ok(&r) ? OK : ERR_FORGED;
}

static void state_put(struct store *s)
{
    uint8_t bytes[STATE_BYTES];
    struct buf b = buf_of(bytes, sizeof bytes);
    buf_u8(&b, STATE_FORMAT);
    buf_be64(&b, s->head.commit);
    buf_be64(&b, s->head.next_seq);
    buf_be64(&b, s->records);
    buf_be64(&b, index_live(s->index));
    buf_bytes(&b, s->head.note, HEAD_NOTE_BYTES);
    s->ops->put(s->engine, FAMILY_META, KEY_STATE, buf_span(&b));
}

static const char NO_STATE[] =
    "the database has lost its newest state: its log is missing. Restore the log or a backup, or "
    "accept the loss (cpnictl recover) and replay the feeds";

static enum err state_get(struct store *s, struct diag *d)
{
    uint8_t bytes[STATE_BYTES];
    struct buf b = buf_of(bytes, sizeof bytes);
    enum err e = store_get(s, FAMILY_META, KEY_STATE, &b);
    if (e == ERR_NOTFOUND) /* as a deleted log leaves it, or a creation that was cut short */
        return diag_set(d, ERR_FORGED, NO_STATE, 0);
    if (e != OK)
        return diag_set(d, e == ERR_LIMIT ? ERR_VERSION : e, "state row of the database", 0);
    struct reader r = reader_of(buf_span(&b));
    if (reader_u8(&r) != STATE_FORMAT)
        return diag_set(d, ERR_VERSION, "the database was written by a later version", 0);
    s->head.commit = reader_be64(&r);
    s->head.next_seq = reader_be64(&r);
    s->records = reader_be64(&r);
    s->unsealed = reader_be64(&r);
    struct span note = reader_take(&r, HEAD_NOTE_BYTES);
    if (!reader_ok(&r))
        return diag_set(d, ERR_FORGED, "state row of the database is short", 0);
    memcpy(s->head.note, note.p, HEAD_NOTE_BYTES);
    return OK;
}

/* State row first, as in a commit: a head record alone would be ahead of the database. */
static enum err state_write(struct store *s, const struct store_options *o, struct diag *d)
{
    s->head.commit++;
    state_put(s);
    head_close(&s->head_file);
    s->ops->turn(s->engine);
    enum err e = s->ops->commit(s->engine);
    if (e == OK && s->ops->durable)
        e = head_create(o, &s->head, &s->head_file);
    return e == OK ? OK : diag_set(d, e, "state row or head record cannot be written", 0);
}

static const char BEHIND[] =
    "the database is behind its head record: part of its log is missing. Stop; restore the log or "
    "a backup taken with its head record, or accept the loss (cpnictl recover) and replay the "
    "feeds";
static const char NO_HEAD[] = "the head record is missing or damaged: restore it from a backup, or "
                              "accept the loss (cpnictl recover)";
static const char OTHER_HEAD[] =
    "database and head record are of different stores: restore both from one backup";

/* Is the database what the head record says, or one crash further? */
static enum err head_check(const struct store *s, const struct head *noted, struct diag *d)
{
    if (s->head.commit < noted->commit || s->head.next_seq < noted->next_seq)
        return diag_set(d, ERR_FORGED, BEHIND, 0);
    if (s->head.commit == noted->commit && memcmp(s->head.note, noted->note, HEAD_NOTE_BYTES) != 0)
        return diag_set(d, ERR_FORGED, OTHER_HEAD, 0);
    return OK;
}

static bool count_row(void *arg, uint32_t month, uint64_t seq, struct span value)
{
    (void)month, (void)value;
    struct store *s = arg;
    s->records++;
    if (s->head.next_seq <= seq)
        s->head.next_seq = seq + 1;
    return true;
}

/* The operator's word that what is lost is lost: the store goes on from the highest of state
 * row, head record and rows, so that no sequence comes twice, and with an index of the
 * records that are there, or the replay of the others would be taken for duplicates. */
static enum err loss_accept(struct store *s, const struct head *noted, struct diag *d)
{
    enum err e = repair_index(s, s->head.next_seq);
    s->ops->turn(s->engine);
    if (e == OK)
        e = s->ops->commit(s->engine);
    s->records = 0;
    if (e == OK)
        e = store_walk_records(s, 0, count_row, s);
    if (s->head.commit < noted->commit)
        s->head.commit = noted->commit;
    if (s->head.next_seq < noted->next_seq)
        s->head.next_seq = noted->next_seq;
    return e == OK ? OK : diag_set(d, e, "what is left of the database cannot be mended", 0);
}

struct rebuilding {
    struct store *store;
    uint64_t rows;
    enum err failed;
};

static bool rebuild_row(void *arg, uint32_t month, uint64_t seq, struct span value)
{
    (void)month;
    struct rebuilding *rb = arg;
    struct store *s = rb->store;
    struct record_head h;
    struct span sealed;
    rb->failed = record_head_decode(value, &h, &sealed);
    if (rb->failed == OK && seq >= s->head.next_seq)
        rb->failed = ERR_FORGED;
    if (rb->failed == OK)
        rb->failed = index_turn(s->index, seq);
    index_committed(s->index);
    if (rb->failed == OK)
        index_add(s->index, seq, &h);
    rb->rows++;
    return rb->failed == OK;
}

/* The tail from the rows behind the last sealed segment (I2: what was acknowledged is seen). */
static enum err rebuild_index(struct store *s, bool lossy, struct diag *d)
{
    enum err e = sealed_get(s, &s->noted_sealed);
    if (e != OK)
        return diag_set(d, e, "mark of the sealed segments", 0);
    index_start(s->index, s->noted_sealed);
    struct rebuilding rb = {.store = s};
    e = store_walk_records(s, s->noted_sealed + 1, rebuild_row, &rb);
    if (e == OK)
        e = rb.failed;
    if (e == OK)
        e = index_turn(s->index, s->head.next_seq);
    index_committed(s->index);
    if (e != OK)
        return diag_set(d, e, "record rows behind the last sealed segment", 0);
    return rb.rows == s->unsealed || lossy ? OK : diag_set(d, ERR_FORGED, BEHIND, 0);
}

static void months_load(struct store *s)
{
    uint32_t months[STORE_MONTHS_MAX];
    size_t count = s->ops->months(s->engine, months, STORE_MONTHS_MAX);
    for (size_t i = 0; i < count; i++)
        month_known(s, months[i]);
}

static enum err state_load(struct store *s, const struct store_options *o, bool *lossy,
                           struct diag *d)
{
    struct head noted = {0};
    months_load(s);
    enum err state = state_get(s, d);
    enum err head = s->ops->durable ? head_open(o, &s->head_file, &noted) : OK;
    if (head == ERR_STORE)
        return diag_set(d, head, "head record cannot be read", 0);
    enum err e = state;
    if (e == OK && head != OK)
        e = diag_set(d, ERR_FORGED, NO_HEAD, 0);
    if (e == OK && s->ops->durable)
        e = head_check(s, &noted, d);
    *lossy = e == ERR_FORGED && o->accept_loss && !o->read_only;
    bool proven = s->ops->durable && !*lossy;
    memcpy(s->proven_note, proven ? noted.note : s->head.note, HEAD_NOTE_BYTES);
    return *lossy ? loss_accept(s, &noted, d) : e;
}

static enum err store_fill(struct store *s, const struct store_options *o, struct diag *d)
{
    bool lossy = false;
    enum err e = s->ops->open(o, &s->engine, d);
    if (e == OK && !o->create)
        e = state_load(s, o, &lossy, d);
    if (e != OK)
        return e;
    uint64_t segment = o->segment_records ? o->segment_records : SEGMENT_RECORDS;
    if (index_new(s->ops, s->engine, segment, !o->read_only, &s->index) != OK)
        return diag_set(d, ERR_NOMEM, "memory for the newest records", 0);
    e = rebuild_index(s, lossy, d);
    if (e == OK && (o->create || lossy))
        e = state_write(s, o, d);
    s->durable_next = s->head.next_seq;
    s->durable_number = s->head.commit;
    if (e == OK && !o->read_only && writer_new(s->ops, s->engine, &s->head_file, &s->writer) != OK)
        e = diag_set(d, ERR_NOMEM, "the thread that makes writes durable", 0);
    return e;
}

enum err store_open_with(const struct store_ops *ops, const struct store_options *o,
                         struct store **out, struct diag *d)
{
    CHECK(!ops->durable || (o->dir && o->head_path && o->tag));
    CHECK(!(o->create && o->read_only) && o->segment_records <= SEGMENT_RECORDS);
    struct store *s = calloc(1, sizeof *s);
    if (!s)
        return diag_set(d, ERR_NOMEM, "memory for the store", 0);
    if (pack_init(&s->pack) != OK) {
        free(s);
        return diag_set(d, ERR_NOMEM, "memory for the store", 0);
    }
    s->ops = ops;
    s->read_only = o->read_only;
    s->head.next_seq = 1;
    s->head_file.fd = -1;
    enum err e = store_fill(s, o, d);
    if (e != OK) {
        store_close(s);
        return e;
    }
    *out = s;
    return OK;
}

struct store *store_close(struct store *s)
{
    if (!s)
        return NULL;
    writer_free(s->writer); /* these first: their threads use the engine */
    index_free(s->index);
    if (s->engine)
        s->ops->close(s->engine);
    head_close(&s->head_file);
    edits_reset(&s->edits);
    pack_done(&s->pack);
    free(s);
    return NULL;
}

/* --- reading --- */

enum err store_get(struct store *s, enum family f, struct span key, struct buf *out)
{
    return s->ops->get(s->engine, f, key, out);
}

enum err store_last_key(struct store *s, enum family f, struct buf *out)
{
    return s->ops->last_key(s->engine, f, out);
}

enum err store_walk(struct store *s, enum family f, struct span from, store_row_fn *fn, void *arg)
{
    unsigned table = f;
    struct cursor *c;
    enum err e = s->ops->cursors(s->engine, &table, 1, from, &c);
    if (e != OK)
        return e;
    struct span key, value;
    while (s->ops->cursor_row(c, &key, &value) && fn(arg, key, value))
        s->ops->cursor_next(c);
    return s->ops->cursor_free(c);
}

enum err store_record(struct store *s, uint32_t month, uint64_t seq, struct buf *out)
{
    unsigned table = month_table(s, month);
    struct cursor *c;
    struct span key, row, value = SPAN_EMPTY;
    if (!table)
        return ERR_NOTFOUND;
    enum err e = record_cursor(s->ops, s->engine, table, seq, &c);
    if (e != OK)
        return e;
    e = s->ops->cursor_row(c, &key, &row) ? pack_find(key, row, seq, &value) : ERR_NOTFOUND;
    buf_bytes(out, value.p, value.n);
    enum err ended = s->ops->cursor_free(c);
    if (ended != OK || e != OK)
        return ended != OK ? ended : e;
    return buf_ok(out) ? OK : ERR_LIMIT;
}

enum err store_seen(struct store *s, const uint8_t tag[static DUP_TAG_BYTES], bool *out_seen)
{
    return index_seen(s->index, tag, out_seen);
}

enum err store_postings(struct store *s, const uint8_t day_tag[static DAY_TAG_BYTES], uint64_t from,
                        uint64_t *out, size_t max, size_t *out_count)
{
    return index_postings(s->index, day_tag, from, s->durable_next, out, max, out_count);
}

uint64_t store_next_seq(const struct store *s)
{
    return s->head.next_seq;
}

uint64_t store_commit_number(const struct store *s)
{
    return s->head.commit;
}

uint64_t store_durable_number(const struct store *s)
{
    return s->durable_number;
}

void store_head_note(const struct store *s, uint8_t out[static HEAD_NOTE_BYTES])
{
    memcpy(out, s->head.note, HEAD_NOTE_BYTES);
}

void store_proven_note(const struct store *s, uint8_t out[static HEAD_NOTE_BYTES])
{
    memcpy(out, s->proven_note, HEAD_NOTE_BYTES);
}

/* --- writing --- */

/* A batch is inside its store: what a batch can do, a store can. */
static struct store *store_of(struct txn *t)
{
    return (struct store *)(void *)((uint8_t *)t - offsetof(struct store, txn));
}

struct txn *store_begin(struct store *s)
{
    CHECK(!s->read_only && !s->txn.open);
    s->txn = (struct txn){.open = true};
    return &s->txn;
}

void txn_put(struct txn *t, enum family f, struct span key, struct span value)
{
    struct store *s = store_of(t);
    s->ops->put(s->engine, f, key, value);
}

void txn_delete(struct txn *t, enum family f, struct span key)
{
    struct store *s = store_of(t);
    s->ops->del(s->engine, f, key);
}

static void pack_put(struct store *s)
{
    uint8_t key[SEQ_BYTES];
    if (s->pack.count == 0)
        return;
    seq_key(key, s->pack.first);
    s->ops->put(s->engine, s->pack.table, span_of(key, sizeof key), buf_span(&s->pack.bytes));
    pack_reset(&s->pack);
}

enum err txn_record(struct txn *t, uint32_t month, uint64_t seq, struct span value)
{
    struct store *s = store_of(t);
    CHECK(t->open && seq == s->head.next_seq);
    struct record_head h;
    struct span sealed;
    unsigned table;
    if (t->records == TXN_RECORDS_MAX)
        return ERR_FULL;
    if (!month_fits(s, month) || value.n > PACK_VALUE_BYTES_MAX)
        return ERR_LIMIT;
    CHECK(record_head_decode(value, &h, &sealed) == OK);
    enum err e = month_table_ensure(s, month, &table);
    if (e != OK)
        return e;
    if (!pack_takes(&s->pack, table, value.n))
        pack_put(s);
    pack_add(&s->pack, table, seq, value);
    index_add(s->index, seq, &h);
    s->head.next_seq++;
    s->records++;
    t->records++;
    return OK;
}

void txn_record_delete(struct txn *t, uint32_t month, uint64_t seq,
                       const uint8_t day_tag[static DAY_TAG_BYTES])
{
    struct store *s = store_of(t);
    unsigned table = month_table(s, month);
    CHECK(!store_committing(s));
    if (!table)
        return;
    s->records--;
    enum err e = edits_remove(&s->edits, s->ops, s->engine, table, seq);
    if (e == OK)
        e = index_remove(s->index, seq, day_tag);
    if (e != OK)
        t->failed = e;
}

static void sealed_put(struct store *s)
{
    uint64_t sealed = index_sealed(s->index);
    if (sealed == s->noted_sealed)
        return;
    uint8_t be[SEQ_BYTES];
    seq_key(be, sealed);
    s->ops->put(s->engine, FAMILY_META, STORE_KEY_SEALED, span_of(be, sizeof be));
    s->noted_sealed = sealed;
}

enum err store_commit_begin(struct store *s, const uint8_t note[static HEAD_NOTE_BYTES])
{
    CHECK(s->txn.open && !writer_busy(s->writer));
    if (s->broken || s->txn.failed != OK) {
        s->broken = true;
        return ERR_STORE;
    }
    s->head.commit++;
    memcpy(s->head.note, note, HEAD_NOTE_BYTES);
    pack_put(s);
    edits_put(&s->edits, s->ops, s->engine);
    sealed_put(s);
    state_put(s);
    s->ops->turn(s->engine);
    s->committing = s->head;
    writer_start(s->writer, &s->committing);
    s->txn = (struct txn){0};
    enum err e = index_turn(s->index, s->head.next_seq);
    s->broken = e != OK;
    return e;
}

bool store_committing(const struct store *s)
{
    return s->writer && writer_busy(s->writer);
}

enum err store_commit_end(struct store *s)
{
    uint64_t took;
    if (!store_committing(s))
        return OK;
    enum err e = writer_wait(s->writer, &took);
    if (e != OK) {
        s->broken = true;
        return e;
    }
    s->durable_next = s->committing.next_seq;
    s->durable_number = s->committing.commit;
    memcpy(s->proven_note, s->committing.note, HEAD_NOTE_BYTES);
    index_committed(s->index);
    s->commits_since_open++;
    s->commit_us_sum += took;
    s->commit_us_last = took;
    return OK;
}

enum err store_commit(struct store *s, const uint8_t note[static HEAD_NOTE_BYTES])
{
    enum err e = store_commit_end(s);
    if (e == OK)
        e = store_commit_begin(s, note);
    return e == OK ? store_commit_end(s) : e;
}

int store_commit_fd(const struct store *s)
{
    return writer_fd(s->writer);
}

void store_stats(const struct store *s, struct store_stats *out)
{
    *out = (struct store_stats){
        .records = s->records,
        .segments = index_runs(s->index),
        .tail_records = index_tail_records(s->index),
        .commits = s->commits_since_open,
        .commit_us_sum = s->commit_us_sum,
        .commit_us_last = s->commit_us_last,
    };
}

uint64_t store_disk_bytes(struct store *s)
{
    return s->ops->disk_bytes(s->engine);
}
