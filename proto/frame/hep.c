#include "proto/frame/hep.h"

#include "proto/core/instant.h"
#include "proto/core/reader.h"

enum { HEP3_HEAD_BYTES = 6, HEP3_CHUNK_HEAD_BYTES = 6 };

enum chunk {
    CHUNK_FAMILY = 0x01,
    CHUNK_PROTO = 0x02,
    CHUNK_SRC4 = 0x03,
    CHUNK_DST4 = 0x04,
    CHUNK_SRC6 = 0x05,
    CHUNK_DST6 = 0x06,
    CHUNK_SRC_PORT = 0x07,
    CHUNK_DST_PORT = 0x08,
    CHUNK_SEC = 0x09,
    CHUNK_USEC = 0x0a,
    CHUNK_TYPE = 0x0b,
    CHUNK_AGENT = 0x0c,
    CHUNK_KEEP_ALIVE = 0x0d,
    CHUNK_KEY = 0x0e,
    CHUNK_PAYLOAD = 0x0f,
    CHUNK_PAYLOAD_COMPRESSED = 0x10,
    CHUNK_CORRELATION = 0x11,
    CHUNK_VLAN = 0x12,
    CHUNK_AGENT_NAME = 0x13,
    CHUNK_TCP_FLAGS = 0x17,
    CHUNK_TOS = 0x18,
    CHUNK_GROUP = 0x29,
    CHUNK_COUNT
};

#define BIT(chunk) (UINT64_C(1) << (chunk))

/* Sizes of the generic chunks of rev 37; ANY: as long as the sender likes; 0: no such chunk. */
enum { ANY = 255 };
static const uint8_t CHUNK_BYTES[CHUNK_COUNT] = {
    [CHUNK_FAMILY] = 1,
    [CHUNK_PROTO] = 1,
    [CHUNK_SRC4] = 4,
    [CHUNK_DST4] = 4,
    [CHUNK_SRC6] = 16,
    [CHUNK_DST6] = 16,
    [CHUNK_SRC_PORT] = 2,
    [CHUNK_DST_PORT] = 2,
    [CHUNK_SEC] = 4,
    [CHUNK_USEC] = 4,
    [CHUNK_TYPE] = 1,
    [CHUNK_AGENT] = 4,
    [CHUNK_KEEP_ALIVE] = 2,
    [CHUNK_KEY] = ANY,
    [CHUNK_PAYLOAD] = ANY,
    [CHUNK_PAYLOAD_COMPRESSED] = ANY,
    [CHUNK_CORRELATION] = ANY,
    [CHUNK_VLAN] = 2,
    [CHUNK_AGENT_NAME] = ANY,
    [0x14] = 8, /* source MAC */
    [0x15] = 8, /* destination MAC */
    [0x16] = 2, /* EtherType */
    [CHUNK_TCP_FLAGS] = 1,
    [CHUNK_TOS] = 1,
    [0x20] = 2,   /* MOS */
    [0x21] = 2,   /* R-factor */
    [0x22] = ANY, /* geo location */
    [0x23] = 4,   /* jitter */
    [0x24] = ANY, /* transaction type */
    [0x25] = ANY, /* payload JSON keys */
    [0x26] = ANY, /* tag values */
    [0x27] = 2,   /* type of tag */
    [0x28] = 2,   /* event type */
    [CHUNK_GROUP] = ANY,
};
_Static_assert(CHUNK_COUNT <= 64, "a set of chunks is one word");

/* feeds.md 1.2 (f); addresses and payload come in two forms each and are looked at apart. */
static const uint64_t REQUIRED = BIT(CHUNK_FAMILY) | BIT(CHUNK_PROTO) | BIT(CHUNK_SRC_PORT) |
                                 BIT(CHUNK_DST_PORT) | BIT(CHUNK_SEC) | BIT(CHUNK_TYPE) |
                                 BIT(CHUNK_PAYLOAD);

struct chunks {
    uint64_t seen;
    struct span value[CHUNK_COUNT]; /* of those seen */
};

static bool has_magic(struct span in)
{
    static const struct span HEP3 = SPAN_LIT("HEP3"), EEP3 = SPAN_LIT("EEP3");
    return span_starts(in, HEP3) || span_starts(in, EEP3);
}

/* What a datagram on any port must show before we take it for version 1 or 2: they have no
 * magic. Some senders count the time header of version 2 (10 or 12 bytes) into the length. */
static bool has_fixed_head(struct span in)
{
    if (in.n < 16 || (in.p[0] != 1 && in.p[0] != 2))
        return false;
    unsigned base = in.p[2] == HEP_INET ? 16 : 40;
    bool family = in.p[2] == HEP_INET || in.p[2] == HEP_INET6;
    bool length = in.p[1] == base || in.p[1] == base + 10 || in.p[1] == base + 12;
    bool proto = in.p[3] == 6 || in.p[3] == 17 || in.p[3] == 22 || in.p[3] == 50 || in.p[3] == 132;
    return family && length && proto;
}

