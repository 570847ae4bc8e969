/* segment.h - writes a full tail as two sorted runs, in a thread of its own, so that the
 * writer does not stand still for it. */
#ifndef CPNI_STORE_SEGMENT_H
#define CPNI_STORE_SEGMENT_H

#include "vault/store/ops.h"
#include "vault/store/tail.h"

struct segmenter;

/* Takes all its memory: room to sort `records_max` entries. ERR_NOMEM. */
MUST_CHECK enum err segmenter_new(const struct store_ops *ops, struct engine *e,
                                  uint32_t records_max, struct segmenter **out);
struct segmenter *segmenter_free(struct segmenter *s); /* finishes its work first */

/* Borrows the tail, which nobody may change, until segmenter_wait() has returned. */
void segmenter_start(struct segmenter *s, const struct tail *t);
bool segmenter_done(struct segmenter *s); /* would segmenter_wait() return at once? */
MUST_CHECK enum err segmenter_wait(struct segmenter *s); /* ERR_STORE: not all of it is durable */

#endif
