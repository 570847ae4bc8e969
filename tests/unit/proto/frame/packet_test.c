/* Proves: the payload of UDP and TCP is found behind every link type, tag, tunnel and extension
 * header that we read; padding is cut off, cut packets are marked; prefixes and changed bytes
 * lead nowhere outside the frame. */
#include <criterion/criterion.h>

#include "proto/frame/packet.h"
#include "tests/lib/exact.h"
#include "tests/lib/packets.h"

static const struct ends ENDS = {1, 2, 5060, 5061};
static const struct span TEXT = BYTES("payload");

static uint8_t bytes[512];

static void put_udp_text(struct buf *b)
{
    put_udp(b, ENDS, TEXT.n);
    buf_put(b, TEXT);
}

static void put_ipv4_udp(struct buf *b)
{
    put_ipv4(b, ENDS, 17, UDP_BYTES + TEXT.n);
    put_udp_text(b);
}

static void ethernet(struct buf *b)
{
    put_ethernet(b, 0x0800);
    put_ipv4_udp(b);
}

static void padded(struct buf *b)
{
    ethernet(b);
    put_zeros(b, 11);
}

static void vlan(struct buf *b)
{
    put_ethernet(b, 0x8100);
    buf_be32(b, 0x00640800);
    put_ipv4_udp(b);
}

static void qinq(struct buf *b)
{
    put_ethernet(b, 0x88a8);
    buf_be32(b, 0x000a8100);
    buf_be32(b, 0x00640800);
    put_ipv4_udp(b);
}

static void mpls(struct buf *b)
{
    put_ethernet(b, 0x8847);
    buf_be32(b, 0x00010040);
    buf_be32(b, 0x00011140);
    put_ipv4_udp(b);
}

static void pppoe(struct buf *b)
{
    put_ethernet(b, 0x8864);
    put_zeros(b, 6);
    buf_be16(b, 0x0021);
    put_ipv4_udp(b);
}

static void ip_in_ip(struct buf *b)
{
    put_ethernet(b, 0x0800);
    put_ipv4(b, (struct ends){9, 9, 0, 0}, 4, IPV4_BYTES + UDP_BYTES + TEXT.n);
    put_ipv4_udp(b);
}

static void gre(struct buf *b)
{
    put_ethernet(b, 0x0800);
    put_ipv4(b, (struct ends){9, 9, 0, 0}, 47, 4 + IPV4_BYTES + UDP_BYTES + TEXT.n);
    buf_be32(b, 0x00000800);
    put_ipv4_udp(b);
}

static void gre_with_everything(struct buf *b)
{
    put_ethernet(b, 0x0800);
    put_ipv4(b, (struct ends){9, 9, 0, 0}, 47,
             16 + ETHERNET_BYTES + IPV4_BYTES + UDP_BYTES + TEXT.n);
    buf_be32(b, 0xb0006558); /* checksum, key, sequence number; Ethernet inside */
    put_zeros(b, 12);
    ethernet(b);
}

static void raw(struct buf *b)
{
    put_ipv4_udp(b);
}

static void null_little(struct buf *b)
{
    buf_be32(b, 0x02000000);
    put_ipv4_udp(b);
}

static void sll(struct buf *b)
{
    put_zeros(b, 14);
    buf_be16(b, 0x0800);
    put_ipv4_udp(b);
}

static void sll2(struct buf *b)
{
    buf_be16(b, 0x0800);
    put_zeros(b, 18);
    put_ipv4_udp(b);
}

static void options(struct buf *b)
{
    put_ethernet(b, 0x0800);
    put_ipv4(b, ENDS, 17, 4 + UDP_BYTES + TEXT.n);
    bytes[ETHERNET_BYTES] = 0x46;
    buf_be32(b, 0x94040000); /* router alert, RFC 2113 */
    put_udp_text(b);
}

static void ipv6(struct buf *b)
{
    put_ethernet(b, 0x86dd);
    put_ipv6(b, ENDS, 17, UDP_BYTES + TEXT.n);
    put_udp_text(b);
}

static void ipv6_extensions(struct buf *b)
{
    put_ethernet(b, 0x86dd);
    put_ipv6(b, ENDS, 0, 8 + 16 + 12 + 8 + UDP_BYTES + TEXT.n);
    buf_be64(b, 0x2b00010400000000); /* hop-by-hop; then routing */
    buf_be64(b, 0x3301000000000000); /* 16 bytes; then authentication */
    put_zeros(b, 8);
    buf_be32(b, 0x2c010000); /* (1 + 2) * 4 bytes; then fragment */
    put_zeros(b, 8);
    buf_be64(b, 0x1100000000000007); /* an atomic fragment, RFC 6946 */
    put_udp_text(b);
}

