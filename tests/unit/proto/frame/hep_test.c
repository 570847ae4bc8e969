/* Proves: HEP version 3 by its rules (feeds.md 1.2: a row each), versions 1 and 2 as seen from
 * real senders (1.6), framing on a stream, and that no prefix or changed byte makes the parser
 * read outside its frame. */
#include <criterion/criterion.h>

#include "proto/core/buf.h"
#include "proto/core/instant.h"
#include "proto/frame/hep.h"
#include "tests/lib/exact.h"

#define FAMILY4   "\0\0\0\1\0\7\2"
#define PROTO_UDP "\0\0\0\2\0\7\x11"
#define ENDS4                                                                                      \
    "\0\0\0\3\0\x0a\xc0\0\2\1"                                                                     \
    "\0\0\0\4\0\x0a\xc0\0\2\2"
#define PORTS                                                                                      \
    "\0\0\0\7\0\x08\x13\xc4"                                                                       \
    "\0\0\0\x08\0\x08\x13\xc5"
#define SEC      "\0\0\0\x09\0\x0a\x65\0\0\0"
#define USEC     "\0\0\0\x0a\0\x0a\0\1\0\0"
#define TYPE_SIP "\0\0\0\x0b\0\7\1"
#define PAYLOAD  "\0\0\0\x0f\0\x0cINVITE"
#define ALL      FAMILY4 PROTO_UDP ENDS4 PORTS SEC USEC TYPE_SIP PAYLOAD

/* A frame around chunks, its length filled in. */
static struct span frame_of(struct span chunks, uint8_t room[static 512])
{
    struct buf b = buf_of(room, 512);
    buf_str(&b, "HEP3");
    buf_be16(&b, (uint16_t)(6 + chunks.n));
    buf_put(&b, chunks);
    cr_assert(buf_ok(&b));
    return buf_span(&b);
}

struct row {
    const char *what;
    struct span chunks;
    enum err e;
    size_t at;
};

static const struct row ROW[] = {
    {"all that is required", BYTES(ALL), OK, 0},
    {"order is free", BYTES(PAYLOAD TYPE_SIP SEC PORTS ENDS4 PROTO_UDP FAMILY4), OK, 0},
    {"empty payload", BYTES(FAMILY4 PROTO_UDP ENDS4 PORTS SEC TYPE_SIP "\0\0\0\x0f\0\6"), OK, 0},
    {"foreign vendor", BYTES(ALL "\0\2\0\x0f\0\7x"), OK, 0},
    {"unknown id", BYTES(ALL "\0\0\x01\x65\0\7x"), OK, 0},
    {"id of the spec's gap", BYTES(ALL "\0\0\0\x1f\0\7x"), OK, 0},
    {"second payload", BYTES(ALL "\0\0\0\x0f\0\7x"), OK, 0},
    {"compressed payload beside the plain one", BYTES(ALL "\0\0\0\x10\0\7x"), OK, 0},
    {"no chunks", BYTES(""), ERR_SYNTAX, 6},
    {"half a chunk head", BYTES("\0\0\0"), ERR_SYNTAX, 6},
    {"chunk shorter than its head", BYTES("\0\0\0\1\0\5"), ERR_SYNTAX, 6},
    {"chunk of length zero", BYTES(FAMILY4 "\0\0\0\2\0\0\x11"), ERR_SYNTAX, 13},
    {"chunk runs past the end", BYTES(FAMILY4 "\0\0\0\2\0\x08\x11"), ERR_SYNTAX, 13},
    {"foreign chunk runs past the end", BYTES("\0\2\0\2\xff\xff"), ERR_SYNTAX, 6},
    {"family of two bytes", BYTES("\0\0\0\1\0\x08\0\2"), ERR_SYNTAX, 6},
    {"address of five bytes", BYTES("\0\0\0\3\0\x0b\1\2\3\4\5"), ERR_SYNTAX, 6},
    {"empty port", BYTES("\0\0\0\7\0\6"), ERR_SYNTAX, 6},
    {"no family", BYTES(PROTO_UDP ENDS4 PORTS SEC TYPE_SIP PAYLOAD), ERR_SYNTAX, 78},
    {"no payload", BYTES(FAMILY4 PROTO_UDP ENDS4 PORTS SEC TYPE_SIP), ERR_SYNTAX, 73},
    {"no time", BYTES(FAMILY4 PROTO_UDP ENDS4 PORTS TYPE_SIP PAYLOAD), ERR_SYNTAX, 75},
    {"no addresses", BYTES(FAMILY4 PROTO_UDP PORTS SEC TYPE_SIP PAYLOAD), ERR_SYNTAX, 65},
    {"no ports", BYTES(FAMILY4 PROTO_UDP ENDS4 SEC TYPE_SIP PAYLOAD), ERR_SYNTAX, 69},
    {"addresses of the other family",
     BYTES("\0\0\0\1\0\7\x0a" PROTO_UDP ENDS4 PORTS SEC TYPE_SIP PAYLOAD), ERR_SYNTAX, 85},
    {"family that does not exist",
     BYTES("\0\0\0\1\0\7\3" PROTO_UDP ENDS4 PORTS SEC TYPE_SIP PAYLOAD), ERR_SYNTAX, 85},
    {"a million microseconds",
     BYTES(FAMILY4 PROTO_UDP ENDS4 PORTS SEC "\0\0\0\x0a\0\x0a\0\x0f\x42\x40" TYPE_SIP PAYLOAD),
     ERR_SYNTAX, 95},
};

