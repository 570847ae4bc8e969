/* Proves: what becomes of each kind of frame, by reason; only agents with their key are heard;
 * secrets of a message do not reach batch or checkpoint (I5); a checkpoint handed to a successor
 * gives the same record, once. */
#include "ingest/pipe/hep_feed.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <zlib.h>

#include "tests/lib/hep_builder.h"
#include "tests/lib/pipe_fixture.h"

static const int64_t T_US = 1763632800000000;

struct bed {
    struct pipe_fixture x;
    struct hep_feed *hep;
    struct hep_feed_options options;
};

static void setup(struct bed *b)
{
    pipe_fixture_init(&b->x, FEED_HEP);
    b->options =
        (struct hep_feed_options){.limits = {.dialogs_max = 1000}, .seed = {1, 2}, .worker = 3};
    cr_assert_eq(hep_feed_new(&b->x.pipe, &b->x.feed, &b->options, &b->hep), OK);
}

static void teardown(struct bed *b)
{
    hep_feed_free(b->hep);
    pipe_fixture_done(&b->x);
}

/* In a block of its own size, so that ASan sees the byte behind it. */
static void give(struct bed *b, struct span frame)
{
    uint8_t *own = malloc(frame.n ? frame.n : 1);
    memcpy(own, frame.p, frame.n);
    hep_feed_frame(b->hep, span_of(own, frame.n));
    free(own);
}

static void sip(struct bed *b, enum hep_sip kind, unsigned i, int64_t after_s)
{
    uint8_t room[8192];
    struct buf f = buf_of(room, sizeof room);
    hep_build(&f, kind, i, T_US + after_s * 1000000, 7, SPAN_EMPTY);
    give(b, buf_span(&f));
}

static struct span packed(struct span in, int window_bits)
{
    static uint8_t out[200000];
    z_stream z = {.next_in = (Bytef *)(uintptr_t)in.p,
                  .avail_in = (uInt)in.n,
                  .next_out = out,
                  .avail_out = sizeof out};
    cr_assert_eq(deflateInit2(&z, 9, Z_DEFLATED, window_bits, 8, Z_DEFAULT_STRATEGY), Z_OK);
    cr_assert_eq(deflate(&z, Z_FINISH), Z_STREAM_END);
    deflateEnd(&z);
    return span_of(out, z.total_out);
}

static void expect(const struct bed *b, const char *name, enum metric id, enum reason reason)
{
    cr_expect_eq(pipe_fixture_count(&b->x, id, reason), 1, "%s", name);
    cr_expect_eq(b->x.refusals, 1, "%s: %u refusals", name, b->x.refusals);
    cr_expect_eq(hep_feed_live(b->hep), 0, "%s", name);
}

Test(hep_feed, refused_frames)
{
    static const struct {
        const char *name;
        struct span frame;
        enum metric id;
        enum reason reason;
    } ROWS[] = {
        {"nothing", SPAN_LIT(""), METRIC_MALFORMED, REASON_PROTOCOL},
        {"not HEP", SPAN_LIT("GET / HTTP/1.1\r\n\r\n"), METRIC_MALFORMED, REASON_PROTOCOL},
        {"head alone", SPAN_LIT("HEP3\0\6"), METRIC_MALFORMED, REASON_FRAME},
        {"length that lies", SPAN_LIT("HEP3\xff\xff\0\0"), METRIC_MALFORMED, REASON_FRAME},
        {"gzip that is none", SPAN_LIT("\x1f\x8b\x08 nonsense"), METRIC_MALFORMED,
         REASON_COMPRESSION},
    };
    for (size_t i = 0; i < sizeof ROWS / sizeof ROWS[0]; i++) {
        struct bed b;
        setup(&b);
        give(&b, ROWS[i].frame);
        expect(&b, ROWS[i].name, ROWS[i].id, ROWS[i].reason);
        teardown(&b);
    }
}

