/* desk.h - the requests of consumers that wait for the vault: who asked what, on which
 * question to the vault the answer hangs, and when to give up. No sockets, no clock: a
 * run is a function of what is put in.
 *
 *   request -> ASKED -> rows ----------------------------> answer
 *                    -> no rows, and may wait -> PARKED -> position moved: ask again
 *                                                       -> time is up:     ask a last time
 *                    -> refusal ---------------------------> Error
 *                    -> no answer in DESK_VAULT_MS --------> Error BUSY
 *
 * One request in flight a connection, a few a consumer, DESK_SEATS in all: what is over is
 * answered BUSY at once (I9), and one consumer cannot take all the seats (I10). */
#ifndef CPNI_FORWARD_DESK_H
#define CPNI_FORWARD_DESK_H

#include "proto/core/metric.h"
#include "proto/wire/cu1.h"
#include "proto/wire/frame.h"

enum {
    DESK_SEATS = 256,
    DESK_SEATS_A_CONSUMER = 8,
    DESK_STREAMS = 4,
    DESK_PEER_BYTES_MAX = 255,    /* of a ZeroMQ routing id */
    DESK_VAULT_MS = 5000,         /* the vault restarts in less */
    DESK_ID_BIT = (int)0x40000000 /* in the id of every question to the vault */
};

struct desk_ops {
    /* A question to the vault; an error is answered BUSY. */
    enum err (*ask)(void *arg, enum frame_type type, uint32_t id, struct span payload);
    /* An Envelope for a consumer; borrowed. May fail silently: the consumer asks again. */
    void (*answer)(void *arg, struct span peer, struct span envelope);
    void *arg;
};

struct desk_caller {
    struct span peer;         /* routing id of the connection */
    struct span consumer_key; /* CONSUMER_KEY_BYTES, as the handshake proved it */
};

struct desk;
/* first_id: where the ids of questions start; a restarted role must not start where its
 * predecessor did, or it would take late answers for its own. */
MUST_CHECK enum err desk_new(const struct desk_ops *ops, uint32_t first_id, const struct metrics *m,
                             struct desk **out);
struct desk *desk_free(struct desk *k);

/* A message of a consumer: its two frames, or SPAN_EMPTY for what was not there. */
void desk_request(struct desk *k, const struct desk_caller *c, struct span version,
                  struct span envelope, int64_t now_ms);
/* The handshake knows who has a key; for the labels of the metrics. */
void desk_consumer(struct desk *k, struct span key, struct span name);
/* It was removed: it lags no more, and its parked pulls are asked again, to be refused. */
void desk_consumer_gone(struct desk *k, struct span key, int64_t now_ms);
/* ROWS, CONFIRMED, REFUSED of a question of the desk; one of an unknown id is late. */
void desk_answer(struct desk *k, const struct frame *f, int64_t now_ms);
/* A stream has a newer row: parked pulls are asked again. */
void desk_position(struct desk *k, const struct pull_position *p, int64_t now_ms);
/* The vault was restarted: everything unanswered is asked again (asking is idempotent). */
void desk_ask_again(struct desk *k, int64_t now_ms);
/* Ends what is over time. Gives the time of the next end, INT64_MAX when nothing waits. */
int64_t desk_tick(struct desk *k, int64_t now_ms);

#endif
