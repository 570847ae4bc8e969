/* inside.h - what store.c, walk.c and verify.c know of a store; for vault/store only. */
#ifndef CPNI_STORE_INSIDE_H
#define CPNI_STORE_INSIDE_H

#include <stdatomic.h>

#include "vault/store/edits.h"
#include "vault/store/head.h"
#include "vault/store/index.h"
#include "vault/store/ops.h"
#include "vault/store/pack.h"
#include "vault/store/writer.h"

enum { SEQ_BYTES = 8, MONTH_SLOTS = (MONTH_LAST / 100 - MONTH_FIRST / 100 + 1) * 12 + 1 };

struct txn {
    uint32_t records;
    bool open;
    enum err failed; /* of a call that cannot say so itself */
};

struct store {
    const struct store_ops *ops;
    struct engine *engine;
    struct index *index;
    struct head_file head_file;
    bool read_only, broken;
    struct head head;        /* of the last commit begun, but next_seq counts the open batch too */
    uint64_t durable_next;   /* next sequence as of the last commit that ended */
    uint64_t durable_number; /* its commit number */
    struct head committing;  /* what is being made durable */
    struct writer *writer;   /* NULL: read only */
    uint8_t proven_note[HEAD_NOTE_BYTES]; /* of the newest head record */
    uint64_t records;
    uint64_t noted_sealed; /* as in the last batch */
    uint64_t unsealed;     /* as the state row had it at open */
    struct txn txn;
    struct pack pack;   /* of the open batch: the newest records, not yet put */
    struct edits edits; /* of the open batch */
    uint64_t commits_since_open, commit_us_sum, commit_us_last;
    /* Month -> table, 0 = none. Written by the writer, read by all; never goes back. */
    _Atomic uint16_t tables[MONTH_SLOTS];
    size_t months_count;
};

/* Row of family meta: greatest sequence whose index entries are in the families. */
extern const struct span STORE_KEY_SEALED;

/* Slot 0 is month 0; slot 1 is MONTH_FIRST. 0 = the month has no table. */
static inline unsigned table_of_slot(const struct store *s, size_t slot)
{
    return atomic_load_explicit(&s->tables[slot], memory_order_acquire);
}

static inline void seq_key(uint8_t key[static SEQ_BYTES], uint64_t seq)
{
    struct buf b = buf_of(key, SEQ_BYTES);
    buf_be64(&b, seq);
}

/* walk.c: a cursor at the row that holds `seq`, or would. */
MUST_CHECK enum err record_cursor(const struct store_ops *ops, struct engine *e, unsigned table,
                                  uint64_t seq, struct cursor **out);

/* repair.c: puts into the batch what makes a restart index the rows >= lost anew: their entries
 * in the families go, and the mark of the sealed segments goes back. */
MUST_CHECK enum err repair_index(struct store *s, uint64_t lost);

#endif
