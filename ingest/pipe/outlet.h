/* outlet.h - the way out: operations gather in the open batch, closed batches wait for
 * their receipt, and whatever has none is kept to be sent again (I2).
 *
 *   put -> open batch -> closed, unsent -> sent, in flight -> receipt: forgotten
 *
 * At most BATCHES_IN_FLIGHT_MAX are in flight. When that many wait, outlet_room() is false:
 * sources that can make their sender wait do so. Calls that end by themselves cannot be made
 * to wait, so the queue goes on to OUTLET_QUEUE_MAX; outlet_crowded(), at half of it, stops
 * the sources without back-pressure, too. Only behind that is an operation refused, and its
 * loss counted by the caller (I9). Memory: a frame of WIRE_FRAME_BYTES_MAX a place, taken
 * when first needed and then kept, 16 MiB at worst.
 *
 * Batches have sequence numbers that ascend by one. What is durable is always a prefix:
 * receipts are applied in order, because a source's cursor in batch n says that all of its
 * records before are on disk. */
#ifndef CPNI_PIPE_OUTLET_H
#define CPNI_PIPE_OUTLET_H

#include "proto/wire/batch.h"
#include "vault/vault.h"

enum {
    OUTLET_QUEUE_MAX = 256,
    OUTLET_BATCH_BYTES_MAX = WIRE_FRAME_BYTES_MAX - FRAME_HEAD_BYTES,
    OUTLET_LIVE_KEY_BYTES_MAX = DIALOG_BYTES_MAX + 16 /* feed, worker, leg */
};

struct outlet_counts {
    uint64_t batches, resent, accepted, duplicate, unassigned, refused;
};

struct outlet;

/* first_id: of the first batch; drawn at random, so that a receipt for the predecessor of this
 * process cannot be taken for ours. ERR_NOMEM. */
MUST_CHECK enum err outlet_new(uint32_t first_id, struct outlet **out);
struct outlet *outlet_free(struct outlet *o); /* wipes; returns NULL */

/* Where to send; borrows. Nothing is sent before outlet_open(), nothing after outlet_hold(). */
void outlet_link(struct outlet *o, struct vault_link *link);

/* --- putting: now_us is monotonic and dates the batch that the operation opens --- */

/* One record as record_encode() made it, and, in the same batch, the end of the live dialog that
 * it came from (`live`: its key; empty: none). ERR_FULL: the queue is full. ERR_LIMIT: larger
 * than RECORD_BYTES_MAX, or the key than OUTLET_LIVE_KEY_BYTES_MAX. */
MUST_CHECK enum err outlet_record(struct outlet *o, struct span record, uint16_t feed_id,
                                  struct span live, uint64_t now_us);

/* Where the source of this feed goes on. Replaces an earlier one in the same batch: a batch ends
 * with the last cursor of each feed, behind the records it covers. ERR_FULL, ERR_LIMIT (key or
 * value over CURSOR_BYTES_MAX, more than FEEDS_MAX feeds). */
MUST_CHECK enum err outlet_cursor(struct outlet *o, uint16_t feed_id, struct span key,
                                  struct span value, uint64_t now_us);

/* A live dialog; an empty value deletes it. ERR_FULL, ERR_LIMIT. */
MUST_CHECK enum err outlet_live(struct outlet *o, uint16_t feed_id, struct span key,
                                struct span value, uint64_t now_us);

/* --- sending --- */

/* Closes the open batch, if it has anything in it. */
void outlet_close_batch(struct outlet *o);
/* Microseconds until the open batch is flush_us old; 0 = now, UINT64_MAX = nothing is open. */
uint64_t outlet_due_us(const struct outlet *o, uint64_t flush_us, uint64_t now_us);
/* Sends what may be sent. OK also when the socket is full, which outlet_blocked() tells.
 * ERR_SHUTDOWN: the channel is gone. */
MUST_CHECK enum err outlet_pump(struct outlet *o);
bool outlet_blocked(const struct outlet *o); /* call outlet_pump() when the link is writable */

/* The vault went away (GREETING): nothing is sent until outlet_open(), which begins again with
 * the oldest batch that has no receipt. */
void outlet_hold(struct outlet *o);
void outlet_open(struct outlet *o);

/* A RECEIPT frame. One for a batch that is not in flight is ignored: it was meant for our
 * predecessor, or comes from a vault that has not read our HELLO yet. ERR_SYNTAX: not a
 * receipt. Else the status it carries: what is not OK was refused whole and is kept. */
MUST_CHECK enum err outlet_receipt(struct outlet *o, uint32_t id, struct span payload,
                                   struct diag *d);

/* --- asking --- */
bool outlet_room(const struct outlet *o);
bool outlet_crowded(const struct outlet *o);
bool outlet_idle(const struct outlet *o);        /* nothing open, nothing waits for a receipt */
size_t outlet_waiting(const struct outlet *o);   /* closed batches without a receipt */
uint64_t outlet_seq(const struct outlet *o);     /* of the batch that the last operation went to */
uint64_t outlet_durable(const struct outlet *o); /* all batches up to this one are on disk */
const struct outlet_counts *outlet_counts(const struct outlet *o);

#endif
