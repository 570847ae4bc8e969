/* packet.h - one captured packet down to its transport: link layer, VLAN tags, MPLS and PPPoE,
 * IPv4, IPv6 and its extension headers, IP in IP, GRE, UDP, TCP. Stateless: fragment.h and
 * flow.h put together what was sent in pieces, traffic.h is all of it. */
#ifndef CPNI_FRAME_PACKET_H
#define CPNI_FRAME_PACKET_H

#include "proto/core/diag.h"
#include "proto/frame/endpoint.h"

enum { IP_PROTO_TCP = 6, IP_PROTO_UDP = 17 };

/* Tunnels and tags in one packet; more is an attack. */
enum { PACKET_LAYERS_MAX = 16 };

enum packet_kind {
    PACKET_OTHER,    /* neither of these: ARP, ICMP (also where it quotes SIP), SCTP, ... */
    PACKET_UDP,      /* payload = the datagram's */
    PACKET_TCP,      /* payload = the segment's; tcp is filled in */
    PACKET_FRAGMENT, /* payload = the fragment's; fragment is filled in */
};

struct packet_tcp {
    uint32_t seq;
    bool syn; /* the end of a connection is of no interest: its bytes may still come */
};

/* RFC 791 3.2, RFC 8200 4.5: what belongs together has the same id, ends and protocol. */
struct packet_fragment {
    uint32_t id;
    uint32_t offset; /* bytes */
    uint8_t proto;   /* what the reassembled payload is */
    bool more;       /* others follow */
};

struct packet {
    enum packet_kind kind;
    bool cut;                 /* the capture kept less than was sent: the payload ends early */
    struct endpoint src, dst; /* ports are 0 in a fragment */
    struct span payload;      /* points into the frame */
    struct packet_tcp tcp;
    struct packet_fragment fragment;
};

/* link_type as in the file, LINKTYPE_* of the pcap format. ERR_NOTFOUND: a link type that we do
 * not read. ERR_SYNTAX: headers that contradict themselves or end early. */
MUST_CHECK enum err packet_parse(int link_type, struct span frame, struct packet *out,
                                 struct diag *d);

/* The payload of reassembled fragments, with the addresses of `out`. */
MUST_CHECK enum err packet_parse_ip(uint8_t proto, struct span payload, struct packet *out,
                                    struct diag *d);

#endif
