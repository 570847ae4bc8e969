/* writer.h - makes batches durable in a thread of its own, so that the next batch is
 * prepared while the disk works on this one. Batch first, head record behind it. */
#ifndef CPNI_STORE_WRITER_H
#define CPNI_STORE_WRITER_H

#include "vault/store/head.h"
#include "vault/store/ops.h"

struct writer;

/* Borrows all three. ERR_NOMEM. */
MUST_CHECK enum err writer_new(const struct store_ops *ops, struct engine *e,
                               const struct head_file *f, struct writer **out);
struct writer *writer_free(struct writer *w); /* finishes its work first; NULL is fine */

/* Commits the batch that ops->turn() has closed, then writes the head record, if the engine is
 * durable. CHECKs that it has no other work: wait first. */
void writer_start(struct writer *w, const struct head *h);
bool writer_busy(const struct writer *w); /* started, and not waited for */
/* Blocks until the work is done; *out_us: how long it took. At once, when there is none.
 * ERR_STORE: the state of the disk is unknown. */
MUST_CHECK enum err writer_wait(struct writer *w, uint64_t *out_us);
/* An eventfd, readable when the work is done and not waited for. */
int writer_fd(const struct writer *w);

#endif