Test(hep, rules_of_version_3)
{
    for (size_t i = 0; i < sizeof ROW / sizeof ROW[0]; i++) {
        uint8_t room[512];
        struct span frame = exact_copy(frame_of(ROW[i].chunks, room));
        struct hep h;
        struct diag d = {0};
        cr_expect(hep_parse(frame, 0, &h, &d) == ROW[i].e, "%s", ROW[i].what);
        if (ROW[i].e != OK)
            cr_expect(d.at == ROW[i].at, "%s: at %zu", ROW[i].what, d.at);
        exact_free(frame);
    }
}

static struct hep parse(struct span chunks, uint8_t room[static 512])
{
    struct hep h = {0};
    cr_assert(hep_parse(frame_of(chunks, room), 0, &h, NULL) == OK);
    return h;
}

Test(hep, members_have_the_values_of_their_chunks)
{
    static const struct span CHUNKS = BYTES(ALL "\0\0\0\x0c\0\x0a\0\0\7\xd1"
                                                "\0\0\0\x0d\0\x08\0\x1e"
                                                "\0\0\0\x0e\0\x09key"
                                                "\0\0\0\x11\0\x08id"
                                                "\0\0\0\x12\0\x08\0\x0a"
                                                "\0\0\0\x13\0\x0a"
                                                "edge"
                                                "\0\0\0\x17\0\7\x18"
                                                "\0\0\0\x18\0\7\x60"
                                                "\0\0\0\x29\0\7g");
    static const uint8_t SRC[16] = {[10] = 0xff, 0xff, 192, 0, 2, 1};
    uint8_t room[512];
    struct hep h = parse(CHUNKS, room);
    cr_expect(h.version == 3 && h.family == HEP_INET && h.ip_proto == 17);
    cr_expect(h.payload_type == HEP_SIP && !h.compressed);
    cr_expect(memcmp(h.src.ip, SRC, sizeof SRC) == 0 && h.src.port == 5060);
    cr_expect(h.dst.ip[15] == 2 && h.dst.port == 5061);
    cr_expect(h.has_time && h.t_us == INT64_C(0x65000000) * US_PER_S + 0x10000);
    cr_expect(h.agent_id == 2001 && h.keep_alive_s == 30 && h.has_vlan && h.vlan == 10);
    cr_expect(h.tcp_flags == 0x18 && h.tos == 0x60);
    cr_expect(span_is(h.auth_key, "key") && span_is(h.correlation, "id"));
    cr_expect(span_is(h.agent_name, "edge") && span_is(h.group, "g"));
    cr_expect(span_is(h.payload, "INVITE"));
    cr_expect(h.quirks.duplicates + h.quirks.foreign + h.quirks.unknown == 0);
}

