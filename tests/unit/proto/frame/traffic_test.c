/* Proves: messages are found in UDP, in IP fragments and in TCP however the bytes are cut and
 * wherever the capture begins; HEP is told from SIP; all else is skipped and counted. */
#include <criterion/criterion.h>

#include "proto/frame/traffic.h"
#include "tests/lib/exact.h"
#include "tests/lib/packets.h"

#define OPTIONS "OPTIONS sip:example.com SIP/2.0\r\nCall-ID: a\r\n"
#define RINGING "SIP/2.0 180 Ringing\r\nl: 0\r\n\r\n"

static const struct ends AB = {1, 2, 5060, 5061};

static struct traffic *t;
static uint8_t room[2048], text[4096];
static struct buf frame, seen; /* seen: each item's payload with a '|' behind it */
static struct traffic_item last;
static enum err answer;

static void setup(void)
{
    cr_assert(traffic_new(&t) == OK);
    frame = buf_of(room, sizeof room);
    seen = buf_of(text, sizeof text);
    answer = OK;
}

static void teardown(void)
{
    t = traffic_free(t);
}

TestSuite(traffic, .init = setup, .fini = teardown);

static enum err take(void *arg, const struct traffic_item *item)
{
    (void)arg;
    last = *item;
    buf_put(&seen, item->payload);
    buf_str(&seen, "|");
    return answer;
}

static enum err feed(struct span bytes, int64_t t_us)
{
    struct span copy = exact_copy(bytes);
    enum err e = traffic_feed(t, LINK_ETHERNET_TEST, copy, t_us, take, NULL);
    exact_free(copy);
    return e;
}

static void udp(struct span payload)
{
    cr_assert(feed(udp_frame(&frame, AB, payload), 1000) == OK);
}

static void tcp(uint32_t seq, uint8_t flags, struct span payload)
{
    cr_assert(feed(tcp_frame(&frame, AB, seq, flags, payload), 1000) == OK);
}

Test(traffic, udp_payloads_by_what_they_begin_with)
{
    static const struct {
        struct span payload;
        uint64_t sip, hep, keepalives, other;
    } ROW[] = {
        {BYTES(OPTIONS "\r\n"), 1, 0, 0, 0},
        {BYTES("\r\n" RINGING "trailing"), 1, 0, 0, 0},
        {BYTES("HEP3\0\6"), 0, 1, 0, 0},
        {BYTES("\x1f\x8b\x08\0"), 0, 1, 0, 0},
        {BYTES("\1\x10\2\x11\x61\xef\x61\xe4\x7f\0\0\1\x7f\0\0\1x"), 0, 1, 0, 0},
        {BYTES("\r\n\r\n"), 0, 0, 1, 0},
        {BYTES("\0\0\0\0"), 0, 0, 1, 0},
        {BYTES("\x80\x08\x12\x34"), 0, 0, 0, 1},           /* RTP */
        {BYTES("\0\1\0\0\x21\x12\xa4\x42"), 0, 0, 0, 1},   /* STUN */
        {BYTES("OPTIONS sip:example.com SI"), 0, 0, 0, 1}, /* never to be completed */
        {BYTES("hello\r\n"), 0, 0, 0, 1},
        {BYTES(""), 0, 0, 0, 1},
    };
    struct traffic_counts sum = {0};
    for (size_t i = 0; i < sizeof ROW / sizeof ROW[0]; i++) {
        udp(ROW[i].payload);
        struct traffic_counts c = traffic_counts(t);
        sum.sip += ROW[i].sip;
        sum.hep += ROW[i].hep;
        sum.keepalives += ROW[i].keepalives;
        sum.other += ROW[i].other;
        cr_expect(c.sip == sum.sip && c.hep == sum.hep, "row %zu", i);
        cr_expect(c.keepalives == sum.keepalives && c.other == sum.other, "row %zu", i);
    }
    cr_expect(traffic_counts(t).packets == sizeof ROW / sizeof ROW[0]);
}

Test(traffic, an_item_tells_its_ends_and_time)
{
    udp(span_str("\r\n" RINGING));
    cr_expect(last.kind == TRAFFIC_SIP && last.ip_proto == 17 && last.t_us == 1000 && !last.cut);
    cr_expect(last.src.port == 5060 && last.dst.port == 5061 && last.dst.ip[15] == 2);
    cr_expect(span_is(buf_span(&seen), RINGING "|"));
}

Test(traffic, a_cut_datagram_is_marked)
{
    struct span bytes = udp_frame(&frame, AB, span_str(OPTIONS "\r\n"));
    cr_expect(feed(span_sub(bytes, 0, bytes.n - 4), 0) == OK && last.cut);
}

