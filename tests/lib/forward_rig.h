/* forward_rig.h - a forward between a vault of usage_vault.h and real ZeroMQ consumers over
 * loopback, its loop in a thread of the test. */
#ifndef CPNI_TESTLIB_FORWARD_RIG_H
#define CPNI_TESTLIB_FORWARD_RIG_H

#include <uv.h>

#include "ingest/forward/forward.h"
#include "ingest/forward/usage_client.h"
#include "tests/lib/usage_vault.h"

struct forward_rig {
    struct usage_vault vault;
    char pull[KEY_ENDPOINT_BYTES], hint[KEY_ENDPOINT_BYTES]; /* on free ports */
    struct metrics metrics;
    struct forward *forward;
    uv_loop_t loop;
    uv_async_t stop;
    uv_sem_t ready;
    pthread_t thread;
    enum err failed;
};

void forward_rig_start(struct forward_rig *r); /* serves when it returns */
void forward_rig_stop(struct forward_rig *r);

/* Two addresses of loopback where nobody listens: "127.0.0.1:port". */
void free_addresses(char a[static KEY_ENDPOINT_BYTES], char b[static KEY_ENDPOINT_BYTES]);
/* A new key pair with all that a consumer of the rig needs; not registered. */
struct key_file forward_rig_key(const struct forward_rig *r);
/* A registered consumer, connected. */
struct usage_client *forward_rig_client(struct forward_rig *r);

#endif
