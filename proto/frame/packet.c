#include "proto/frame/packet.h"

#include "proto/core/reader.h"

enum link_type { /* https://www.tcpdump.org/linktypes.html */
                 LINK_NULL = 0,
                 LINK_ETHERNET = 1,
                 LINK_RAW = 101,
                 LINK_LOOP = 108,
                 LINK_SLL = 113,
                 LINK_IPV4 = 228,
                 LINK_IPV6 = 229,
                 LINK_SLL2 = 276
};

enum ethertype {
    ETHERTYPE_IPV4 = 0x0800,
    ETHERTYPE_TRANSPARENT = 0x6558, /* Ethernet inside GRE */
    ETHERTYPE_VLAN = 0x8100,
    ETHERTYPE_IPV6 = 0x86dd,
    ETHERTYPE_MPLS = 0x8847,
    ETHERTYPE_MPLS_MULTICAST = 0x8848,
    ETHERTYPE_PPPOE = 0x8864,
    ETHERTYPE_PROVIDER = 0x88a8, /* the outer tag of QinQ, 802.1ad */
    ETHERTYPE_QINQ_OLD = 0x9100
};

enum ip_proto { /* IANA protocol numbers */
                PROTO_HOP_BY_HOP = 0,
                PROTO_IPV4 = 4,
                PROTO_IPV6 = 41,
                PROTO_ROUTING = 43,
                PROTO_FRAGMENT = 44,
                PROTO_GRE = 47,
                PROTO_AH = 51,
                PROTO_DESTINATION = 60
};

/* The headers of one packet, from the outside in. */
struct walk {
    struct reader r;
    struct packet *out;
    unsigned layers;
};

static enum err walk_ip_proto(struct walk *w, uint8_t proto);
static enum err walk_ethertype(struct walk *w, unsigned type);

/* Drops what lies behind the bytes that a header speaks for (Ethernet pads short frames), and
 * remembers when there are fewer: the capture has cut them off. */
static void clip(struct walk *w, size_t bytes)
{
    if (bytes > reader_left(&w->r))
        w->out->cut = true;
    else
        w->r.in.n = w->r.at + bytes;
}

static struct span rest(struct walk *w)
{
    return reader_take(&w->r, reader_left(&w->r));
}

static enum err walk_udp(struct walk *w)
{
    w->out->src.port = reader_be16(&w->r);
    w->out->dst.port = reader_be16(&w->r);
    size_t bytes = reader_be16(&w->r);
    reader_be16(&w->r);
    if (!reader_ok(&w->r) || bytes < 8)
        return ERR_SYNTAX;
    clip(w, bytes - 8);
    w->out->kind = PACKET_UDP;
    w->out->payload = rest(w);
    return OK;
}

static enum err walk_tcp(struct walk *w) /* RFC 9293 3.1 */
{
    w->out->src.port = reader_be16(&w->r);
    w->out->dst.port = reader_be16(&w->r);
    w->out->tcp.seq = reader_be32(&w->r);
    reader_be32(&w->r);
    size_t head_bytes = (size_t)(reader_u8(&w->r) >> 4) * 4;
    unsigned flags = reader_u8(&w->r);
    if (head_bytes < 20)
        return ERR_SYNTAX;
    reader_take(&w->r, head_bytes - 14);
    if (!reader_ok(&w->r))
        return ERR_SYNTAX;
    w->out->tcp.syn = flags & 2;
    w->out->kind = PACKET_TCP;
    w->out->payload = rest(w);
    return OK;
}

static enum err walk_fragment(struct walk *w, struct packet_fragment fragment)
{
    w->out->kind = PACKET_FRAGMENT;
    w->out->fragment = fragment;
    w->out->payload = rest(w);
    return OK;
}