Test(hep, absent_chunks_are_absent)
{
    static const struct span CHUNKS = BYTES(FAMILY4 PROTO_UDP ENDS4 PORTS SEC TYPE_SIP PAYLOAD);
    uint8_t room[512];
    struct hep h = parse(CHUNKS, room);
    cr_expect(!h.has_vlan && h.agent_id == 0 && h.auth_key.p == NULL && h.agent_name.p == NULL);
    cr_expect(h.t_us == INT64_C(0x65000000) * US_PER_S);
}

Test(hep, ipv6)
{
#define A6 "\x20\1\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0"
    static const struct span CHUNKS = BYTES("\0\0\0\1\0\7\x0a" PROTO_UDP "\0\0\0\5\0\x16" A6 "\1"
                                            "\0\0\0\6\0\x16" A6 "\2" PORTS SEC TYPE_SIP PAYLOAD);
    uint8_t room[512];
    struct hep h = parse(CHUNKS, room);
    cr_expect(h.family == HEP_INET6 && h.src.ip[0] == 0x20 && h.src.ip[15] == 1);
    cr_expect(h.dst.ip[15] == 2);
}

Test(hep, the_first_of_a_kind_wins_and_oddities_are_counted)
{
    static const struct span CHUNKS = BYTES(ALL "\0\0\0\x0f\0\7x"
                                                "\0\0\0\x10\0\7y"
                                                "\0\1\0\x0f\0\7z"
                                                "\0\0\0\x65\0\7j");
    uint8_t room[512];
    struct hep h = parse(CHUNKS, room);
    cr_expect(span_is(h.payload, "INVITE") && !h.compressed);
    cr_expect(h.quirks.duplicates == 2 && h.quirks.foreign == 1 && h.quirks.unknown == 1);
}

Test(hep, compressed_payload_is_marked)
{
    static const struct span CHUNKS =
        BYTES(FAMILY4 PROTO_UDP ENDS4 PORTS SEC TYPE_SIP "\0\0\0\x10\0\x08\x78\x9c");
    uint8_t room[512];
    struct hep h = parse(CHUNKS, room);
    cr_expect(h.compressed && h.payload.n == 2);
}

Test(hep, a_datagram_is_as_long_as_it_says)
{
    static const struct span CHUNKS = BYTES(ALL);
    uint8_t room[512];
    struct span frame = frame_of(CHUNKS, room);
    struct hep h;
    struct diag d;
    room[frame.n] = 0;
    cr_expect(hep_parse(span_of(frame.p, frame.n + 1), 0, &h, &d) == ERR_SYNTAX, "bytes behind it");
    cr_expect(hep_parse(span_sub(frame, 0, frame.n - 1), 0, &h, &d) == ERR_SYNTAX, "cut");
    room[0] = 'E';
    room[1] = 'E';
    cr_expect(hep_parse(frame, 0, &h, &d) == OK, "the other magic of the specification");
    room[3] = '2';
    cr_expect(hep_parse(frame, 0, &h, &d) == ERR_SYNTAX && d.at == 0);
    cr_expect(hep_parse(SPAN_EMPTY, 0, &h, &d) == ERR_SYNTAX);
}

/* Byte for byte as Kamailio 5.6 sends them, with a short payload. */
#define V1                                                                                         \
    "\1\x10\2\x11\x61\xef\x61\xe4\x7f\0\0\1\x7f\0\0\1"                                             \
    "INVITE"
#define V2_HEAD    "\2\x10\2\x11\x61\xef\x61\xe4\x7f\0\0\1\x7f\0\0\1"
#define V2_TIME_LE "\xd3\x1b\2\x6b\x7c\x8c\3\0\2\1"
#define V2_TIME_BE "\x6b\2\x1b\xd3\0\3\x8c\x7c\1\2"
static const int64_t V2_TIME_US = INT64_C(0x6b021bd3) * US_PER_S + 0x38c7c;

