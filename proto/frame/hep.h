/* hep.h - HEP, the encapsulation in which SIP agents mirror their traffic: versions 1, 2, 3.
 *
 * Version 3 (HEP3 network protocol specification rev 37), integers big-endian:
 *   "HEP3" | [2] bytes of the frame | chunk*
 *   chunk = [2] vendor | [2] type | [2] bytes of the chunk, these 6 included | value
 * Versions 1 and 2 have a fixed head (feeds.md 1.6) and live in datagrams only. Version 2 was
 * a C struct sent as it lay in memory: some senders pad it and use their own byte order.
 *
 * A frame may be a gzip member that holds another frame, and a payload may be compressed:
 * hep_shape() and `compressed` tell; inflate.h opens both. The key is not checked here. */
#ifndef CPNI_FRAME_HEP_H
#define CPNI_FRAME_HEP_H

#include "proto/core/diag.h"
#include "proto/core/limits.h"
#include "proto/frame/endpoint.h"

enum hep_shape { HEP_NONE, HEP_V1, HEP_V2, HEP_V3, HEP_GZIP };

enum hep_family { HEP_INET = 2, HEP_INET6 = 10 };

/* Chunk 0x000b. Only SIP and CDR are of use to us; the rest is dropped and counted. */
enum hep_payload { HEP_SIP = 0x01, HEP_RTCP = 0x05, HEP_CDR = 0x3c, HEP_LOG = 0x64 };

struct hep_quirks {
    uint16_t duplicates; /* generic chunks seen again; the first one counts */
    uint16_t foreign;    /* chunks of a vendor */
    uint16_t unknown;    /* generic chunks without a meaning for us */
};

/* Spans point into the frame. */
struct hep {
    uint8_t version; /* 1, 2, 3 */
    uint8_t family;  /* enum hep_family */
    /* 6, 17, 132; some agents send 22 or 50 for TLS and WebSocket. A hint: the Via decides. */
    uint8_t ip_proto;
    uint8_t payload_type; /* enum hep_payload */
    uint8_t tcp_flags, tos;
    bool has_time; /* version 1 has none: use the time of receipt and say so */
    bool has_vlan;
    bool compressed; /* the payload is zlib or gzip */
    uint16_t vlan;
    uint16_t keep_alive_s;
    uint32_t agent_id;
    int64_t t_us; /* since 1970 UTC */
    struct endpoint src, dst;
    struct span agent_name, auth_key, correlation, group;
    struct span payload; /* may be empty: to be dropped and counted */
    struct hep_quirks quirks;
};

/* What a datagram or a stream begins with; looks at no more than the first 16 bytes. */
enum hep_shape hep_shape(struct span in);

/* One whole frame: a datagram, or what hep_next() gave. now_us serves version 2 alone, to find
 * out which byte order puts its time within a day of ours.
 * ERR_SYNTAX: length or chunk out of bounds, bytes behind the frame, a fixed-size chunk of
 * another size, a chunk missing that every message needs, microseconds over 999999. */
MUST_CHECK enum err hep_parse(struct span frame, int64_t now_us, struct hep *out, struct diag *d);

/* The first frame of a stream (version 3 only, the others have no length). ERR_MORE: read on.
 * ERR_SYNTAX: no frame begins here; close the connection, for nothing marks the next one and
 * the letters "HEP3" may stand in a payload. */
MUST_CHECK enum err hep_next(struct span in, struct span *out_frame, struct diag *d);

#endif
