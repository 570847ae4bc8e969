/* dialog.h - SIP messages in, call records out: the state machine of one call as a
 * passive observer sees it, for very many calls at once.
 *
 * A call is a Call-ID and the From tag of its first INVITE. A proxy shows it twice (in and
 * out, with different branches) and two capture hooks show it again: it stays one call. A
 * downstream fork with two 2xx makes two records (CALL_FORK).
 *
 *   CALLING -> RINGING -> ANSWERED -> ENDING -> (record) tombstone 60 s
 *      |          |
 *      +----------+--> RETRY (401, 407, 422, 3xx...: the next INVITE goes on) or (record)
 *
 * Instants of the record are capture times; timers run on the caller's monotonic time. The
 * table never looks at a clock, so a run is a function of its input and the seed. No
 * malloc per message: calls live in chains of fixed cells, allocated by the megabyte up to
 * the configured limit and reused. One table belongs to one thread. */
#ifndef CPNI_RECORD_DIALOG_H
#define CPNI_RECORD_DIALOG_H

#include "proto/record/sip_msg.h"

struct dialog_limits {
    size_t dialogs_max;   /* calls and tombstones; 0 = DIALOGS_MAX_DEFAULT */
    size_t bytes_max;     /* of their text; 0 = 1 GiB */
    uint32_t no_reply_s;  /* INVITE without any response: Timer B 32 s and grace; 0 = 34 */
    uint32_t ringing_s;   /* since the last 1xx: Timer C 180 s and grace; 0 = 185 */
    uint32_t retry_s;     /* 401, 407, 422, 3xx waiting for the next INVITE: people type
                             passwords; 0 = 180 */
    uint32_t ending_s;    /* BYE without response: Timer F; 0 = 32 */
    uint32_t tombstone_s; /* swallows retransmissions; 0 = 60 */
    uint32_t silence_s; /* answered, and nothing seen; Session-Expires x 1.5 if longer; 0 = 12 h */
    uint32_t checkpoint_ms; /* unanswered calls younger than this are not saved; 0 = 200 */
};

/* 128 random bits: Call-IDs are chosen by strangers, who must not choose our collisions. */
struct dialog_seed {
    uint64_t k0, k1;
};

/* Where and when one message was seen. */
struct dialog_meta {
    uint16_t feed_id;
    uint32_t agent;         /* capture agent id: instants of one call come from one agent */
    struct span agent_name; /* becomes switch_id; may be empty */
    int64_t t_capture_us;   /* instants */
    int64_t t_receive_us;   /* our wall clock at receipt; 0 = a replay, which has none */
    uint8_t time_quality;   /* bits TIME_* */
    struct ip src, dst;
    uint16_t src_port, dst_port;
    enum transport transport; /* of the capture; else that of the Via */
};

/* Everything that was seen, by what became of it. */
/* clang-format off */
#define DIALOG_COUNTS(X)                                                   \
    X(messages, "SIP messages fed")                                        \
    X(invites, "INVITE requests")                                          \
    X(responses, "responses to INVITE")                                    \
    X(ends, "BYE and CANCEL requests")                                     \
    X(others, "other messages of known calls")                             \
    X(ignored, "not about calls: REGISTER, OPTIONS, MESSAGE...")           \
    X(repeated, "retransmissions and second captures")                     \
    X(hops, "the same call seen again on the other side of a proxy")       \
    X(orphan_requests, "BYE, re-INVITE... of a call never seen")           \
    X(orphan_responses, "responses of a call never seen")                  \
    X(late, "messages of a call that is over")                             \
    X(records, "records given out")                                        \
    X(forks, "second and further 2xx of one INVITE")                       \
    X(timeouts, "calls that ended by a timer")                             \
    X(evicted, "calls given up for want of room, given out as incomplete") \
    X(refused, "calls not followed: the table is full of answered calls")  \
    X(extras_lost, "headers that did not fit DIALOG_BYTES_MAX")            \
    X(secrets, "keys and PINs dropped from SDP and URIs")                  \
    X(restored, "calls put back by dialog_restore")
/* clang-format on */

struct dialog_counts {
#define DIALOG_COUNT_MEMBER(name, meaning) uint64_t name;
    DIALOG_COUNTS(DIALOG_COUNT_MEMBER)
#undef DIALOG_COUNT_MEMBER
};

struct dialog_table;

/* Borrows the record for the call; it must not call back into the table. */
typedef void dialog_emit_fn(void *arg, const struct record *r);

/* ERR_NOMEM: also when limits ask for more than 32-bit cell numbers can name. */
MUST_CHECK enum err dialog_table_new(const struct dialog_limits *limits, struct dialog_seed seed,
                                     struct dialog_table **out);
struct dialog_table *dialog_table_free(struct dialog_table *t); /* wipes; returns NULL */

/* One message, its extras already classified. Gives out at most a few records. */
void dialog_feed(struct dialog_table *t, const struct sip_msg *m, const struct dialog_meta *meta,
                 uint64_t now_us, dialog_emit_fn *emit, void *arg);

/* Runs the timers up to now; call it a few times a second. */
void dialog_tick(struct dialog_table *t, uint64_t now_us, dialog_emit_fn *emit, void *arg);

/* The input ends here (a capture file): gives out every open call as incomplete. */
void dialog_finish(struct dialog_table *t, uint64_t now_us, dialog_emit_fn *emit, void *arg);

/* Checkpoints: what must survive a restart. Calls fn for each call that changed: answered
 * ones at once, others when older than checkpoint_ms; an empty value means delete. Keys
 * are clear text (Call-ID, tags): whoever keeps them seals them (I4). */
typedef void dialog_save_fn(void *arg, struct span key, struct span value);
void dialog_checkpoint(struct dialog_table *t, uint64_t now_us, dialog_save_fn *fn, void *arg);

/* Puts one back; its record carries CALL_RESTORED. Timers start anew at now_us.
 * ERR_VERSION, ERR_SYNTAX: not what dialog_checkpoint gave. ERR_FULL. ERR_CONFLICT: a call
 * of that key is there. */
MUST_CHECK enum err dialog_restore(struct dialog_table *t, struct span key, struct span value,
                                   uint64_t now_us, struct diag *d);

const struct dialog_counts *dialog_counts(const struct dialog_table *t);
size_t dialog_live(const struct dialog_table *t);  /* calls not yet given out */
size_t dialog_bytes(const struct dialog_table *t); /* memory the table holds now */

#endif