static void ipv6_in_ipv4(struct buf *b)
{
    put_ethernet(b, 0x0800);
    put_ipv4(b, (struct ends){9, 9, 0, 0}, 41, IPV6_BYTES + UDP_BYTES + TEXT.n);
    put_ipv6(b, ENDS, 17, UDP_BYTES + TEXT.n);
    put_udp_text(b);
}

static const struct {
    const char *what;
    int link_type;
    void (*put)(struct buf *b);
    bool v6;
} SHAPE[] = {
    {"ethernet", 1, ethernet, false},
    {"padded ethernet", 1, padded, false},
    {"vlan", 1, vlan, false},
    {"qinq", 1, qinq, false},
    {"mpls", 1, mpls, false},
    {"pppoe", 1, pppoe, false},
    {"ip in ip", 1, ip_in_ip, false},
    {"gre", 1, gre, false},
    {"gre, all options, ethernet inside", 1, gre_with_everything, false},
    {"raw", 101, raw, false},
    {"raw ipv4", 228, raw, false},
    {"null", 0, null_little, false},
    {"loop", 108, null_little, false},
    {"cooked", 113, sll, false},
    {"cooked 2", 276, sll2, false},
    {"ip options", 1, options, false},
    {"ipv6", 1, ipv6, true},
    {"ipv6 extension headers", 1, ipv6_extensions, true},
    {"ipv6 in ipv4", 1, ipv6_in_ipv4, true},
};
enum { SHAPES = sizeof SHAPE / sizeof SHAPE[0] };

static struct span build(size_t i)
{
    struct buf b = buf_of(bytes, sizeof bytes);
    SHAPE[i].put(&b);
    cr_assert(buf_ok(&b));
    return exact_copy(buf_span(&b));
}

Test(packet, udp_behind_every_header_we_know)
{
    for (size_t i = 0; i < SHAPES; i++) {
        struct span frame = build(i);
        struct packet p;
        cr_assert(packet_parse(SHAPE[i].link_type, frame, &p, NULL) == OK, "%s", SHAPE[i].what);
        cr_expect(p.kind == PACKET_UDP && !p.cut && span_eq(p.payload, TEXT), "%s", SHAPE[i].what);
        cr_expect(p.src.port == 5060 && p.dst.port == 5061, "%s", SHAPE[i].what);
        cr_expect(p.src.ip[15] == 1 && p.dst.ip[15] == 2, "%s", SHAPE[i].what);
        cr_expect(p.src.ip[0] == (SHAPE[i].v6 ? 0x20 : 0), "%s", SHAPE[i].what);
        exact_free(frame);
    }
}

/* A capture with a short snap length: never more than there is, and marked. */
Test(packet, every_prefix_is_an_error_or_marked_as_cut)
{
    for (size_t i = 0; i < SHAPES; i++) {
        struct span whole = build(i);
        size_t needed = whole.n - (SHAPE[i].put == padded ? 11 : 0);
        for (size_t n = 0; n < needed; n++) {
            struct span frame = exact_copy(span_sub(whole, 0, n));
            struct packet p = {0};
            struct diag d = {0};
            enum err e = packet_parse(SHAPE[i].link_type, frame, &p, &d);
            cr_expect(e == ERR_SYNTAX || (e == OK && p.cut), "%s, %zu", SHAPE[i].what, n);
            cr_expect(d.at <= n && exact_inside(p.payload, frame), "%s, %zu", SHAPE[i].what, n);
            exact_free(frame);
        }
        exact_free(whole);
    }
}

Test(packet, no_changed_byte_leads_outside_the_frame)
{
    for (size_t i = 0; i < SHAPES; i++) {
        struct span frame = build(i);
        uint8_t *at = (uint8_t *)(uintptr_t)frame.p;
        for (size_t k = 0; k < frame.n; k++) {
            uint8_t kept = at[k];
            for (unsigned v = 0; v < 256; v++) {
                struct packet p = {0};
                at[k] = (uint8_t)v;
                if (packet_parse(SHAPE[i].link_type, frame, &p, NULL) == OK)
                    cr_assert(exact_inside(p.payload, frame), "%s, %zu", SHAPE[i].what, k);
            }
            at[k] = kept;
        }
        exact_free(frame);
    }
}

Test(packet, tcp)
{
    struct buf b = buf_of(bytes, sizeof bytes);
    struct packet p;
    struct span frame = tcp_frame(&b, ENDS, 0xfffffff0, TCP_SYN | TCP_ACK, TEXT);
    cr_assert(packet_parse(1, frame, &p, NULL) == OK);
    cr_expect(p.kind == PACKET_TCP && p.tcp.seq == 0xfffffff0 && p.tcp.syn);
    cr_expect(span_eq(p.payload, TEXT));
    bytes[ETHERNET_BYTES + IPV4_BYTES + 12] = 4 << 4; /* a header shorter than a header */
    cr_expect(packet_parse(1, frame, &p, NULL) == ERR_SYNTAX);
    bytes[ETHERNET_BYTES + IPV4_BYTES + 12] = 6 << 4; /* four bytes of options */
    cr_expect(packet_parse(1, frame, &p, NULL) == OK && p.payload.n == TEXT.n - 4);
}