Test(hep_feed, refused_payloads)
{
    static const struct {
        const char *name;
        struct span payload;
        unsigned type;
        enum metric id;
        enum reason reason;
    } ROWS[] = {
        {"RTCP", SPAN_LIT("{}"), HEP_RTCP, METRIC_IGNORED, REASON_PROTOCOL},
        {"a log", SPAN_LIT("text"), HEP_LOG, METRIC_IGNORED, REASON_PROTOCOL},
        {"a CDR", SPAN_LIT("{}"), HEP_CDR, METRIC_IGNORED, REASON_PROTOCOL},
        {"keep-alive", SPAN_LIT("\r\n\r\n"), HEP_SIP, METRIC_IGNORED, REASON_EMPTY},
        {"STUN", SPAN_LIT("\0\1\0\x08!\x12\xa4\x42"), HEP_SIP, METRIC_IGNORED, REASON_PROTOCOL},
        {"broken SIP", SPAN_LIT("INVITE sip:x SIP/2.0\r\nVia\r\n\r\n"), HEP_SIP, METRIC_MALFORMED,
         REASON_SIP},
    };
    for (size_t i = 0; i < sizeof ROWS / sizeof ROWS[0]; i++) {
        struct bed b;
        uint8_t room[4096];
        struct buf f = buf_of(room, sizeof room);
        setup(&b);
        hep_build_payload(&f, ROWS[i].payload, ROWS[i].type, T_US, 7, SPAN_EMPTY);
        give(&b, buf_span(&f));
        expect(&b, ROWS[i].name, ROWS[i].id, ROWS[i].reason);
        teardown(&b);
    }
}

Test(hep_feed, whole_call)
{
    struct bed b;
    struct record r;
    setup(&b);
    sip(&b, HEP_SIP_INVITE, 1, 0);
    cr_expect_eq(hep_feed_live(b.hep), 1);
    cr_expect(hep_feed_dirty(b.hep));
    sip(&b, HEP_SIP_OK, 1, 2);
    sip(&b, HEP_SIP_BYE, 1, 62);
    sip(&b, HEP_SIP_BYE_OK, 1, 62);
    pipe_fixture_settle(&b.x);
    cr_assert_eq(b.x.vault.records_count, 1);
    fake_vault_record(&b.x.vault, 0, &r);
    cr_expect_eq(r.call.feed_id, b.x.feed.id);
    cr_expect_eq(r.call.feed_kind, FEED_HEP);
    cr_expect_eq(r.call.t_start, T_US);
    cr_expect_eq(r.call.dur_bill_ms, 60000);
    cr_expect_eq(r.call.call_type, CALL_TYPE_NATIONAL);
    cr_expect_eq(r.call.juris, JURIS_INTRASTATE);
    teardown(&b);
}

Test(hep_feed, compressed_frame_and_payload)
{
    struct bed b;
    uint8_t room[8192], other[8192];
    struct buf f = buf_of(room, sizeof room), m = buf_of(other, sizeof other);
    setup(&b);
    hep_build(&f, HEP_SIP_INVITE, 1, T_US, 7, SPAN_EMPTY);
    give(&b, packed(buf_span(&f), 31)); /* heplify: the frame as a gzip member */
    cr_expect_eq(hep_feed_live(b.hep), 1);

    sip_build(&m, HEP_SIP_INVITE, 2);
    buf_reset(&f);
    hep_build_payload(&f, packed(buf_span(&m), 15), HEP_SIP, T_US, 7, SPAN_EMPTY);
    size_t at = span_find_span(buf_span(&f), span_of("\0\0\0\x0f", 4)); /* chunk 0x000f... */
    cr_assert_lt(at, f.n);
    f.p[at + 3] = 0x10; /* ... becomes 0x0010, captagent's compressed payload */
    give(&b, buf_span(&f));
    cr_expect_eq(hep_feed_live(b.hep), 2);
    teardown(&b);
}

Test(hep_feed, bomb_and_box_in_a_box)
{
    static uint8_t zeros[HEP_FRAME_BYTES_MAX * 4];
    struct bed b;
    setup(&b);
    give(&b, packed(span_of(zeros, sizeof zeros), 31));
    expect(&b, "bomb", METRIC_MALFORMED, REASON_COMPRESSION);
    teardown(&b);
    setup(&b);
    uint8_t once[256];
    struct span inner = packed(span_str("HEP3"), 31);
    memcpy(once, inner.p, inner.n);
    give(&b, packed(span_of(once, inner.n), 31));
    expect(&b, "box in a box", METRIC_MALFORMED, REASON_COMPRESSION);
    teardown(&b);
}

Test(hep_feed, agents_need_their_key)
{
    static const struct ingest_agent AGENT = {7, SPAN_LIT("key")};
    struct bed b;
    uint8_t room[8192];
    setup(&b);
    b.x.conf.agents = &AGENT;
    b.x.conf.agents_count = 1;
    sip(&b, HEP_SIP_INVITE, 1, 0);
    expect(&b, "no key", METRIC_AUTH_FAILED, REASON_FRAME);
    struct buf f = buf_of(room, sizeof room);
    hep_build(&f, HEP_SIP_INVITE, 1, T_US, 7, span_str("key"));
    give(&b, buf_span(&f));
    cr_expect_eq(hep_feed_live(b.hep), 1);
    teardown(&b);
}

