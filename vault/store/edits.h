/* edits.h - the packs that the open batch takes records out of. What the batch changed is not
 * readable before it is committed, and many records of one pack may go in one batch: so the
 * changed packs are kept here and put into the batch at its end. */
#ifndef CPNI_STORE_EDITS_H
#define CPNI_STORE_EDITS_H

#include "vault/store/ops.h"

struct edit {
    unsigned table;
    uint64_t first, end; /* key of the pack; sequence behind its last */
    uint8_t *row;        /* NULL: no record is left */
    size_t n;
};

struct edits {
    struct edit at[TXN_DELETES_MAX];
    size_t count;
};

/* Takes record `seq` out of its pack. Memory for a pack is taken until the batch ends.
 * ERR_NOTFOUND: there is no such record; ERR_FULL: TXN_DELETES_MAX packs; ERR_FORGED, ERR_STORE,
 * ERR_NOMEM. */
MUST_CHECK enum err edits_remove(struct edits *x, const struct store_ops *ops, struct engine *e,
                                 unsigned table, uint64_t seq);
/* Puts all of them into the engine's batch and forgets them. */
void edits_put(struct edits *x, const struct store_ops *ops, struct engine *e);
void edits_reset(struct edits *x);

#endif