Test(packet, fragments_are_told_from_whole_packets)
{
    struct buf b = buf_of(bytes, sizeof bytes);
    struct packet p;
    put_ethernet(&b, 0x0800);
    put_ipv4_fragment(&b, ENDS, 17, TEXT.n, 77, 1480, true);
    buf_put(&b, TEXT);
    cr_assert(packet_parse(1, buf_span(&b), &p, NULL) == OK);
    cr_expect(p.kind == PACKET_FRAGMENT && p.fragment.id == 77 && p.fragment.offset == 1480);
    cr_expect(p.fragment.more && p.fragment.proto == 17 && span_eq(p.payload, TEXT));

    buf_reset(&b);
    put_ethernet(&b, 0x86dd);
    put_ipv6(&b, ENDS, 44, 8 + TEXT.n);
    buf_be64(&b, 0x11000008deadbeef); /* offset 8 bytes, the last one */
    buf_put(&b, TEXT);
    cr_assert(packet_parse(1, buf_span(&b), &p, NULL) == OK);
    cr_expect(p.kind == PACKET_FRAGMENT && p.fragment.id == 0xdeadbeef && !p.fragment.more);
    cr_expect(p.fragment.offset == 8 && p.fragment.proto == 17 && span_eq(p.payload, TEXT));
}

Test(packet, what_is_not_ours_is_other)
{
    static const struct {
        const char *what;
        uint16_t type;
        uint8_t proto;
    } OTHER[] = {{"arp", 0x0806, 0},
                 {"icmp that quotes a packet", 0x0800, 1},
                 {"sctp", 0x0800, 132},
                 {"pppoe discovery", 0x8863, 0}};
    for (size_t i = 0; i < sizeof OTHER / sizeof OTHER[0]; i++) {
        struct buf b = buf_of(bytes, sizeof bytes);
        struct packet p;
        put_ethernet(&b, OTHER[i].type);
        put_ipv4(&b, ENDS, OTHER[i].proto, 8 + IPV4_BYTES + UDP_BYTES + TEXT.n);
        put_zeros(&b, 8);
        put_ipv4_udp(&b);
        cr_expect(packet_parse(1, buf_span(&b), &p, NULL) == OK, "%s", OTHER[i].what);
        cr_expect(p.kind == PACKET_OTHER && p.payload.n == 0, "%s", OTHER[i].what);
    }
}

/* UDP inside n IPv4 headers: with the Ethernet type and UDP itself, n + 1 layers. */
static enum err nested(size_t n, struct packet *p)
{
    static uint8_t many[1024];
    struct buf b = buf_of(many, sizeof many);
    put_ethernet(&b, 0x0800);
    while (--n > 0)
        put_ipv4(&b, ENDS, 4, n * IPV4_BYTES + UDP_BYTES + TEXT.n);
    put_ipv4_udp(&b);
    cr_assert(buf_ok(&b));
    return packet_parse(1, buf_span(&b), p, NULL);
}

Test(packet, tunnels_in_tunnels_have_a_limit)
{
    struct packet p;
    cr_expect(nested(PACKET_LAYERS_MAX - 1, &p) == OK && p.kind == PACKET_UDP);
    cr_expect(nested(PACKET_LAYERS_MAX, &p) == ERR_SYNTAX);
}

Test(packet, lengths_that_contradict_each_other_are_refused)
{
    struct span frame = build(0);
    uint8_t *at = (uint8_t *)(uintptr_t)frame.p + ETHERNET_BYTES;
    struct packet p;
    at[3] = 19; /* total length below that of the header */
    cr_expect(packet_parse(1, frame, &p, NULL) == ERR_SYNTAX);
    at[3] = 0; /* segmentation offload: all there is */
    cr_expect(packet_parse(1, frame, &p, NULL) == OK && span_eq(p.payload, TEXT));
    at[IPV4_BYTES + 5] = 7; /* UDP length below that of the header */
    cr_expect(packet_parse(1, frame, &p, NULL) == ERR_SYNTAX);
    exact_free(frame);
}

Test(packet, ipv6_without_a_length_is_all_there_is)
{
    struct buf b = buf_of(bytes, sizeof bytes);
    struct packet p;
    put_ethernet(&b, 0x86dd);
    put_ipv6(&b, ENDS, 17, 0);
    put_udp_text(&b);
    cr_expect(packet_parse(1, buf_span(&b), &p, NULL) == OK && span_eq(p.payload, TEXT));
}

Test(packet, unknown_link_types_are_said_so)
{
    struct packet p;
    cr_expect(packet_parse(105, TEXT, &p, NULL) == ERR_NOTFOUND, "802.11");
}