static enum err walk_ipv4(struct walk *w) /* RFC 791 3.1 */
{
    size_t start = w->r.at;
    size_t head_bytes = (size_t)(reader_u8(&w->r) & 15) * 4;
    reader_u8(&w->r);
    size_t total = reader_be16(&w->r);
    uint16_t id = reader_be16(&w->r);
    unsigned offset = reader_be16(&w->r);
    reader_u8(&w->r);
    uint8_t proto = reader_u8(&w->r);
    reader_be16(&w->r);
    w->out->src = endpoint_of(reader_take(&w->r, 4), 0);
    w->out->dst = endpoint_of(reader_take(&w->r, 4), 0);
    if (!reader_ok(&w->r) || head_bytes < 20 || (total && total < head_bytes))
        return ERR_SYNTAX;
    reader_take(&w->r, head_bytes - 20);
    if (!reader_ok(&w->r))
        return ERR_SYNTAX;
    if (total) /* 0: segmentation offload, the card would have filled it in */
        clip(w, total - (w->r.at - start));
    bool more = offset & 0x2000;
    uint32_t bytes = (offset & 0x1fff) * 8;
    if (more || bytes)
        return walk_fragment(w, (struct packet_fragment){id, bytes, proto, more});
    return walk_ip_proto(w, proto);
}

static enum err walk_ipv6(struct walk *w) /* RFC 8200 3 */
{
    reader_be32(&w->r);
    size_t bytes = reader_be16(&w->r);
    uint8_t proto = reader_u8(&w->r);
    reader_u8(&w->r);
    w->out->src = endpoint_of(reader_take(&w->r, 16), 0);
    w->out->dst = endpoint_of(reader_take(&w->r, 16), 0);
    if (!reader_ok(&w->r))
        return ERR_SYNTAX;
    if (bytes) /* 0: a jumbogram or segmentation offload */
        clip(w, bytes);
    return walk_ip_proto(w, proto);
}

static enum err walk_ip(struct walk *w)
{
    if (!reader_more(&w->r))
        return ERR_SYNTAX;
    switch (w->r.in.p[w->r.at] >> 4) {
    case 4:
        return walk_ipv4(w);
    case 6:
        return walk_ipv6(w);
    default:
        return ERR_SYNTAX;
    }
}

/* RFC 8200 4.3 to 4.6; the authentication header counts its length in another unit. */
static enum err walk_extension(struct walk *w, uint8_t proto)
{
    uint8_t next = reader_u8(&w->r);
    size_t length = reader_u8(&w->r);
    reader_take(&w->r, proto == PROTO_AH ? (length + 2) * 4 - 2 : (length + 1) * 8 - 2);
    return reader_ok(&w->r) ? walk_ip_proto(w, next) : ERR_SYNTAX;
}

static enum err walk_ipv6_fragment(struct walk *w)
{
    uint8_t next = reader_u8(&w->r);
    reader_u8(&w->r);
    unsigned offset = reader_be16(&w->r);
    uint32_t id = reader_be32(&w->r);
    bool more = offset & 1;
    if (!reader_ok(&w->r))
        return ERR_SYNTAX;
    if (!more && (offset & 0xfff8) == 0) /* RFC 6946: a whole packet */
        return walk_ip_proto(w, next);
    return walk_fragment(w, (struct packet_fragment){id, offset & 0xfff8, next, more});
}

static enum err walk_gre(struct walk *w) /* RFC 2784, RFC 2890 */
{
    unsigned flags = reader_be16(&w->r);
    unsigned type = reader_be16(&w->r);
    size_t optional =
        (flags & 0x8000 ? 4u : 0) + (flags & 0x2000 ? 4u : 0) + (flags & 0x1000 ? 4u : 0);
    reader_take(&w->r, optional);
    if (!reader_ok(&w->r))
        return ERR_SYNTAX;
    return flags & 7 ? OK : walk_ethertype(w, type); /* version 1 is PPTP: not ours */
}

static enum err walk_ip_proto(struct walk *w, uint8_t proto)
{
    if (++w->layers > PACKET_LAYERS_MAX)
        return ERR_SYNTAX;
    switch (proto) {
    case IP_PROTO_UDP:
        return walk_udp(w);
    case IP_PROTO_TCP:
        return walk_tcp(w);
    case PROTO_IPV4:
    case PROTO_IPV6:
        return walk_ip(w);
    case PROTO_GRE:
        return walk_gre(w);
    case PROTO_FRAGMENT:
        return walk_ipv6_fragment(w);
    case PROTO_HOP_BY_HOP:
    case PROTO_ROUTING:
    case PROTO_DESTINATION:
    case PROTO_AH:
        return walk_extension(w, proto);
    default:
        return OK; /* PACKET_OTHER */
    }
}

