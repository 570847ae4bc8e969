/* usage_vault.h - a vault as the forward role sees it, in a thread: answers FORWARD_HELLO,
 * CONSUMER_ASK, PULL and CONFIRM on one end of a socket pair, from what the test puts in.
 * Row number p has position p; its account says "account-p". */
#ifndef CPNI_TESTLIB_USAGE_VAULT_H
#define CPNI_TESTLIB_USAGE_VAULT_H

#include <pthread.h>

#include "ingest/forward/key_file.h"

enum { USAGE_VAULT_CONSUMERS = 8 };

struct usage_vault {
    int fd;    /* the vault's end; owned */
    int other; /* forward's end; the test's until given away */
    pthread_t thread;
    pthread_mutex_t lock;
    bool stop, mute;
    uint64_t last_position, confirmed, pulls_count, asks_count, hellos_count;
    uint64_t oldest; /* cursors below it are refused as too old */
    size_t consumers_count;
    uint8_t consumer[USAGE_VAULT_CONSUMERS][CONSUMER_KEY_BYTES];
    char server_public[KEY_TEXT_BYTES];
    uint8_t server_pair[2 * CONSUMER_KEY_BYTES];
};

/* Sockets and keys; a test that forks does it between this and usage_vault_serve(): locks
 * that a thread holds are held for ever in the child. */
void usage_vault_open(struct usage_vault *v);
void usage_vault_serve(struct usage_vault *v);
void usage_vault_start(struct usage_vault *v); /* both */
void usage_vault_stop(struct usage_vault *v);  /* closes v->fd */

void usage_vault_add(struct usage_vault *v, const struct key_file *k);
void usage_vault_remove_all(struct usage_vault *v);
/* Rows up to this position are there; tells forward. */
void usage_vault_rows(struct usage_vault *v, uint64_t last_position);
/* Hears and says nothing, as while it restarts. */
void usage_vault_mute(struct usage_vault *v, bool mute);
/* Speaks again, and greets, as after a restart. */
void usage_vault_restart(struct usage_vault *v);
/* Another pair of CURVE keys. */
void usage_vault_new_keys(struct usage_vault *v);
/* Any frame. */
void usage_vault_say(struct usage_vault *v, int type, uint32_t id, struct span payload);

/* One of the counters above, under the lock. */
uint64_t usage_vault_get(struct usage_vault *v, const uint64_t *counter);

#endif