Test(traffic, a_message_in_ip_fragments)
{
    struct buf datagram = buf_of((uint8_t[256]){0}, 256);
    struct span message = span_str(OPTIONS "\r\n");
    put_udp(&datagram, AB, message.n);
    buf_put(&datagram, message);
    for (size_t at = 0; at < datagram.n; at += 16) {
        struct span piece = span_sub(buf_span(&datagram), at, 16);
        cr_expect(seen.n == 0, "the first fragment alone is no message");
        buf_reset(&frame);
        put_ethernet(&frame, 0x0800);
        put_ipv4_fragment(&frame, AB, 17, piece.n, 5, (unsigned)at, at + 16 < datagram.n);
        buf_put(&frame, piece);
        cr_expect(feed(buf_span(&frame), 0) == OK);
    }
    cr_expect(span_is(buf_span(&seen), OPTIONS "\r\n|") && last.src.port == 5060);
}

static const struct span STREAM =
    BYTES("\r\n\r\n" OPTIONS "Content-Length: 4\r\n\r\nbody" RINGING OPTIONS "\r\n");
static const char STREAM_ITEMS[] =
    OPTIONS "Content-Length: 4\r\n\r\nbody|" RINGING "|" OPTIONS "\r\n|";

Test(traffic, a_tcp_stream_in_segments_of_any_size)
{
    for (size_t bytes = 1; bytes <= STREAM.n; bytes++) {
        uint32_t seq = (uint32_t)(bytes << 22);
        buf_reset(&seen);
        tcp(seq++, TCP_SYN, SPAN_EMPTY);
        for (size_t at = 0; at < STREAM.n; at += bytes)
            tcp(seq + (uint32_t)at, TCP_ACK, span_sub(STREAM, at, bytes));
        cr_assert(span_is(buf_span(&seen), STREAM_ITEMS), "segments of %zu", bytes);
    }
    cr_expect(traffic_counts(t).bytes_lost == 0 && last.ip_proto == 6);
}

Test(traffic, messages_of_one_segment_have_rising_times)
{
    tcp(0, TCP_SYN, SPAN_EMPTY);
    tcp(1, TCP_ACK, STREAM);
    cr_expect(last.t_us == 1002 && traffic_counts(t).sip == 3);
}

/* The capture begins at every byte of a connection: of the messages at 4, 74 and 103 those are
 * found that begin there or behind a line end (the second follows a body that has none), and
 * nothing that is no message. */
Test(traffic, captures_that_begin_amid_a_connection)
{
    struct span want = span_str(STREAM_ITEMS);
    for (size_t start = 0; start < STREAM.n; start++) {
        buf_reset(&seen);
        struct span rest = span_from(STREAM, start);
        tcp((uint32_t)(start << 22), TCP_ACK, rest);
        struct span got = buf_span(&seen);
        size_t whole = 0;
        for (struct span s = got; s.n; span_cut(&s, '|'))
            whole++;
        cr_expect(span_ends(want, got), "from byte %zu", start);
        size_t expected = start <= 4 ? 3 : start == 74 ? 2 : start <= 103 ? 1 : 0;
        cr_expect(whole >= expected, "from byte %zu: %zu", start, whole);
    }
}

Test(traffic, a_lost_segment_loses_no_more_than_its_messages)
{
    struct span first = span_sub(STREAM, 0, 40), second = span_sub(STREAM, 40, 40);
    tcp(0, TCP_SYN, SPAN_EMPTY);
    tcp(1, TCP_ACK, first);
    tcp(1 + (uint32_t)(first.n + second.n), TCP_ACK, span_from(STREAM, first.n + second.n));
    cr_expect(seen.n == 0);
    cr_expect(traffic_finish(t, 2000, take, NULL) == OK);
    cr_expect(span_is(buf_span(&seen), OPTIONS "\r\n|"), "RINGING lost its start line");
    cr_expect(traffic_counts(t).bytes_lost > 0);
}

Test(traffic, a_body_too_large_to_keep_is_passed_over)
{
    static uint8_t body[1400];
    uint32_t seq = 1;
    struct span head = span_str(OPTIONS "l: 70000\r\n\r\n");
    memset(body, '\n', sizeof body);
    tcp(0, TCP_SYN, SPAN_EMPTY);
    tcp(seq, TCP_ACK, head);
    seq += (uint32_t)head.n;
    for (size_t i = 0; i < 50; i++, seq += 1400)
        tcp(seq, TCP_ACK, span_of(body, 1400));
    tcp(seq, TCP_ACK, span_str(RINGING));
    cr_expect(span_is(buf_span(&seen), OPTIONS "l: 70000\r\n\r\n|" RINGING "|"));
    cr_expect(traffic_counts(t).bytes_lost == 0);
}

