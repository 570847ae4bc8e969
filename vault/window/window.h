/* window.h - usage totals: the rows that billing pulls, and the outbox that says which
 * changed.
 *
 * A window row is the sum over the calls of one account in one period, by service,
 * direction, call type, jurisdiction and rate band (proto/usage/usage.h). Rows are folded
 * in memory as records are committed and written at a checkpoint: each row that changed
 * gets a new revision and a new outbox position. The checkpoint carries the sequence of the
 * last record it includes, in the same batch, so that after a crash the caller folds again
 * exactly the records behind it (I3).
 *
 * On disk, integers big-endian, values sealed for their place (keyring_seal) but the outbox's:
 *   usage   [16] PRF(WINDOW, key)  [1] version = 1, [22] key, [4] revision, [8] position,
 *                                  lv totals, zeros to a multiple of WINDOW_PAD_BYTES
 *   usage   "state"                [1] version = 1, [8] included, [8] last position
 *   outbox  [8] position           [16] the usage key
 * A row that is rewritten leaves one outbox entry, the newest. One thread. */
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

/* Records up to this sequence are in the checkpointed rows; fold what is behind it. */
uint64_t windows_included(const struct windows *w);

/* Adds the effect of one record. ERR_STORE, ERR_FORGED, ERR_VERSION: the row could not be read.
 * ERR_FULL: too many dirty rows, checkpoint first. */
MUST_CHECK enum err windows_add(struct windows *w, const struct usage_key *key,
                                const struct usage_totals *delta);
/* Takes it back (reassignment). A row without calls stays, with totals of zero: consumers must
 * hear of it. ERR_CONFLICT: it was never added; the row is unchanged. After a crash the caller
 * folds additions only, so the record leaves in a batch that also has a checkpoint. */
MUST_CHECK enum err windows_subtract(struct windows *w, const struct usage_key *key,
                                     const struct usage_totals *delta);
size_t windows_dirty(const struct windows *w);

/* Puts every dirty row into the open batch, in order of their keys, with revisions and
 * positions, and `included`, which never goes back. The caller commits the batch; if that
 * fails, these windows are ahead of the disk and only good to be closed. */
MUST_CHECK enum err windows_checkpoint(struct windows *w, struct txn *t, uint64_t included);

struct window_row {
    uint64_t position;
    uint32_t revision;
    struct usage_key key;
    struct usage_totals totals;
};
typedef bool window_fn(void *arg, const struct window_row *row);
/* Rows with position > cursor in order of positions, as of the last committed checkpoint. */
MUST_CHECK enum err windows_walk(struct windows *w, uint64_t cursor, window_fn *fn, void *arg);
uint64_t windows_last_position(const struct windows *w); /* 0 = none yet */

#endif
