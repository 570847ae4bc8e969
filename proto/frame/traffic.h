/* traffic.h - packets in, SIP messages and HEP frames out: packet.h with the memory that
 * fragments and TCP connections need. Any UDP payload or TCP stream that begins like SIP or
 * HEP counts, whatever its port; all other traffic is skipped and counted.
 *
 * Time is the packets' own. Memory is bounded by fragment.h and flow.h and taken when a packet
 * needs it, because a capture without fragments and TCP should not pay for them. */
#ifndef CPNI_FRAME_TRAFFIC_H
#define CPNI_FRAME_TRAFFIC_H

#include "proto/core/diag.h"
#include "proto/core/limits.h"
#include "proto/frame/endpoint.h"

enum traffic_kind { TRAFFIC_SIP = 1, TRAFFIC_HEP };

struct traffic_item {
    enum traffic_kind kind;
    uint8_t ip_proto; /* 6 or 17 */
    bool cut;         /* the capture kept only the beginning of the datagram */
    struct endpoint src, dst;
    int64_t t_us; /* of the packet that completed it; messages of one packet rise by 1 us */
    /* The message or HEP frame (hep_parse() it; it may be gzip). Valid during the call. */
    struct span payload;
};

/* Anything but OK ends the reading and is handed through: the packet's other items are lost. */
typedef enum err traffic_fn(void *arg, const struct traffic_item *item);

struct traffic_counts {
    uint64_t packets, sip, hep, keepalives;
    uint64_t other;             /* packets that are neither and carry nothing for us */
    uint64_t malformed;         /* headers that contradict themselves */
    uint64_t fragments_expired; /* datagrams that were never completed, or did not fit */
    uint64_t bytes_lost;        /* of TCP streams: gaps, what did not fit, what was no message */
    uint64_t flows_evicted;     /* connections given up for want of room */
};

struct traffic;

MUST_CHECK enum err traffic_new(struct traffic **out); /* ERR_NOMEM */
struct traffic *traffic_free(struct traffic *t);       /* wipes; returns NULL */

/* One packet. A damaged one is counted, not an error.
 * ERR_NOTFOUND: a link type that we do not read. Else what fn returned. */
MUST_CHECK enum err traffic_feed(struct traffic *t, int link_type, struct span frame, int64_t t_us,
                                 traffic_fn *fn, void *arg);

/* The capture has ended: reads what TCP bytes still wait behind gaps. */
MUST_CHECK enum err traffic_finish(struct traffic *t, int64_t t_us, traffic_fn *fn, void *arg);

struct traffic_counts traffic_counts(const struct traffic *t);

#endif
