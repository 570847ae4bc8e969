/* uplink.h - our side of the conversation with the vault (vault/vault.h): HELLO, what comes
 * back, and the outlet that is held while the vault is away.
 *
 *   attach -> HELLO -> WELCOME*, LIVE*, READY -> batches and receipts
 *                ^                                   |
 *                +------------- GREETING ------------+   the vault was started again
 *
 * Frames are only taken note of when they come; sending happens in uplink_turn(), so that no
 * link is entered twice. Answers to any HELLO but our last are ignored: a restarted worker
 * finds those of its predecessor in the channel. */
#ifndef CPNI_PIPE_UPLINK_H
#define CPNI_PIPE_UPLINK_H

#include "ingest/pipe/outlet.h"
#include "proto/record/call.h"

struct uplink_feed {
    struct span name;    /* 1..FEED_NAME_BYTES_MAX bytes, borrowed */
    enum feed_kind kind; /* FEED_UNKNOWN: whatever the vault knows it as */
};

/* Called while frames are received; must not call back into the uplink. */
struct uplink_events {
    /* One a feed that the vault knows: its index in the options, number and kind; `cursors` has
     * lv(key) lv(value) of each. After a GREETING again, with cursors older than our own. */
    void (*welcome)(void *arg, size_t feed, uint16_t id, enum feed_kind kind,
                    struct reader *cursors);
    /* A dialog of before our start; never again after the first READY. */
    void (*live)(void *arg, struct span key, struct span value);
    void *arg;
};

struct uplink_options {
    const struct uplink_feed *feed; /* borrowed for the life of the uplink */
    size_t feeds_count;             /* at most FEEDS_MAX */
    uint32_t first_id;              /* random: see outlet_new() */
    struct uplink_events events;
};

struct uplink;

MUST_CHECK enum err uplink_new(const struct uplink_options *options, struct uplink **out);
struct uplink *uplink_free(struct uplink *u); /* returns NULL; the link is not freed */

/* The link whose on_frame is uplink_frame and whose arg is the uplink; borrowed. */
void uplink_attach(struct uplink *u, struct vault_link *link);
void uplink_frame(void *arg, const struct frame *f);

/* Says HELLO where one is due, sends what may be sent. OK also when the socket is full.
 * ERR_SHUTDOWN: the channel is gone. ERR_SYNTAX: the vault said something that it may not say.
 * Else the status with which the vault refused a batch. */
MUST_CHECK enum err uplink_turn(struct uplink *u);
bool uplink_blocked(const struct uplink *u); /* wants a turn when the link is writable */

bool uplink_ready(const struct uplink *u);   /* READY came for our last HELLO */
bool uplink_started(const struct uplink *u); /* READY came at least once */
struct outlet *uplink_outlet(struct uplink *u);

#endif