enum hep_shape hep_shape(struct span in)
{
    static const struct span GZIP = SPAN_LIT("\x1f\x8b\x08"); /* RFC 1952 2.3: deflate */
    if (has_magic(in))
        return HEP_V3;
    if (span_starts(in, GZIP))
        return HEP_GZIP;
    if (has_fixed_head(in))
        return in.p[0] == 1 ? HEP_V1 : HEP_V2;
    return HEP_NONE;
}

/* Its size is known: keep() has seen to it. */
static inline uint64_t number(const struct chunks *c, enum chunk chunk)
{
    if (!(c->seen & BIT(chunk)))
        return 0;
    struct reader r = reader_of(c->value[chunk]);
    switch (CHUNK_BYTES[chunk]) {
    case 1:
        return reader_u8(&r);
    case 2:
        return reader_be16(&r);
    default:
        return reader_be32(&r);
    }
}

static struct span text(const struct chunks *c, enum chunk chunk)
{
    return c->seen & BIT(chunk) ? c->value[chunk] : SPAN_EMPTY;
}

/* One generic chunk into its place. The first of a kind wins: a second payload is a way to
 * show one message to us and another to the next reader. */
static enum err keep(struct chunks *c, struct hep *h, unsigned type, struct span value)
{
    if (type >= CHUNK_COUNT || CHUNK_BYTES[type] == 0) {
        h->quirks.unknown++;
        return OK;
    }
    if (CHUNK_BYTES[type] != ANY && CHUNK_BYTES[type] != value.n)
        return ERR_SYNTAX;
    unsigned slot = type == CHUNK_PAYLOAD_COMPRESSED ? CHUNK_PAYLOAD : type;
    if (c->seen & BIT(slot)) {
        h->quirks.duplicates++;
        return OK;
    }
    c->seen |= BIT(slot);
    c->value[slot] = value;
    if (type == CHUNK_PAYLOAD_COMPRESSED)
        h->compressed = true;
    return OK;
}

static enum err read_chunks(struct reader *r, struct chunks *c, struct hep *h, struct diag *d)
{
    while (reader_more(r)) {
        size_t at = reader_at(r);
        unsigned vendor = reader_be16(r);
        unsigned type = reader_be16(r);
        size_t chunk_bytes = reader_be16(r);
        if (!reader_ok(r) || chunk_bytes < HEP3_CHUNK_HEAD_BYTES)
            return diag_set(d, ERR_SYNTAX, "hep chunk header", at);
        struct span value = reader_take(r, chunk_bytes - HEP3_CHUNK_HEAD_BYTES);
        if (!reader_ok(r))
            return diag_set(d, ERR_SYNTAX, "hep chunk runs past the frame", at);
        if (vendor != 0)
            h->quirks.foreign++; /* a type means nothing outside its vendor */
        else if (keep(c, h, type, value) != OK)
            return diag_set(d, ERR_SYNTAX, "hep chunk has the wrong size", at);
    }
    return OK;
}

static enum err take_ends(const struct chunks *c, struct hep *h)
{
    bool v4 = h->family == HEP_INET;
    enum chunk src = v4 ? CHUNK_SRC4 : CHUNK_SRC6;
    enum chunk dst = v4 ? CHUNK_DST4 : CHUNK_DST6;
    if ((!v4 && h->family != HEP_INET6) || !(c->seen & BIT(src)) || !(c->seen & BIT(dst)))
        return ERR_SYNTAX;
    h->src = endpoint_of(c->value[src], (uint16_t)number(c, CHUNK_SRC_PORT));
    h->dst = endpoint_of(c->value[dst], (uint16_t)number(c, CHUNK_DST_PORT));
    return OK;
}

static enum err parse_v3(struct span frame, struct hep *out, struct diag *d)
{
    struct reader r = reader_of(frame);
    struct chunks c;
    c.seen = 0;
    reader_take(&r, 4);
    size_t frame_bytes = reader_be16(&r);
    if (!reader_ok(&r) || frame_bytes != frame.n)
        return diag_set(d, ERR_SYNTAX, "hep length is not that of the frame", 0);
    enum err e = read_chunks(&r, &c, out, d);
    if (e != OK)
        return e;
    out->family = (uint8_t)number(&c, CHUNK_FAMILY);
    if ((c.seen & REQUIRED) != REQUIRED || take_ends(&c, out) != OK)
        return diag_set(d, ERR_SYNTAX, "hep frame lacks a required chunk", frame.n);
    if (number(&c, CHUNK_USEC) >= US_PER_S)
        return diag_set(d, ERR_SYNTAX, "hep microseconds", frame.n);
    out->ip_proto = (uint8_t)number(&c, CHUNK_PROTO);
    out->payload_type = (uint8_t)number(&c, CHUNK_TYPE);
    out->t_us = (int64_t)(number(&c, CHUNK_SEC) * US_PER_S + number(&c, CHUNK_USEC));
    out->has_time = true;
    out->agent_id = (uint32_t)number(&c, CHUNK_AGENT);
    out->keep_alive_s = (uint16_t)number(&c, CHUNK_KEEP_ALIVE);
    out->vlan = (uint16_t)number(&c, CHUNK_VLAN);
    out->has_vlan = c.seen & BIT(CHUNK_VLAN);
    out->tcp_flags = (uint8_t)number(&c, CHUNK_TCP_FLAGS);
    out->tos = (uint8_t)number(&c, CHUNK_TOS);
    out->auth_key = text(&c, CHUNK_KEY);
    out->agent_name = text(&c, CHUNK_AGENT_NAME);
    out->correlation = text(&c, CHUNK_CORRELATION);
    out->group = text(&c, CHUNK_GROUP);
    out->payload = text(&c, CHUNK_PAYLOAD);
    return OK;
}