Test(traffic, other_protocols_over_tcp_are_left_alone)
{
    tcp(0, TCP_SYN, SPAN_EMPTY);
    tcp(1, TCP_ACK, span_str("GET / HTTP/1.1\r\nHost: example.com\r\n\r\n"));
    cr_expect(seen.n == 0 && traffic_counts(t).sip == 0 && traffic_counts(t).bytes_lost == 0);
    tcp(38, TCP_ACK, span_str(RINGING));
    cr_expect(traffic_counts(t).sip == 1, "JSON-RPC and SIP share ports (feeds.md 9)");
}

Test(traffic, a_stream_that_is_never_sip_is_given_up)
{
    static uint8_t noise[1400];
    memset(noise, 0x17, sizeof noise);
    for (uint32_t i = 0; i < 200; i++)
        tcp(i * 1400, TCP_ACK, span_of(noise, sizeof noise));
    tcp(200 * 1400, TCP_ACK, span_str(RINGING));
    cr_expect(seen.n == 0 && traffic_counts(t).other > 0);
}

Test(traffic, hep_over_tcp)
{
    static const struct span TWO = BYTES("HEP3\0\7aHEP3\0\x08"
                                         "bcHEP");
    for (size_t bytes = 1; bytes <= TWO.n; bytes++) {
        uint32_t seq = (uint32_t)(bytes << 24);
        buf_reset(&seen);
        tcp(seq++, TCP_SYN, SPAN_EMPTY);
        for (size_t at = 0; at < TWO.n; at += bytes)
            tcp(seq + (uint32_t)at, TCP_ACK, span_sub(TWO, at, bytes));
        cr_expect(span_eq(buf_span(&seen), span_of("HEP3\0\7a|HEP3\0\x08"
                                                   "bc|",
                                                   17)),
                  "%zu", bytes);
    }
    tcp(1000, TCP_SYN, SPAN_EMPTY);
    tcp(1001, TCP_ACK, span_of("HEP3\0\7a" RINGING, 7 + sizeof RINGING - 1));
    cr_expect(traffic_counts(t).bytes_lost >= sizeof RINGING - 1, "no way to find the next frame");
}

/* ... and the SIP message that the lost frame held is not taken for a bare one. */
Test(traffic, hep_goes_on_where_a_segment_begins_with_a_frame)
{
    tcp(0, TCP_SYN, SPAN_EMPTY);
    tcp(1, TCP_ACK, span_of("HEP3\0\7aHEP", 10));
    tcp(100, TCP_ACK, span_str("\n" RINGING));
    tcp(100 + sizeof RINGING, TCP_ACK, span_of("HEP3\0\7b", 7));
    cr_expect(traffic_finish(t, 2000, take, NULL) == OK);
    cr_expect(span_eq(buf_span(&seen), span_of("HEP3\0\7a|HEP3\0\7b|", 16)));
}

/* A gap inside a body that is skipped: the skipping ends there. */
Test(traffic, a_gap_ends_the_skipping_of_a_body)
{
    struct span head = span_str(OPTIONS "l: 70000\r\n\r\n");
    tcp(0, TCP_SYN, SPAN_EMPTY);
    tcp(1, TCP_ACK, head);
    tcp(80001, TCP_ACK, span_str(RINGING));
    cr_expect(traffic_finish(t, 2000, take, NULL) == OK);
    cr_expect(span_ends(buf_span(&seen), span_str(RINGING "|")));
}

Test(traffic, a_method_that_begins_like_hep_is_sip)
{
    tcp(0, TCP_SYN, SPAN_EMPTY);
    tcp(1, TCP_ACK, span_str("H"));
    tcp(2, TCP_ACK, span_str("ELLO sip:a SIP/2.0\r\n\r\n"));
    cr_expect(span_is(buf_span(&seen), "HELLO sip:a SIP/2.0\r\n\r\n|"));
}

Test(traffic, what_the_caller_answers_is_handed_through)
{
    answer = ERR_FULL;
    cr_expect(feed(udp_frame(&frame, AB, span_str(RINGING)), 0) == ERR_FULL);
    cr_expect(feed(tcp_frame(&frame, AB, 1, TCP_ACK, STREAM), 0) == ERR_FULL);
    cr_expect(traffic_counts(t).sip == 2, "one of the stream's");
}

Test(traffic, damaged_packets_are_counted)
{
    cr_expect(feed(span_str("short"), 0) == OK);
    cr_expect(traffic_counts(t).malformed == 1 && traffic_counts(t).packets == 1);
    cr_expect(traffic_feed(t, 105, span_str("x"), 0, take, NULL) == ERR_NOTFOUND);
}
