/* watch.h - asks a running vault every so often how many records it has accepted, without waiting
 * for the answer. */
#ifndef CPNI_BENCH_WATCH_H
#define CPNI_BENCH_WATCH_H

#include "vault/vault.h"

struct watch {
    struct vault_link *link; /* owned */
    uint32_t id;
    bool asked;
    uint64_t next_us;  /* when to ask again */
    uint64_t accepted; /* of the answer that is coming in */
    uint64_t heard;    /* of the last whole answer */
    uint64_t durable;  /* of the answer before that: synced since (outside.h) */
    bool refused;
};

/* ERR_NET: not reachable. The watch must not move. */
MUST_CHECK enum err watch_open(struct watch *w, const char *socket_path);
void watch_close(struct watch *w);

/* Takes what came and asks when it is time. ERR_NET: the vault went away, or does not answer this
 * user. */
MUST_CHECK enum err watch_turn(struct watch *w, uint64_t now_us);

/* What vault_link calls; arg is the watch. */
void watch_frame(void *watch, const struct frame *f);

#endif
