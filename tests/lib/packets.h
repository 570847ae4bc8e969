/* packets.h - packets as they stand on a wire, for tests: headers are put into a buf from the
 * outside in, each told how many bytes will follow it. Checksums are left 0: nobody checks. */
#ifndef CPNI_TESTS_PACKETS_H
#define CPNI_TESTS_PACKETS_H

#include "proto/core/buf.h"

enum { LINK_ETHERNET_TEST = 1, ETHERNET_BYTES = 14, IPV4_BYTES = 20, IPV6_BYTES = 40 };
enum { UDP_BYTES = 8, TCP_BYTES = 20, TCP_SYN = 2, TCP_ACK = 16 };

/* 192.0.2.x and 2001:db8::x (documentation addresses, RFC 5737 and RFC 3849). */
struct ends {
    uint8_t src, dst;
    uint16_t src_port, dst_port;
};

static inline void put_zeros(struct buf *b, size_t n)
{
    uint8_t *room = buf_room(b, n);
    if (room)
        memset(room, 0, n);
}

static inline void put_ethernet(struct buf *b, uint16_t type)
{
    put_zeros(b, 12);
    buf_be16(b, type);
}

/* offset in bytes; more: others follow. */
static inline void put_ipv4_fragment(struct buf *b, struct ends e, uint8_t proto, size_t bytes,
                                     uint16_t id, unsigned offset, bool more)
{
    buf_be16(b, 0x4500);
    buf_be16(b, (uint16_t)(IPV4_BYTES + bytes));
    buf_be16(b, id);
    buf_be16(b, (uint16_t)(offset / 8 | (more ? 0x2000 : 0)));
    buf_u8(b, 64);
    buf_u8(b, proto);
    buf_be16(b, 0);
    buf_be32(b, 0xc0000200u | e.src);
    buf_be32(b, 0xc0000200u | e.dst);
}

static inline void put_ipv4(struct buf *b, struct ends e, uint8_t proto, size_t bytes)
{
    put_ipv4_fragment(b, e, proto, bytes, 1, 0, false);
}

static inline void put_ipv6(struct buf *b, struct ends e, uint8_t proto, size_t bytes)
{
    buf_be32(b, 0x60000000);
    buf_be16(b, (uint16_t)bytes);
    buf_u8(b, proto);
    buf_u8(b, 64);
    buf_be64(b, 0x20010db800000000);
    buf_be64(b, e.src);
    buf_be64(b, 0x20010db800000000);
    buf_be64(b, e.dst);
}

static inline void put_udp(struct buf *b, struct ends e, size_t bytes)
{
    buf_be16(b, e.src_port);
    buf_be16(b, e.dst_port);
    buf_be16(b, (uint16_t)(UDP_BYTES + bytes));
    buf_be16(b, 0);
}

static inline void put_tcp(struct buf *b, struct ends e, uint32_t seq, uint8_t flags)
{
    buf_be16(b, e.src_port);
    buf_be16(b, e.dst_port);
    buf_be32(b, seq);
    buf_be32(b, 0);
    buf_u8(b, 5 << 4);
    buf_u8(b, flags);
    put_zeros(b, 6);
}

/* Whole frames: Ethernet, IPv4, UDP or TCP, payload. */
static inline struct span udp_frame(struct buf *b, struct ends e, struct span payload)
{
    buf_reset(b);
    put_ethernet(b, 0x0800);
    put_ipv4(b, e, 17, UDP_BYTES + payload.n);
    put_udp(b, e, payload.n);
    buf_put(b, payload);
    return buf_span(b);
}

static inline struct span tcp_frame(struct buf *b, struct ends e, uint32_t seq, uint8_t flags,
                                    struct span payload)
{
    buf_reset(b);
    put_ethernet(b, 0x0800);
    put_ipv4(b, e, 6, TCP_BYTES + payload.n);
    put_tcp(b, e, seq, flags);
    buf_put(b, payload);
    return buf_span(b);
}

#endif
