/* index.h - duplicate tags and postings: the tail in memory, the sealed segments in the
 * families "seen" and "postings".
 *
 * The active tail takes the newest records. When it holds a segment it is frozen, and a
 * thread writes it as two sorted runs beside the log and adds them to the families; the
 * frozen tail stays readable until then. A run holds committed records only, so a tag is
 * never on disk without its record. What is sealed is noted in the next batch; a crash
 * before that seals the same segment again, which changes nothing.
 *
 * All functions belong to the caller's thread. */
#ifndef CPNI_STORE_INDEX_H
#define CPNI_STORE_INDEX_H

#include "vault/store/ops.h"
#include "vault/store/tail.h"

struct index;

/* `segment_records` a segment. Without a writer (read only) nothing is ever sealed: then two
 * tails are what there is room for, which is what a crash can leave behind. */
MUST_CHECK enum err index_new(const struct store_ops *ops, struct engine *e,
                              uint64_t segment_records, bool writer, struct index **out);
void index_free(struct index *ix); /* waits for the run that is being written; NULL is fine */

/* Everything up to `sealed` is in the families; the next record to come is sealed + 1. */
void index_start(struct index *ix, uint64_t sealed);
/* CHECKs that the active tail has room: TXN_RECORDS_MAX records behind each turn. */
void index_add(struct index *ix, uint64_t seq, const struct record_head *h);

MUST_CHECK enum err index_seen(struct index *ix, const uint8_t tag[static DUP_TAG_BYTES],
                               bool *out_seen);
/* Sequences in [from, below), as store_postings(). */
MUST_CHECK enum err index_postings(struct index *ix, const uint8_t day_tag[static DAY_TAG_BYTES],
                                   uint64_t from, uint64_t below, uint64_t *out, size_t max,
                                   size_t *out_count);
/* Takes a posting out: in memory, and with rows put into the open batch. */
MUST_CHECK enum err index_remove(struct index *ix, uint64_t seq,
                                 const uint8_t day_tag[static DAY_TAG_BYTES]);

/* Everything in the tails is committed or in a closed batch, and the next record is `next`:
 * freezes a full tail, waits for the run before it if it must. ERR_STORE: a run could not be
 * written. */
MUST_CHECK enum err index_turn(struct index *ix, uint64_t next);
/* ... and all of that is committed now: a frozen tail may be written. */
void index_committed(struct index *ix);
/* Waits for the run that is being written, if any. */
MUST_CHECK enum err index_settle(struct index *ix);

uint64_t index_sealed(const struct index *ix); /* greatest sequence of the sealed segments */
uint64_t index_live(const struct index *ix);   /* records behind it, less the removed ones */
uint64_t index_runs(const struct index *ix);   /* segments sealed since index_new() */
uint64_t index_tail_records(const struct index *ix);

#endif
