/* zap.h - who may connect: the handler of ZeroMQ's authentication requests (RFC 27/ZAP).
 *
 * libzmq asks inproc://zeromq.zap.01 about every handshake; CURVE alone would let anybody
 * in who knows the server's public key. The handler is a ROUTER in the loop's own thread:
 * it forwards the client's key to the vault and answers when the vault did, so a slow vault
 * delays handshakes and nothing else. A yes is remembered for a moment, a no is not: a
 * consumer that was just added gets in at once. The User-Id of every later message is the
 * Z85 form of the key that was proven. */
#ifndef CPNI_FORWARD_ZAP_H
#define CPNI_FORWARD_ZAP_H

#include "proto/core/metric.h"
#include "proto/wire/frame.h"
#include "proto/wire/pull.h"

enum {
    ZAP_PENDING_MAX = 64, /* handshakes that wait for the vault; more are told to come again */
    ZAP_REMEMBER_MS = 3000,
    ZAP_REMEMBERED = 32,
    ZAP_VAULT_MS = 5000,
    ZAP_ID_BIT = (int)0x20000000 /* in the id of every question to the vault */
};
#define ZAP_DOMAIN "cpni-usage"

struct zap_ops {
    enum err (*ask)(void *arg, enum frame_type type, uint32_t id, struct span payload);
    /* A key got in; the name is the consumer's. */
    void (*welcome)(void *arg, struct span key, struct span name);
    void *arg;
};

struct zap;
/* Binds the endpoint; ctx is the context of the sockets to guard, which are bound later.
 * ERR_NET: another handler is there. */
MUST_CHECK enum err zap_new(void *ctx, const struct zap_ops *ops, uint32_t first_id,
                            const struct metrics *m, struct zap **out);
struct zap *zap_free(struct zap *z);

/* Descriptor to poll for reading; edge-triggered, as all of ZeroMQ: before sleeping call
 * zap_pump() until it gives false. */
int zap_fd(const struct zap *z);
/* Handles one request; false: none waits. */
bool zap_pump(struct zap *z, int64_t now_ms);
/* CONSUMER of a question of zap; one of an unknown id is late. */
void zap_answer(struct zap *z, const struct frame *f, int64_t now_ms);
void zap_ask_again(struct zap *z, int64_t now_ms);
int64_t zap_tick(struct zap *z, int64_t now_ms);

#endif
