#include "vault/store/index.h"

#include <pthread.h>
#include <stdlib.h>

#include "proto/core/check.h"
#include "proto/core/reader.h"
#include "vault/store/segment.h"

enum { POSTING_KEY_BYTES = DAY_TAG_BYTES + 8 };

struct index {
    const struct store_ops *ops;
    struct engine *engine;
    uint64_t segment_records, sealed, runs;
    struct tail tails[2];
    struct tail *active, *frozen; /* frozen: being written, or (read only) just full */
    bool freezing;                /* frozen holds records that are not in the families */
    bool unwritten;               /* ... and its records may not be committed yet */
    struct segmenter *writer;     /* NULL: read only */
};

enum err index_new(const struct store_ops *ops, struct engine *e, uint64_t segment_records,
                   bool writer, struct index **out)
{
    struct index *ix = calloc(1, sizeof *ix);
    if (!ix)
        return ERR_NOMEM;
    *ix = (struct index){.ops = ops, .engine = e, .segment_records = segment_records};
    /* Twice: a commit may pass the mark, and one more may come while a run is written. */
    uint32_t cap = (uint32_t)segment_records + 2 * TXN_RECORDS_MAX;
    ix->active = &ix->tails[0];
    ix->frozen = &ix->tails[1];
    if (tail_init(ix->active, cap) == OK && tail_init(ix->frozen, cap) == OK &&
        (!writer || segmenter_new(ops, e, cap, &ix->writer) == OK)) {
        *out = ix;
        return OK;
    }
    index_free(ix);
    return ERR_NOMEM;
}

void index_free(struct index *ix)
{
    if (!ix)
        return;
    segmenter_free(ix->writer);
    tail_done(&ix->tails[0]);
    tail_done(&ix->tails[1]);
    free(ix);
}

void index_start(struct index *ix, uint64_t sealed)
{
    ix->sealed = sealed;
    tail_start(ix->active, sealed + 1);
}

void index_add(struct index *ix, uint64_t seq, const struct record_head *h)
{
    tail_add(ix->active, seq, h->day_tag, h->dup_tag);
}

/* The run of the frozen tail is durable: its records are found in the families now. */
static void frozen_sealed(struct index *ix)
{
    ix->sealed = ix->active->first - 1;
    ix->freezing = false;
    ix->runs++;
}

enum err index_settle(struct index *ix)
{
    if (!ix->freezing || !ix->writer)
        return OK;
    CHECK(!ix->unwritten);
    enum err e = segmenter_wait(ix->writer);
    if (e == OK)
        frozen_sealed(ix);
    return e;
}

static void freeze(struct index *ix, uint64_t next)
{
    struct tail *full = ix->active;
    ix->active = ix->frozen;
    ix->frozen = full;
    ix->freezing = true;
    ix->unwritten = true;
    tail_start(ix->active, next);
}

void index_committed(struct index *ix)
{
    if (ix->unwritten && ix->writer)
        segmenter_start(ix->writer, ix->frozen);
    ix->unwritten = false;
}

/* Counted in sequences, not in records: after a loss there are gaps wider than a tail. */
enum err index_turn(struct index *ix, uint64_t next)
{
    uint64_t used = next - ix->active->first;
    if (used < ix->segment_records)
        return OK;
    if (ix->freezing) {
        bool roomy = used + TXN_RECORDS_MAX <= ix->active->cap;
        if (!ix->writer)
            return roomy ? OK : ERR_LIMIT;
        if (roomy && !segmenter_done(ix->writer))
            return OK;
        enum err e = index_settle(ix);
        if (e != OK)
            return e;
    }
    freeze(ix, next);
    return OK;
}

uint64_t index_live(const struct index *ix)
{
    return ix->active->live + (ix->freezing ? ix->frozen->live : 0);
}

uint64_t index_sealed(const struct index *ix)
{
    return ix->sealed;
}

uint64_t index_runs(const struct index *ix)
{
    return ix->runs;
}

uint64_t index_tail_records(const struct index *ix)
{
    return ix->active->count + (ix->freezing ? ix->frozen->count : 0);
}