static bool near(uint32_t sec, uint32_t usec, int64_t now_us)
{
    int64_t away_us = (int64_t)sec * US_PER_S - now_us;
    return usec < US_PER_S && away_us >= -(int64_t)S_PER_DAY * US_PER_S &&
           away_us <= (int64_t)S_PER_DAY * US_PER_S;
}

/* Version 2's time header: seconds, microseconds, capture id in the sender's byte order, which
 * is little-endian but for a few; then padding, which is no part of a SIP message. */
static enum err read_time(struct reader *r, int64_t now_us, struct hep *out)
{
    uint32_t sec = reader_le32(r), usec = reader_le32(r);
    uint16_t agent = reader_le16(r);
    bool swapped =
        !near(sec, usec, now_us) &&
        (near(__builtin_bswap32(sec), __builtin_bswap32(usec), now_us) || usec >= US_PER_S);
    if (swapped) {
        sec = __builtin_bswap32(sec);
        usec = __builtin_bswap32(usec);
        agent = __builtin_bswap16(agent);
    }
    if (!reader_ok(r) || usec >= US_PER_S)
        return ERR_SYNTAX;
    out->t_us = (int64_t)sec * US_PER_S + usec;
    out->has_time = true;
    out->agent_id = agent;
    struct span rest = span_from(r->in, reader_at(r));
    bool padded = rest.n >= 2 && rest.p[0] == 0 && rest.p[1] == 0;
    if (padded && (rest.n == 2 || rest.p[2] > ' '))
        reader_take(r, 2);
    return OK;
}

/* The length in byte 1 is not looked at: senders disagree on what it counts. */
static enum err parse_fixed(struct span frame, int64_t now_us, struct hep *out, struct diag *d)
{
    struct reader r = reader_of(frame);
    out->version = reader_u8(&r);
    reader_u8(&r);
    out->family = reader_u8(&r);
    out->ip_proto = reader_u8(&r);
    uint16_t src_port = reader_be16(&r), dst_port = reader_be16(&r);
    size_t address_bytes = out->family == HEP_INET ? 4 : 16;
    out->src = endpoint_of(reader_take(&r, address_bytes), src_port);
    out->dst = endpoint_of(reader_take(&r, address_bytes), dst_port);
    if (!reader_ok(&r) || (out->family != HEP_INET && out->family != HEP_INET6))
        return diag_set(d, ERR_SYNTAX, "hep head", 0);
    if (out->version == 2 && read_time(&r, now_us, out) != OK)
        return diag_set(d, ERR_SYNTAX, "hep time header", reader_at(&r));
    out->payload_type = HEP_SIP;
    out->payload = reader_take(&r, reader_left(&r));
    return OK;
}

enum err hep_parse(struct span frame, int64_t now_us, struct hep *out, struct diag *d)
{
    struct hep h = {.version = 3};
    enum err e;
    if (has_magic(frame))
        e = parse_v3(frame, &h, d);
    else if (frame.n && (frame.p[0] == 1 || frame.p[0] == 2))
        e = parse_fixed(frame, now_us, &h, d);
    else
        e = diag_set(d, ERR_SYNTAX, "no hep frame", 0);
    if (e == OK)
        *out = h;
    return e;
}

enum err hep_next(struct span in, struct span *out_frame, struct diag *d)
{
    static const uint8_t MAGIC[2][4] = {{'H', 'E', 'P', '3'}, {'E', 'E', 'P', '3'}};
    size_t n = in.n < 4 ? in.n : 4;
    if (n && memcmp(in.p, MAGIC[0], n) != 0 && memcmp(in.p, MAGIC[1], n) != 0)
        return diag_set(d, ERR_SYNTAX, "no hep frame begins here", 0);
    if (in.n < HEP3_HEAD_BYTES)
        return diag_set(d, ERR_MORE, "hep head", in.n);
    size_t frame_bytes = (size_t)in.p[4] << 8 | in.p[5];
    if (frame_bytes < HEP3_HEAD_BYTES)
        return diag_set(d, ERR_SYNTAX, "hep length", 4);
    if (in.n < frame_bytes)
        return diag_set(d, ERR_MORE, "hep frame", in.n);
    *out_frame = span_sub(in, 0, frame_bytes);
    return OK;
}
