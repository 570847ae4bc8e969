/* Proves: the reader of a flow sees each byte once and in order, whatever order, repetition or
 * overlap the segments come in; gaps are told, never closed silently; memory stays bounded and
 * what is given up is counted. */
#include <criterion/criterion.h>

#include "proto/core/buf.h"
#include "proto/frame/flow.h"
#include "tests/lib/exact.h"

static struct flows *fs;
static uint8_t read_bytes[FLOW_BYTES_MAX * 2];
static struct buf seen;
static unsigned gaps, new_flows;
static size_t hold_back; /* the reader leaves the last so many bytes unread */

static void setup(void)
{
    cr_assert(flows_new(&fs) == OK);
    seen = buf_of(read_bytes, sizeof read_bytes);
    gaps = new_flows = 0;
    hold_back = 0;
}

static void teardown(void)
{
    fs = flows_free(fs);
}

TestSuite(flow, .init = setup, .fini = teardown);

static size_t reader(void *arg, struct flow *f, struct span bytes, bool gap)
{
    (void)arg;
    gaps += gap;
    new_flows += f->state == 0;
    f->state = 1;
    size_t used = bytes.n > hold_back ? bytes.n - hold_back : 0;
    buf_put(&seen, span_sub(bytes, 0, used));
    return used;
}

static void put_from(uint8_t src, uint32_t seq, bool syn, struct span text, int64_t t_us)
{
    struct span payload = exact_copy(text);
    struct packet p = {.kind = PACKET_TCP, .payload = payload, .tcp = {seq, syn}};
    p.src.ip[15] = src;
    p.src.port = (uint16_t)(5000 + src);
    flows_put(fs, &p, t_us, reader, NULL);
    exact_free(payload);
}

static void put(uint32_t seq, const char *text)
{
    put_from(1, seq, false, span_str(text), 0);
}

static void syn(uint32_t seq)
{
    put_from(1, seq, true, SPAN_EMPTY, 0);
}

Test(flow, bytes_in_order)
{
    syn(99);
    put(100, "abc");
    put(103, "def");
    cr_expect(span_is(buf_span(&seen), "abcdef") && gaps == 0 && new_flows == 1);
}

Test(flow, repetitions_and_overlaps_are_read_once)
{
    syn(99);
    syn(99);
    put(100, "abc");
    put(100, "abc");
    put(99, "?");      /* a keep-alive probe, RFC 9293 3.8.4 */
    put(101, "xxdef"); /* the first copy of b and c counts */
    syn(99);
    put(106, "g");
    cr_expect(span_is(buf_span(&seen), "abcdefg") && gaps == 0 && new_flows == 1);
}

Test(flow, segments_that_waited_in_vain)
{
    syn(99);
    put(103, "de");
    put(105, "fghij");
    put(100, "abcdefg"); /* all of one and part of the other */
    cr_expect(span_is(buf_span(&seen), "abcdefghij") && gaps == 0);
}

/* Six segments of two bytes in each of the 720 orders, the numbers wrapping around. */
Test(flow, any_order)
{
    static const uint32_t FIRST = 0xfffffffa;
    struct span text = span_str("aabbccddeeff");
    for (unsigned n = 0; n < 720; n++) {
        unsigned order[6] = {0, 1, 2, 3, 4, 5}, left = n;
        buf_reset(&seen);
        syn(FIRST - 1 - (n << 24)); /* a new connection each time */
        for (unsigned i = 6; i > 1; left /= i, i--) {
            unsigned k = left % i, swap = order[i - 1];
            order[i - 1] = order[k];
            order[k] = swap;
        }
        for (unsigned i = 0; i < 6; i++)
            put_from(1, FIRST - (n << 24) + 2 * order[i], false, span_sub(text, 2 * order[i], 2),
                     0);
        cr_assert(span_eq(buf_span(&seen), text), "order %u", n);
    }
    cr_expect(gaps == 0 && flows_counts(fs).bytes_lost == 0);
}

Test(flow, the_syn_may_carry_bytes)
{
    put_from(1, 99, true, span_str("ab"), 0);
    put(102, "c");
    cr_expect(span_is(buf_span(&seen), "abc") && gaps == 0);
}

Test(flow, joined_amid_a_connection)
{
    put(5000, "");
    cr_expect(new_flows == 0, "a bare acknowledgement says nothing");
    put(5000, "ab");
    put(5002, "cd");
    cr_expect(span_is(buf_span(&seen), "abcd") && gaps == 1);
}

