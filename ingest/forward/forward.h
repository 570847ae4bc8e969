/* forward.h - the two sockets that usage leaves by, on a libuv loop: a ROUTER that answers
 * pulls and a PUB that says when there is something to pull. Both are CURVE servers behind
 * the handler of zap.h: who has no registered key gets no further than the handshake, and
 * the vault looks at the consumer's right again with every single request.
 *
 *   vault link <-> desk.h <-> ROUTER      POSITION -> PUB      zap.h <-> inproc
 *
 * One thread; libzmq has two of its own. Wakes when the vault, a consumer or a time-out
 * has something. */
#ifndef CPNI_FORWARD_FORWARD_H
#define CPNI_FORWARD_FORWARD_H

#include <uv.h>

#include "proto/core/metric.h"
#include "vault/vault.h"

struct forward_options {
    const char *pull_endpoint, *hint_endpoint; /* "tcp://127.0.0.1:7760" */
    uint32_t first_id;                         /* random: desk.h */
    const struct metrics *metrics;             /* may be NULL */
};

struct forward_events {
    void (*ready)(void *arg); /* both sockets are open */
    /* It cannot go on; what is a constant. ERR_NET: an address is taken or the vault gone.
     * ERR_CONFLICT: the vault has another CURVE key now. */
    void (*failed)(void *arg, enum err e, const char *what);
    void *arg;
};

struct forward;
/* Takes vault_fd; asks the vault for the CURVE keys; the loop must run. ERR_NOMEM, ERR_NET. */
MUST_CHECK enum err forward_new(uv_loop_t *loop, int vault_fd, const struct forward_options *o,
                                const struct forward_events *events, struct forward **out);
/* Closes the handles; run the loop until it is empty, then free. */
void forward_stop(struct forward *f);
struct forward *forward_free(struct forward *f);

#endif
