/* vault.h - the contract: commit a batch, read the outbox, answer a person.
 *
 * Everything a client wants is a frame (proto/wire/frame.h) sent on a link; everything it
 * gets is a frame given to its callback. Two links behind one interface: local (the vault
 * in this process: unit tests, benchmarks) and remote (a Unix seqpacket socket).
 *
 *   HELLO -> WELCOME for each feed, LIVE*, READY           (LIVE: to ingest workers only)
 *   BATCH -> RECEIPT, after the batch is on disk           (ids ascend; receipts in order)
 *   REQUEST -> COLUMNS, ROW*, PROGRESS*, END               (control.h)
 *   FORWARD_HELLO, CONSUMER_ASK, PULL, CONFIRM             (pull.h)
 *   GREETING <- the vault (re)started: HELLO again, send again what has no receipt
 *
 * A batch without a receipt may be sent again, to the same vault or its successor: it is
 * found to be a duplicate (I2, I3). */
#ifndef CPNI_VAULT_VAULT_H
#define CPNI_VAULT_VAULT_H

#include "proto/core/diag.h"
#include "proto/wire/frame.h"

/* One frame for the client; the payload is valid during the call. */
typedef void vault_frame_fn(void *arg, const struct frame *f);

struct vault_link;
struct vault_link_ops {
    /* Client's thread; never blocks. ERR_FULL: the socket is full, try when writable.
     * ERR_SHUTDOWN: the other side is gone. The payload is copied or sent, not kept. */
    enum err (*send)(struct vault_link *l, enum frame_type type, uint32_t id, struct span payload);
    /* Gives every frame that waits to the callback. ERR_SHUTDOWN, ERR_SYNTAX: close. */
    enum err (*receive)(struct vault_link *l);
    int (*fd)(const struct vault_link *l); /* to poll for reading; -1 = call receive() at will */
    void (*free)(struct vault_link *l);
};
struct vault_link {
    const struct vault_link_ops *ops;
    vault_frame_fn *on_frame;
    void *arg;
};

static inline enum err vault_send(struct vault_link *l, enum frame_type type, uint32_t id,
                                  struct span payload)
{
    return l->ops->send(l, type, id, payload);
}

/* Over a connected or inherited seqpacket socket; takes fd. */
MUST_CHECK enum err vault_link_remote(int fd, vault_frame_fn *on_frame, void *arg,
                                      struct vault_link **out);
/* Connects to STATE/control.sock. ERR_NET: not reachable. */
MUST_CHECK enum err vault_link_connect(const char *socket_path, vault_frame_fn *on_frame, void *arg,
                                       struct vault_link **out);
struct vault_link *vault_link_free(struct vault_link *l); /* NULL is fine */

#endif