Test(flow, what_is_left_unread_is_shown_again)
{
    syn(99);
    hold_back = 4;
    put(100, "abcdef");
    cr_expect(span_is(buf_span(&seen), "ab"));
    put(106, "gh");
    cr_expect(span_is(buf_span(&seen), "abcd"));
    hold_back = 0;
    put(108, "i");
    cr_expect(span_is(buf_span(&seen), "abcdefghi"));
}

Test(flow, a_gap_is_given_up_after_its_time)
{
    syn(99);
    put(100, "ab");
    put_from(1, 105, false, span_str("fg"), 1000);
    put_from(1, 109, false, span_str("jk"), 2000);
    cr_expect(span_is(buf_span(&seen), "ab"), "TCP may send it again");
    put_from(1, 111, false, span_str("l"), 1000 + FLOW_GAP_US + 1);
    cr_expect(span_is(buf_span(&seen), "abfg") && gaps == 1);
    put_from(1, 107, false, span_str("hi"), 1000 + FLOW_GAP_US + 2);
    cr_expect(span_is(buf_span(&seen), "abfghijkl") && gaps == 1, "this one came late");
    cr_expect(flows_counts(fs).bytes_lost == 3);
}

Test(flow, a_gap_loses_the_unread_bytes_before_it)
{
    syn(99);
    hold_back = 1;
    put(100, "ab");
    hold_back = 0;
    put(103, "de");
    flows_finish(fs, reader, NULL);
    cr_expect(span_is(buf_span(&seen), "ade") && gaps == 1);
    cr_expect(flows_counts(fs).bytes_lost == 2, "b unread, c missing");
}

Test(flow, waiting_bytes_are_limited)
{
    static uint8_t big[60000];
    syn(99);
    put_from(1, 101, false, span_of(big, sizeof big), 0);
    put_from(1, 101 + 60000, false, span_of(big, sizeof big), 0);
    cr_expect(seen.n == 0);
    put_from(1, 101 + 120000, false, span_of(big, sizeof big), 0);
    cr_expect(seen.n == 180000 && gaps == 1, "the gap is given up");
}

Test(flow, waiting_segments_are_limited)
{
    syn(99);
    for (uint32_t i = 0; i <= FLOW_AHEAD_SEGMENTS_MAX; i++)
        put(102 + 2 * i, "x");
    cr_expect(gaps > 0 && seen.n > 0);
}

Test(flow, a_reader_that_never_reads_is_limited)
{
    static uint8_t big[60000];
    hold_back = SIZE_MAX;
    syn(99);
    for (uint32_t i = 0; i < 4; i++)
        put_from(1, 100 + i * 60000, false, span_of(big, sizeof big), 0);
    cr_expect(gaps == 1 && flows_counts(fs).bytes_lost == 120000);
}

Test(flow, the_same_ports_again_are_another_connection)
{
    syn(99);
    hold_back = 1;
    put(100, "abc");
    hold_back = 0;
    syn(77777);
    put(77778, "xyz");
    cr_expect(span_is(buf_span(&seen), "abxyz") && new_flows == 2 && gaps == 0);
    put(0x40000000, "far away"); /* the SYN of this one is not in the capture */
    cr_expect(new_flows == 3 && gaps == 1);
}

Test(flow, directions_and_peers_are_apart)
{
    put_from(1, 100, true, span_str("a"), 0);
    put_from(2, 100, true, span_str("b"), 0);
    put_from(1, 102, false, span_str("c"), 0);
    put_from(2, 102, false, span_str("d"), 0);
    cr_expect(span_is(buf_span(&seen), "abcd") && new_flows == 2 && gaps == 0);
}

static void put_numbered(unsigned i, int64_t t_us)
{
    struct packet p = {.kind = PACKET_TCP, .payload = span_str("x"), .tcp = {0, true}};
    p.src.ip[0] = (uint8_t)(i >> 8);
    p.src.ip[15] = (uint8_t)i;
    flows_put(fs, &p, t_us, reader, NULL);
}

Test(flow, the_number_of_flows_is_limited)
{
    for (unsigned i = 0; i < 2 * FLOWS_MAX; i++)
        put_numbered(i, i);
    cr_expect(seen.n == 2 * FLOWS_MAX && flows_counts(fs).evicted >= FLOWS_MAX);
    put_numbered(2 * FLOWS_MAX - 1, 2 * FLOWS_MAX);
    cr_expect(seen.n == 2 * FLOWS_MAX, "the youngest is known: its SYN is a repetition");
}