Test(hep, versions_1_and_2)
{
    static const struct {
        const char *what;
        struct span in;
        int64_t now_us, t_us;
        enum err e;
        const char *payload;
    } FIXED[] = {
        {"1", BYTES(V1), 0, 0, OK, "INVITE"},
        {"2, padded", BYTES(V2_HEAD V2_TIME_LE "\0\0INVITE"), 0, V2_TIME_US, OK, "INVITE"},
        {"2, without padding", BYTES(V2_HEAD V2_TIME_LE "INVITE"), 0, V2_TIME_US, OK, "INVITE"},
        {"2, padded, no payload", BYTES(V2_HEAD V2_TIME_LE "\0\0"), 0, V2_TIME_US, OK, ""},
        {"2, no payload", BYTES(V2_HEAD V2_TIME_LE), 0, V2_TIME_US, OK, ""},
        {"2, big-endian", BYTES(V2_HEAD V2_TIME_BE "INVITE"), V2_TIME_US + US_PER_S, V2_TIME_US, OK,
         "INVITE"},
        {"2, big-endian, replayed years later", BYTES(V2_HEAD V2_TIME_BE "INVITE"), 0, V2_TIME_US,
         OK, "INVITE"},
        {"2, length with time header",
         BYTES("\2\x1c\2\x11\x61\xef\x61\xe4\x7f\0\0\1\x7f\0\0\1" V2_TIME_LE "\0\0INVITE"), 0,
         V2_TIME_US, OK, "INVITE"},
        {"2, no microseconds in either order",
         BYTES(V2_HEAD "\xd3\x1b\2\x6b\xff\xff\xff\xff\2\1INVITE"), 0, 0, ERR_SYNTAX, ""},
        {"family", BYTES("\1\x10\3\x11\x61\xef\x61\xe4\x7f\0\0\1\x7f\0\0\1"), 0, 0, ERR_SYNTAX, ""},
        {"address cut", BYTES("\1\x10\2\x11\x61\xef\x61\xe4\x7f\0\0\1\x7f\0\0"), 0, 0, ERR_SYNTAX,
         ""},
        {"time cut", BYTES(V2_HEAD "\xd3\x1b\2\x6b\x7c\x8c\3\0\2"), 0, 0, ERR_SYNTAX, ""},
        {"version 3 by number", BYTES("\3\x10\2\x11\x61\xef\x61\xe4\x7f\0\0\1\x7f\0\0\1"), 0, 0,
         ERR_SYNTAX, ""},
    };
    for (size_t i = 0; i < sizeof FIXED / sizeof FIXED[0]; i++) {
        struct span in = exact_copy(FIXED[i].in);
        struct hep h = {0};
        cr_expect(hep_parse(in, FIXED[i].now_us, &h, NULL) == FIXED[i].e, "%s", FIXED[i].what);
        cr_expect(h.t_us == FIXED[i].t_us, "%s: %ld", FIXED[i].what, (long)h.t_us);
        cr_expect(span_is(h.payload, FIXED[i].payload), "%s", FIXED[i].what);
        if (FIXED[i].e == OK) {
            cr_expect(h.src.port == 25071 && h.dst.port == 25060 && h.dst.ip[12] == 127);
            cr_expect(h.has_time == (h.version == 2), "%s", FIXED[i].what);
            cr_expect(h.agent_id == (h.version == 2 ? 0x102 : 0), "%s", FIXED[i].what);
        }
        exact_free(in);
    }
}

/* A whole chunk behind the end that the head names: only the length tells. */
Test(hep, chunks_behind_the_frame_are_refused)
{
    static const struct span CHUNKS = BYTES(ALL "\0\2\0\1\0\7x");
    uint8_t room[512];
    struct span frame = frame_of(CHUNKS, room);
    struct hep h;
    cr_expect(hep_parse(frame, 0, &h, NULL) == OK);
    room[5] = (uint8_t)(room[5] - 7);
    cr_expect(hep_parse(frame, 0, &h, NULL) == ERR_SYNTAX);
}

/* feeds.md 1.6: two zeros are padding only where a message may begin behind them. */
Test(hep, version_2_without_padding_may_begin_with_zeros)
{
    static const struct span IN = BYTES(V2_HEAD V2_TIME_LE "\0\0\0\0");
    struct hep h;
    cr_expect(hep_parse(IN, 0, &h, NULL) == OK && h.payload.n == 4);
}

