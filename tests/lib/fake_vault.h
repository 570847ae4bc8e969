/* fake_vault.h - a vault of arrays, for tests of what talks to one: it decodes batches, knows
 * duplicates, keeps cursors and dialogs, and can withhold receipts, refuse, be full, and die
 * with everything that it has not committed.
 *
 * It follows the contract of vault/vault.h, and counts in `violations` where its client does
 * not: batches out of order, more than BATCHES_IN_FLIGHT_MAX, operations of feeds that it did
 * not greet with, what does not decode. */
#ifndef CPNI_TESTS_FAKE_VAULT_H
#define CPNI_TESTS_FAKE_VAULT_H

#include "proto/record/call.h"
#include "proto/wire/record_wire.h"
#include "vault/vault.h"

struct fake_pair { /* a cursor or a dialog; owned copies */
    uint16_t feed_id;
    uint8_t *key, *value;
    size_t key_bytes, value_bytes;
};

struct fake_record {
    uint8_t *wire; /* owned */
    size_t bytes;
    uint16_t feed_id;
    struct span dedup; /* into wire */
};

struct fake_frame {
    struct fake_frame *next;
    enum frame_type type;
    uint32_t id;
    size_t n;
    uint8_t bytes[];
};

struct fake_vault {
    struct vault_link link; /* in this process: set on_frame and arg, then use it */

    /* how it behaves */
    bool withhold;   /* no commits: nothing becomes durable, no receipt */
    bool full;       /* send() answers ERR_FULL */
    enum err refuse; /* status of the next receipts; nothing is applied */
    enum feed_kind
        known_kind; /* of a feed that is greeted with kind 0; 0 = such a feed is unknown */

    /* what is durable */
    struct fake_record *record;
    size_t records_count;
    struct fake_pair *cursor, *live;
    size_t cursors_count, lives_count;
    char feed[FEEDS_MAX][FEED_NAME_BYTES_MAX + 1];
    uint8_t feed_kind[FEEDS_MAX];
    size_t feeds_count;

    /* what was seen */
    uint64_t batches, duplicates, violations, hellos;

    /* of the session */
    bool greeted;
    uint32_t last_id;
    struct fake_frame *pending, *answers; /* batches not committed; frames to the client */
};

void fake_vault_init(struct fake_vault *v);
void fake_vault_done(struct fake_vault *v);

/* Commits what is pending and puts the receipts among the answers. */
void fake_vault_commit(struct fake_vault *v);
/* Dies and is started again: what was not committed is gone, and so are unread answers;
 * GREETING. */
void fake_vault_restart(struct fake_vault *v);

/* The other end of a seqpacket socket, for a client in another process: handles what has come
 * within timeout_ms and commits it. False: the client is gone. */
bool fake_vault_serve(struct fake_vault *v, int fd, int timeout_ms);

/* The i-th record, decoded. */
void fake_vault_record(const struct fake_vault *v, size_t i, struct record *out);
/* How many records have this dedup key. */
size_t fake_vault_count(const struct fake_vault *v, struct span dedup);
/* Number of a feed, 0 when it was never greeted with. */
uint16_t fake_vault_feed(const struct fake_vault *v, const char *name);

#endif
