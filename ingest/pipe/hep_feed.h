/* hep_feed.h - HEP frames and SIP messages -> dialogs -> records in the open batch.
 *
 * A frame is opened (inflated, its agent's key checked), its SIP message parsed and classified at
 * once, so that no secret outlives it (I5), and fed to the dialog table. Calls that are not over
 * are checkpointed through the vault, in the batch of the records that ended before it, so that
 * a successor of this process finds them (vault/vault.h, LIVE).
 *
 * Everything that is no call is counted: nothing here can fail but for want of room. */
#ifndef CPNI_PIPE_HEP_FEED_H
#define CPNI_PIPE_HEP_FEED_H

#include "ingest/pipe/pipe.h"
#include "proto/frame/traffic.h"
#include "proto/record/dialog.h"

struct hep_feed;

struct hep_feed_options {
    struct dialog_limits limits;
    struct dialog_seed seed;
    unsigned worker; /* whose dialogs these are: part of the key they are saved under */
};

/* Borrows pipe and feed. ERR_NOMEM. */
MUST_CHECK enum err hep_feed_new(struct pipe *p, const struct pipe_feed *f,
                                 const struct hep_feed_options *options, struct hep_feed **out);
struct hep_feed *hep_feed_free(struct hep_feed *h); /* wipes; returns NULL */

/* One frame: a datagram, or what hep_next() gave. */
void hep_feed_frame(struct hep_feed *h, struct span frame);
/* One item of a capture: a SIP message or a HEP frame. */
void hep_feed_traffic(struct hep_feed *h, const struct traffic_item *item);

/* Runs the dialogs' timers, and publishes the counts. A few times a second. */
void hep_feed_tick(struct hep_feed *h);
/* The input has ended: every open call is given out as incomplete. */
void hep_feed_finish(struct hep_feed *h);

/* Has anything been fed since the last checkpoint? */
bool hep_feed_dirty(const struct hep_feed *h);
/* Puts changed dialogs into the open batch. `all`: also those too young to be worth it; the
 * process is about to end. */
void hep_feed_checkpoint(struct hep_feed *h, bool all);

/* Feed and worker that a key of a LIVE frame belongs to. False: not a key of ours. */
bool hep_live_key(struct span key, uint16_t *feed_id, unsigned *worker);
/* A dialog of a predecessor. One that cannot be read is counted and left out. */
void hep_feed_restore(struct hep_feed *h, struct span key, struct span value);

size_t hep_feed_live(const struct hep_feed *h); /* open calls */

#endif