static enum err walk_mpls(struct walk *w) /* RFC 3032 2.1: the last label has bit 8 set */
{
    uint32_t label;
    do
        label = reader_be32(&w->r);
    while (reader_ok(&w->r) && !(label & 0x100));
    return walk_ip(w);
}

static enum err walk_pppoe(struct walk *w) /* RFC 2516 4, RFC 1332, RFC 5072 */
{
    reader_take(&w->r, 6);
    unsigned type = reader_be16(&w->r);
    if (!reader_ok(&w->r))
        return ERR_SYNTAX;
    return type == 0x0021 || type == 0x0057 ? walk_ip(w) : OK;
}

static enum err walk_ethernet(struct walk *w)
{
    reader_take(&w->r, 12);
    unsigned type = reader_be16(&w->r);
    return reader_ok(&w->r) ? walk_ethertype(w, type) : ERR_SYNTAX;
}

static enum err walk_vlan(struct walk *w)
{
    reader_be16(&w->r);
    unsigned type = reader_be16(&w->r);
    return reader_ok(&w->r) ? walk_ethertype(w, type) : ERR_SYNTAX;
}

static enum err walk_ethertype(struct walk *w, unsigned type)
{
    if (++w->layers > PACKET_LAYERS_MAX)
        return ERR_SYNTAX;
    switch (type) {
    case ETHERTYPE_IPV4:
    case ETHERTYPE_IPV6:
        return walk_ip(w);
    case ETHERTYPE_VLAN:
    case ETHERTYPE_PROVIDER:
    case ETHERTYPE_QINQ_OLD:
        return walk_vlan(w);
    case ETHERTYPE_MPLS:
    case ETHERTYPE_MPLS_MULTICAST:
        return walk_mpls(w);
    case ETHERTYPE_PPPOE:
        return walk_pppoe(w);
    case ETHERTYPE_TRANSPARENT:
        return walk_ethernet(w);
    default:
        return OK; /* PACKET_OTHER */
    }
}

/* An address family in the byte order of the machine that captured; the families of IPv6 differ
 * from system to system, so the IP version decides. */
static enum err walk_null(struct walk *w)
{
    reader_be32(&w->r);
    return walk_ip(w);
}

static enum err walk_sll(struct walk *w)
{
    reader_take(&w->r, 14);
    unsigned type = reader_be16(&w->r);
    return reader_ok(&w->r) ? walk_ethertype(w, type) : ERR_SYNTAX;
}

static enum err walk_sll2(struct walk *w)
{
    unsigned type = reader_be16(&w->r);
    reader_take(&w->r, 18);
    return reader_ok(&w->r) ? walk_ethertype(w, type) : ERR_SYNTAX;
}

static const struct {
    enum link_type link;
    enum err (*walk)(struct walk *w);
} LINKS[] = {
    {LINK_NULL, walk_null}, {LINK_ETHERNET, walk_ethernet}, {LINK_RAW, walk_ip},
    {LINK_LOOP, walk_null}, {LINK_SLL, walk_sll},           {LINK_IPV4, walk_ip},
    {LINK_IPV6, walk_ip},   {LINK_SLL2, walk_sll2},
};

static enum err finish(const struct walk *w, enum err e, struct packet *out, struct diag *d)
{
    if (e != OK)
        return diag_set(d, e, "packet header", w->r.at);
    *out = *w->out;
    return OK;
}

enum err packet_parse(int link_type, struct span frame, struct packet *out, struct diag *d)
{
    struct packet p = {.kind = PACKET_OTHER};
    struct walk w = {.r = reader_of(frame), .out = &p};
    for (size_t i = 0; i < sizeof LINKS / sizeof LINKS[0]; i++)
        if ((int)LINKS[i].link == link_type)
            return finish(&w, LINKS[i].walk(&w), out, d);
    return diag_set(d, ERR_NOTFOUND, "link type", 0);
}

enum err packet_parse_ip(uint8_t proto, struct span payload, struct packet *out, struct diag *d)
{
    struct packet p = {.kind = PACKET_OTHER, .src = out->src, .dst = out->dst};
    struct walk w = {.r = reader_of(payload), .out = &p};
    return finish(&w, walk_ip_proto(&w, proto), out, d);
}