static bool holds(const struct fake_vault *v, const char *what)
{
    for (size_t i = 0; i < v->records_count; i++)
        if (span_find_span(span_of(v->record[i].wire, v->record[i].bytes), span_str(what)) <
            v->record[i].bytes)
            return true;
    for (size_t i = 0; i < v->lives_count; i++)
        if (span_find_span(span_of(v->live[i].value, v->live[i].value_bytes), span_str(what)) <
            v->live[i].value_bytes)
            return true;
    return false;
}

Test(hep_feed, secrets_reach_neither_batch_nor_checkpoint)
{
    struct bed b;
    setup(&b);
    sip(&b, HEP_SIP_INVITE, 1, 0);
    sip(&b, HEP_SIP_OK, 1, 2);
    hep_feed_checkpoint(b.hep, false);
    pipe_fixture_settle(&b.x);
    cr_expect_eq(b.x.vault.lives_count, 1);
    cr_expect_not(holds(&b.x.vault, "0123456789abcdef"));
    sip(&b, HEP_SIP_BYE, 1, 62);
    sip(&b, HEP_SIP_BYE_OK, 1, 62);
    pipe_fixture_settle(&b.x);
    cr_expect_not(holds(&b.x.vault, "0123456789abcdef"));
    cr_expect(holds(&b.x.vault, "call-1@test"), "the search works");
    cr_expect_gt(pipe_fixture_count(&b.x, METRIC_FIELDS_DROPPED, (enum reason)0), 0);
    teardown(&b);
}

Test(hep_feed, successor_goes_on)
{
    struct bed b;
    struct record r;
    uint16_t feed;
    unsigned worker;
    setup(&b);
    sip(&b, HEP_SIP_INVITE, 1, 0);
    sip(&b, HEP_SIP_OK, 1, 2);
    hep_feed_checkpoint(b.hep, false);
    cr_expect_not(hep_feed_dirty(b.hep));
    pipe_fixture_settle(&b.x);
    cr_assert_eq(b.x.vault.lives_count, 1);

    struct hep_feed *successor;
    cr_assert_eq(hep_feed_new(&b.x.pipe, &b.x.feed, &b.options, &successor), OK);
    hep_feed_free(b.hep);
    b.hep = successor;
    struct fake_pair *live = &b.x.vault.live[0];
    struct span key = span_of(live->key, live->key_bytes);
    struct span value = span_of(live->value, live->value_bytes);
    cr_assert(hep_live_key(key, &feed, &worker));
    cr_expect_eq(feed, b.x.feed.id);
    cr_expect_eq(worker, 3);
    hep_feed_restore(b.hep, key, value);
    hep_feed_restore(b.hep, key, value); /* told twice */
    cr_expect_eq(hep_feed_live(b.hep), 1);
    cr_expect_eq(b.x.refusals, 0);
    hep_feed_restore(b.hep, key, span_sub(value, 0, value.n / 2));
    cr_expect_eq(pipe_fixture_count(&b.x, METRIC_MALFORMED, REASON_FRAME), 1, "half of one");

    sip(&b, HEP_SIP_BYE, 1, 62);
    sip(&b, HEP_SIP_BYE_OK, 1, 62);
    hep_feed_checkpoint(b.hep, false);
    pipe_fixture_settle(&b.x);
    cr_assert_eq(b.x.vault.records_count, 1);
    fake_vault_record(&b.x.vault, 0, &r);
    cr_expect_eq(r.call.dur_bill_ms, 60000);
    cr_expect(r.call.flags & CALL_RESTORED);
    cr_expect_eq(b.x.vault.lives_count, 0);
    teardown(&b);
}

/* A worker that dies behind this batch must not find the call alive again. */
Test(hep_feed, a_record_and_the_end_of_its_dialog_are_one_batch)
{
    struct bed b;
    setup(&b);
    sip(&b, HEP_SIP_INVITE, 1, 0);
    sip(&b, HEP_SIP_OK, 1, 2);
    hep_feed_checkpoint(b.hep, false);
    pipe_fixture_settle(&b.x);
    cr_assert_eq(b.x.vault.lives_count, 1);
    sip(&b, HEP_SIP_BYE, 1, 62);
    sip(&b, HEP_SIP_BYE_OK, 1, 62);
    pipe_fixture_settle(&b.x); /* no checkpoint was taken since */
    cr_expect_eq(b.x.vault.records_count, 1);
    cr_expect_eq(b.x.vault.lives_count, 0);
    teardown(&b);
}

