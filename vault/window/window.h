/* window.h - usage totals: the rows that billing pulls, and the outbox that says which
 * changed.
 *
 * A window row is the sum over the calls of one account in one period, by service,
 * direction, call type, jurisdiction and rate band (proto/usage/usage.h). Rows are folded
 * in memory as records are committed and written little by little: each row that changed gets
 * a new revision, a new outbox position, and `upto`, the last record sequence that it
 * includes. What is written with them, in the same batch, is the sequence up to which every
 * row on disk is complete. After a crash the caller folds the records behind that one
 * again, and a row takes only those behind its own `upto` (I3).
 *
 * On disk: family usage, key = PRF(window key), value sealed {window key, totals, revision,
 * position, upto}; family outbox, key = position, value = the usage key. Rewritten rows leave
 * one outbox entry, the newest. */
#ifndef CPNI_WINDOW_WINDOW_H
#define CPNI_WINDOW_WINDOW_H

#include "proto/usage/usage.h"
#include "vault/crypt/keyring.h"
#include "vault/store/store.h"

enum { WINDOW_PAD_BYTES = 64 };

struct windows;
struct windows_options {
    size_t rows_max; /* rows kept in memory; the oldest clean ones are dropped and read again */
};
/* Allocates all it will ever need. ERR_NOMEM, ERR_STORE, ERR_FORGED, ERR_VERSION. */
MUST_CHECK enum err windows_open(struct store *s, struct keyring *k,
                                 const struct windows_options *o, struct windows **out,
                                 struct diag *d);
struct windows *windows_close(struct windows *w);

/* Every row on disk includes the records up to this sequence; fold what is behind it. */
uint64_t windows_included(const struct windows *w);

/* Adds the effect of the record `seq`, unless the row has it already (a fold after a crash).
 * Sequences ascend, but for rows of one account they may repeat. ERR_STORE: the row could not
 * be read. ERR_FULL: too many rows changed, write some first. */
MUST_CHECK enum err windows_add(struct windows *w, const struct usage_key *key, uint64_t seq,
                                const struct usage_totals *delta);
/* Takes it back (reassignment). What follows in the same batch must be windows_checkpoint():
 * a fold after a crash only adds. */
MUST_CHECK enum err windows_subtract(struct windows *w, const struct usage_key *key,
                                     const struct usage_totals *delta);
size_t windows_dirty(const struct windows *w);
/* May the totals of `n` more keys change before rows must be written? */
bool windows_room(const struct windows *w, size_t n);

/* Puts the rows that changed first, at most `rows_max` of them, into the open batch, in order
 * of their keys, with revisions and positions. All records up to `now` have been added. The
 * caller commits the batch, and says so: until then what was written is kept in memory, because
 * it cannot be read again from the disk. */
MUST_CHECK enum err windows_write(struct windows *w, struct txn *t, size_t rows_max, uint64_t now);
/* The open batch is on its way to the disk; is there. */
void windows_committing(struct windows *w);
void windows_committed(struct windows *w);
/* Every row that changed. */
MUST_CHECK enum err windows_checkpoint(struct windows *w, struct txn *t, uint64_t now);

struct window_row {
    uint64_t position;
    uint32_t revision;
    uint64_t upto; /* sequence of the last record that may be in it */
    struct usage_key key;
    struct usage_totals totals;
};
typedef bool window_fn(void *arg, const struct window_row *row);
/* Rows with position > cursor in order of positions, as of the last committed checkpoint. */
MUST_CHECK enum err windows_walk(struct windows *w, uint64_t cursor, window_fn *fn, void *arg);
uint64_t windows_last_position(const struct windows *w); /* 0 = none yet */

#endif