Test(hep, what_a_datagram_begins_with)
{
    static const struct {
        struct span in;
        enum hep_shape shape;
    } SHAPE[] = {
        {BYTES("HEP3"), HEP_V3},
        {BYTES("EEP3"), HEP_V3},
        {BYTES("HEP"), HEP_NONE},
        {BYTES("\x1f\x8b\x08"), HEP_GZIP},
        {BYTES("\x1f\x8b"), HEP_NONE},
        {BYTES(V1), HEP_V1},
        {BYTES(V2_HEAD), HEP_V2},
        {BYTES("\2\x1c\2\x11\x61\xef\x61\xe4\x7f\0\0\1\x7f\0\0\1"), HEP_V2},
        {BYTES("\2\x1d\2\x11\x61\xef\x61\xe4\x7f\0\0\1\x7f\0\0\1"), HEP_NONE},   /* length */
        {BYTES("\1\x10\x0a\x11\x61\xef\x61\xe4\x7f\0\0\1\x7f\0\0\1"), HEP_NONE}, /* of IPv4 */
        {BYTES("\1\x10\2\1\x61\xef\x61\xe4\x7f\0\0\1\x7f\0\0\1"), HEP_NONE},     /* ICMP */
        {BYTES("\1\1\0\x0c\x21\x12\xa4\x42\0\0\0\0\0\0\0\0"), HEP_NONE},         /* STUN */
        {BYTES("INVITE sip:a@b SIP/2.0"), HEP_NONE},
        {BYTES(""), HEP_NONE},
    };
    for (size_t i = 0; i < sizeof SHAPE / sizeof SHAPE[0]; i++) {
        struct span in = exact_copy(SHAPE[i].in);
        cr_expect(hep_shape(in) == SHAPE[i].shape, "row %zu", i);
        exact_free(in);
    }
}

Test(hep, every_prefix_of_a_stream_asks_for_more)
{
    static const struct span CHUNKS = BYTES(ALL);
    uint8_t room[512];
    struct span frame = frame_of(CHUNKS, room), got;
    for (size_t n = 0; n < frame.n; n++) {
        struct span in = exact_copy(span_sub(frame, 0, n));
        struct diag d;
        struct hep h;
        cr_expect(hep_next(in, &got, &d) == ERR_MORE && d.at <= n, "%zu bytes", n);
        cr_expect(hep_parse(in, 0, &h, &d) == ERR_SYNTAX && d.at <= n, "%zu bytes", n);
        exact_free(in);
    }
    room[frame.n] = 'H'; /* the next one has begun */
    cr_expect(hep_next(span_of(room, frame.n + 1), &got, NULL) == OK && span_eq(got, frame));
}

Test(hep, a_stream_without_a_frame_is_over)
{
    static const struct {
        struct span in;
        size_t at;
    } BAD[] = {
        {BYTES("I"), 0},        {BYTES("HEX"), 0},      {BYTES("HEP4"), 0},
        {BYTES("HEP3\0\5"), 4}, {BYTES("HEP3\0\0"), 4},
    };
    struct span got;
    struct diag d;
    for (size_t i = 0; i < sizeof BAD / sizeof BAD[0]; i++)
        cr_expect(hep_next(BAD[i].in, &got, &d) == ERR_SYNTAX && d.at == BAD[i].at, "row %zu", i);
}

Test(hep, no_changed_byte_leads_outside_the_frame)
{
    static const struct span CHUNKS = BYTES(ALL "\0\0\0\x0e\0\x09key");
    uint8_t room[512];
    struct span frame = exact_copy(frame_of(CHUNKS, room));
    uint8_t *bytes = (uint8_t *)(uintptr_t)frame.p;
    for (size_t i = 0; i < frame.n; i++) {
        uint8_t kept = bytes[i];
        for (unsigned v = 0; v < 256; v++) {
            struct hep h;
            struct diag d = {0};
            bytes[i] = (uint8_t)v;
            if (hep_parse(frame, 0, &h, &d) == OK)
                cr_assert(exact_inside(h.payload, frame) && exact_inside(h.auth_key, frame));
            cr_assert(d.at <= frame.n);
        }
        bytes[i] = kept;
    }
    exact_free(frame);
}