enum err index_seen(struct index *ix, const uint8_t tag[static DUP_TAG_BYTES], bool *out_seen)
{
    uint8_t seq[8];
    struct buf b = buf_of(seq, sizeof seq);
    enum err e = OK;
    bool seen = tail_seen(ix->active, tag) || (ix->freezing && tail_seen(ix->frozen, tag));
    if (!seen) {
        e = ix->ops->get(ix->engine, FAMILY_SEEN, span_of(tag, DUP_TAG_BYTES), &b);
        seen = e == OK;
    }
    if (e == OK || e == ERR_NOTFOUND)
        *out_seen = seen;
    return e == ERR_NOTFOUND ? OK : e;
}

static void posting_key(uint8_t key[static POSTING_KEY_BYTES], const uint8_t *day_tag, uint64_t seq)
{
    struct buf b = buf_of(key, POSTING_KEY_BYTES);
    buf_bytes(&b, day_tag, DAY_TAG_BYTES);
    buf_be64(&b, seq);
}

static enum err postings_sealed(struct index *ix, const uint8_t *day_tag, uint64_t from,
                                uint64_t below, uint64_t *out, size_t max, size_t *out_count)
{
    uint8_t start[POSTING_KEY_BYTES];
    posting_key(start, day_tag, from);
    unsigned table = FAMILY_POSTINGS;
    struct cursor *c;
    enum err e = ix->ops->cursors(ix->engine, &table, 1, span_of(start, sizeof start), &c);
    if (e != OK)
        return e;
    size_t count = 0;
    struct span key, value;
    while (count < max && ix->ops->cursor_row(c, &key, &value) && key.n == POSTING_KEY_BYTES &&
           memcmp(key.p, day_tag, DAY_TAG_BYTES) == 0) {
        struct reader r = reader_of(span_from(key, DAY_TAG_BYTES));
        uint64_t seq = reader_be64(&r);
        if (seq >= below)
            break;
        out[count++] = seq;
        ix->ops->cursor_next(c);
    }
    *out_count = count;
    return ix->ops->cursor_free(c);
}

/* The families answer for what is below the oldest tail, even while a run is being added
 * that holds the same postings. */
enum err index_postings(struct index *ix, const uint8_t day_tag[static DAY_TAG_BYTES],
                        uint64_t from, uint64_t below, uint64_t *out, size_t max, size_t *out_count)
{
    size_t count = 0;
    uint64_t in_memory = ix->freezing ? ix->frozen->first : ix->active->first;
    if (from < in_memory) {
        enum err e = postings_sealed(ix, day_tag, from, below < in_memory ? below : in_memory, out,
                                     max, &count);
        if (e != OK)
            return e;
    }
    if (ix->freezing)
        count += tail_postings(ix->frozen, day_tag, from, below, out + count, max - count);
    count += tail_postings(ix->active, day_tag, from, below, out + count, max - count);
    *out_count = count;
    return OK;
}

enum err index_remove(struct index *ix, uint64_t seq, const uint8_t day_tag[static DAY_TAG_BYTES])
{
    /* The run would bring the posting back: added rows are newer than the deletion. */
    if (ix->freezing && tail_at(ix->frozen, seq)) {
        enum err e = index_settle(ix);
        if (e != OK)
            return e;
    }
    /* Also when a tail holds it: a segment that was sealed just before a crash is in the
     * families and in the rebuilt tail. */
    uint8_t key[POSTING_KEY_BYTES];
    posting_key(key, day_tag, seq);
    ix->ops->del(ix->engine, FAMILY_POSTINGS, span_of(key, sizeof key));
    struct tail_entry *entry = tail_at(ix->active, seq);
    if (!entry || entry->state != TAIL_LIVE)
        return OK;
    /* The row that a restart would learn the duplicate tag from goes: write the tag. */
    uint8_t be[8];
    struct buf b = buf_of(be, sizeof be);
    buf_be64(&b, seq);
    ix->ops->put(ix->engine, FAMILY_SEEN, span_of(entry->dup_tag, DUP_TAG_BYTES), buf_span(&b));
    tail_remove(ix->active, entry);
    return OK;
}
