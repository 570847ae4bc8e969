/* ask.h - requests to a vault, in this process or behind its socket, one at a time: what a run
 * needs before and after it is measured. */
#ifndef CPNI_BENCH_ASK_H
#define CPNI_BENCH_ASK_H

#include "bench/rows.h"
#include "ingest/forward/key_file.h"
#include "vault/vault.h"

struct ask {
    struct vault_link *link; /* borrowed; its on_frame is ask_frame, its arg the ask */
    void (*row)(void *arg, struct span payload);
    void *arg;
    uint32_t id;
    bool done;
    enum err result;
};

void ask_frame(void *ask, const struct frame *f);

/* Sends one frame and waits for its END or ROWS. ROW and ROWS go to ask->row, if there is one.
 * ERR_DENIED: refused. ERR_NET: the vault went away. */
MUST_CHECK enum err ask_send(struct ask *a, enum frame_type type, struct span payload);

/* The directory of population.h: all of it, or an error. */
MUST_CHECK enum err ask_import(struct ask *a, uint32_t customers);

/* Makes a consumer "bench" that may pull totals with account ids. The pair of keys is in *key, and
 * the server's key. */
MUST_CHECK enum err ask_consumer(struct ask *a, struct key_file *key);

/* Pulls until there is no more, without ZeroMQ: for a session that may pull. */
MUST_CHECK enum err ask_totals(struct ask *a, const struct key_file *key, struct rows *out);

#endif