/* Three workers became one: what the third had saved is the first one's now, once. */
Test(hep_feed, dialogs_of_a_worker_that_is_no_more_are_adopted)
{
    struct bed b;
    uint16_t feed;
    unsigned worker = 99;
    setup(&b);
    sip(&b, HEP_SIP_INVITE, 1, 0);
    sip(&b, HEP_SIP_OK, 1, 2);
    hep_feed_checkpoint(b.hep, false);
    pipe_fixture_settle(&b.x);
    cr_assert_eq(b.x.vault.lives_count, 1);

    struct hep_feed *successor;
    b.options.worker = 0;
    cr_assert_eq(hep_feed_new(&b.x.pipe, &b.x.feed, &b.options, &successor), OK);
    hep_feed_free(b.hep);
    b.hep = successor;
    struct fake_pair *live = &b.x.vault.live[0];
    hep_feed_restore(b.hep, span_of(live->key, live->key_bytes),
                     span_of(live->value, live->value_bytes));
    pipe_fixture_settle(&b.x);
    cr_assert_eq(b.x.vault.lives_count, 1);
    live = &b.x.vault.live[0];
    cr_assert(hep_live_key(span_of(live->key, live->key_bytes), &feed, &worker));
    cr_expect_eq(worker, 0);
    sip(&b, HEP_SIP_BYE, 1, 62);
    sip(&b, HEP_SIP_BYE_OK, 1, 62);
    pipe_fixture_settle(&b.x);
    cr_expect_eq(b.x.vault.records_count, 1);
    cr_expect_eq(b.x.vault.lives_count, 0);
    teardown(&b);
}

Test(hep_feed, live_keys)
{
    uint16_t feed;
    unsigned worker;
    cr_expect_not(hep_live_key(span_str(""), &feed, &worker));
    cr_expect_not(hep_live_key(span_of("\0\1", 2), &feed, &worker));
    cr_expect(hep_live_key(span_of("\1\2\3x", 4), &feed, &worker));
    cr_expect_eq(feed, 0x0102);
    cr_expect_eq(worker, 3);
}

/* The young ones are kept only when the process is about to end. */
Test(hep_feed, checkpoint_of_a_ringing_call)
{
    struct bed b;
    setup(&b);
    sip(&b, HEP_SIP_INVITE, 1, 0);
    hep_feed_checkpoint(b.hep, false);
    pipe_fixture_settle(&b.x);
    cr_expect_eq(b.x.vault.lives_count, 0);
    hep_feed_checkpoint(b.hep, true);
    pipe_fixture_settle(&b.x);
    cr_expect_eq(b.x.vault.lives_count, 1);
    teardown(&b);
}

Test(hep_feed, finish_gives_out_what_is_open)
{
    struct bed b;
    struct record r;
    setup(&b);
    sip(&b, HEP_SIP_INVITE, 1, 0);
    sip(&b, HEP_SIP_OK, 1, 2);
    hep_feed_finish(b.hep);
    pipe_fixture_settle(&b.x);
    cr_assert_eq(b.x.vault.records_count, 1);
    fake_vault_record(&b.x.vault, 0, &r);
    cr_expect(r.call.flags & CALL_INCOMPLETE);
    teardown(&b);
}

Test(hep_feed, counts_are_published)
{
    struct bed b;
    setup(&b);
    sip(&b, HEP_SIP_REGISTER, 1, 0);
    sip(&b, HEP_SIP_INVITE, 2, 0);
    b.x.mono_us += 400000000; /* Timer C and its grace */
    hep_feed_tick(b.hep);
    hep_feed_tick(b.hep);
    cr_expect_eq(pipe_fixture_count(&b.x, METRIC_IGNORED, REASON_NOT_A_CALL), 1);
    cr_expect_eq(pipe_fixture_count(&b.x, METRIC_DIALOGS_EXPIRED, (enum reason)0), 1);
    cr_expect_eq(pipe_fixture_count(&b.x, METRIC_RECEIVED, (enum reason)0), 2);
    pipe_fixture_settle(&b.x);
    cr_expect_eq(b.x.vault.records_count, 1);
    teardown(&b);
}

/* A record that finds even the overflow full is counted, not forgotten silently (I9). */
Test(hep_feed, record_without_room_is_counted)
{
    struct bed b;
    setup(&b);
    struct outlet *o = uplink_outlet(b.x.uplink);
    b.x.vault.withhold = true;
    while (outlet_live(o, b.x.feed.id, span_str("k"), SPAN_EMPTY, 0) == OK)
        outlet_close_batch(o);
    sip(&b, HEP_SIP_INVITE, 1, 0);
    sip(&b, HEP_SIP_BUSY, 1, 1);
    b.x.mono_us += 400000000;
    hep_feed_tick(b.hep);
    cr_expect_eq(pipe_fixture_count(&b.x, METRIC_SHED, REASON_QUEUE_FULL), 1);
    b.x.vault.withhold = false;
    pipe_fixture_settle(&b.x);
    teardown(&b);
}
