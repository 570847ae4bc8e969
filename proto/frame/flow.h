/* flow.h - TCP segments in the order of their bytes: one flow a direction, out-of-order and
 * repeated segments, gaps where the capture lost some, captures that begin amid a connection.
 * Knows nothing of what the bytes mean.
 *
 * Memory is bounded: FLOWS_MAX flows, FLOW_BYTES_MAX each, FLOW_TOTAL_BYTES_MAX for all; it is
 * taken only for bytes that have to wait. A flow that was quiet for long makes room. A closed
 * connection stays known, so that a late repetition of its bytes is not taken for new ones. */
#ifndef CPNI_FRAME_FLOW_H
#define CPNI_FRAME_FLOW_H

#include "proto/frame/packet.h"

enum {
    FLOWS_MAX = 4096,
    /* Bytes in order that wait for the rest of their message: twice the largest message. */
    FLOW_BYTES_MAX = 128 * 1024,
    /* Bytes behind a gap, in this many segments: two round trips of a fast connection. */
    FLOW_AHEAD_BYTES_MAX = 128 * 1024,
    FLOW_AHEAD_SEGMENTS_MAX = 256,
    FLOW_TOTAL_BYTES_MAX = 64 * 1024 * 1024,
};
/* A gap older than this is the capture's loss: TCP itself would have sent it again. */
#define FLOW_GAP_US (INT64_C(3) * 1000 * 1000)

struct flow {
    struct endpoint src, dst;
    /* The reader's own: zero when the connection begins. */
    uint32_t state;
    size_t skip, lost;
};

/* Reads bytes in order and gives back how many it used; it sees the others again with more
 * behind them. `gap`: bytes are missing before these, or the flow was joined amid. */
typedef size_t flow_reader(void *arg, struct flow *f, struct span bytes, bool gap);

struct flows;

struct flows_counts {
    uint64_t bytes_lost; /* in gaps, and left behind unread */
    uint64_t evicted;
};

MUST_CHECK enum err flows_new(struct flows **out); /* ERR_NOMEM */
struct flows *flows_free(struct flows *fs);        /* wipes; returns NULL */

/* A PACKET_TCP. */
void flows_put(struct flows *fs, const struct packet *p, int64_t t_us, flow_reader *read,
               void *arg);

/* The capture has ended: reads what still waits behind gaps. */
void flows_finish(struct flows *fs, flow_reader *read, void *arg);

struct flows_counts flows_counts(const struct flows *fs);

#endif
