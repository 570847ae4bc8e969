/* intake.h - the feeds of a worker with their sources, as the event loop of ingestd sees them:
 * sources below, the pipe above, and room deciding who may read. */
#ifndef CPNI_INGEST_INTAKE_H
#define CPNI_INGEST_INTAKE_H

#include <uv.h>

#include "ingest/ingestd.h"
#include "ingest/pipe/pipe.h"
#include "ingest/pipe/refusal_log.h"
#include "proto/record/dialog.h"

struct intake;

struct intake_options {
    const struct ingestd_options *conf;
    uv_loop_t *loop;
    struct pipe *pipe;
    const struct npa_table *npa;
    const struct refusal_log *log;
    struct dialog_seed seed;
    bool (*vault_ready)(void *arg); /* false: posts are answered 503 at once */
    void *arg;
};

/* Borrows all of it. ERR_NOMEM; else the configuration is wrong: d->what, d->at = the feed. */
MUST_CHECK enum err intake_new(const struct intake_options *options, struct intake **out,
                               struct diag *d);
struct intake *intake_free(struct intake *in); /* behind intake_close() and a run of the loop */

/* What the vault tells before READY. */
void intake_welcome(struct intake *in, size_t feed, uint16_t id, struct reader *cursors);
void intake_live(struct intake *in, struct span key, struct span value);

/* READY: opens the sources of the feeds that the vault knows. ERR_NET, ERR_NOMEM. */
MUST_CHECK enum err intake_open(struct intake *in, struct diag *d);

/* At the end of each turn of the loop: pauses and resumes by the room there is. */
void intake_turn(struct intake *in);
/* Senders whose answer waits for a batch to be durable. */
size_t intake_waiting(const struct intake *in);
/* All batches up to this one are durable. */
void intake_settle(struct intake *in, uint64_t durable);
void intake_tick(struct intake *in); /* dialogs' timers */
/* How far behind the file feeds are: also while there is no room, which is when it grows. */
void intake_show_behind(const struct intake *in);
bool intake_dirty(const struct intake *in);
void intake_checkpoint(struct intake *in, bool all);

/* No more input but what UDP sockets have received, which their senders do not keep: turns go on
 * reading it as there is room, until intake_dry(). HTTP answers that wait for a receipt still may
 * get it. */
void intake_stop(struct intake *in);
bool intake_dry(const struct intake *in);
void intake_give_up(struct intake *in); /* behind intake_stop(): reads no more of it */
/* Everything is closed; the loop must run until its handles are. */
void intake_close(struct intake *in);

#endif
