/* Proves what a record holds of the messages of its call, the key that makes it unique, and what
 * it says when something did not fit or a clock is not to be trusted. */
#include "dialog_story.h"

static void keep_last(void *arg, const struct record *r)
{
    struct record *last = arg;
    *last = *r;
    cr_expect_eq(r->call.feed_kind, FEED_HEP);
}

static void feed_text(struct dialog_table *t, const char *text, uint64_t now_us, struct record *out)
{
    static struct sip_msg m;
    static struct arena a;
    const struct dialog_meta meta = {.feed_id = 7,
                                     .t_capture_us = STORY_T0 + (int64_t)now_us,
                                     .t_receive_us = STORY_T0 + (int64_t)now_us + 900,
                                     .agent_name = SPAN_LIT("sbc-1"),
                                     .time_quality = TIME_SECONDS_ONLY,
                                     .src = ip_v4((const uint8_t[]){192, 0, 2, 9}),
                                     .src_port = 5060,
                                     .transport = TRANSPORT_TLS};
    cr_assert_eq(arena_init(&a, 4 * SIP_MESSAGE_BYTES_MAX), OK);
    cr_assert_eq(sip_msg_parse(span_str(text), &a, &m, NULL), OK);
    for (size_t i = 0; i < m.extras_count; i++) /* as classify would: its row says the name */
        m.extra[i].field = (uint16_t)(100 + i);
    dialog_feed(t, &m, &meta, now_us, keep_last, out);
    arena_done(&a);
}

/* What a record holds of the messages, and the key that makes it unique. */
Test(dialog_record, record_of_a_call)
{
    static struct record r;
    struct dialog_table *t;
    const struct dialog_limits limits = {0};
    cr_assert_eq(dialog_table_new(&limits, (struct dialog_seed){1, 2}, &t), OK);
    feed_text(
        t,
        "INVITE sip:+12125550102;npdi;rn=+13035550100@example.net SIP/2.0\r\n"
        "Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKa\r\n"
        "From: \"Ann\" <sip:+12125550101@example.com>;tag=al\r\nTo: <sip:0102@example.net>\r\n"
        "Call-ID: k1\r\nCSeq: 7 INVITE\r\nX-Route: blue\r\nContent-Length: 0\r\n\r\n",
        1000, &r);
    feed_text(t,
              "SIP/2.0 486 Busy\r\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKa\r\n"
              "From: \"Ann\" <sip:+12125550101@example.com>;tag=al\r\n"
              "To: <sip:0102@example.net>;tag=bo\r\n"
              "Call-ID: k1\r\nCSeq: 7 INVITE\r\nContent-Length: 0\r\n\r\n",
              2000, &r);
    const struct call *c = &r.call;
    cr_expect(span_eq(r.dedup, (struct span)SPAN_LIT("k1\0al\0bo\0"
                                                     "7")));
    cr_expect(span_is(c->sip_call_id, "k1") && span_is(c->call_key, "k1"));
    cr_expect(span_is(c->from_tag, "al") && span_is(c->to_tag, "bo"));
    cr_expect(span_is(c->calling_tn, "+12125550101") && span_is(c->calling_name, "Ann"));
    cr_expect(span_is(c->called_tn, "+12125550102") && span_is(c->lrn, "+13035550100"));
    cr_expect(span_is(c->switch_id, "sbc-1"));
    cr_expect_eq(c->feed_id, 7);
    cr_expect_eq(c->transport, TRANSPORT_TLS, "the capture knows better than the Via");
    cr_expect_eq(c->time_quality, TIME_SECONDS_ONLY);
    cr_expect_eq(c->t_receive, STORY_T0 + 2900);
    cr_expect_eq(c->src_port, 5060);
    cr_assert_eq(r.extras_count, 2);
    cr_expect(span_is(r.extra[1].name, "X-Route") && span_is(r.extra[1].value, "blue"));
    cr_expect_eq(r.extra[1].field, 101);
    cr_expect_not(c->flags & CALL_CLOCK_SUSPECT);
    dialog_table_free(t);
}

/* 12.3: a capture clock more than 5 s from ours is not to be trusted; both stamps are kept. */
Test(dialog_record, skew_makes_a_clock_suspect)
{
    static struct record r;
    struct dialog_table *t;
    const struct dialog_limits limits = {0};
    static struct story s;
    story_init(&s, NULL, 1);
    char text[4096];
    size_t n = story_text("0 INVITE", "INVITE", text, sizeof text);
    for (int64_t skew_s = 5; skew_s <= 6; skew_s++) {
        struct dialog_meta meta = {.t_capture_us = STORY_T0,
                                   .t_receive_us = STORY_T0 - skew_s * US_PER_S};
        cr_assert_eq(dialog_table_new(&limits, (struct dialog_seed){1, 2}, &t), OK);
        cr_assert_eq(sip_msg_parse(span_of(text, n), &s.arena, &s.msg, NULL), OK);
        dialog_feed(t, &s.msg, &meta, 0, keep_last, &r);
        dialog_finish(t, 1, keep_last, &r);
        cr_expect_eq((r.call.flags & CALL_CLOCK_SUSPECT) != 0, skew_s == 6);
        dialog_table_free(t);
    }
    story_done(&s);
}

/* DIALOG_BYTES_MAX a call: the fields stay, the headers that do not fit are lost, and the
 * record says so. */
Test(dialog_record, a_call_that_is_too_large)
{
    static struct record r;
    static char text[32 * 1024];
    struct dialog_table *t;
    const struct dialog_limits limits = {0};
    cr_assert_eq(dialog_table_new(&limits, (struct dialog_seed){1, 2}, &t), OK);
    int n = snprintf(text, sizeof text,
                     "INVITE sip:+12125550102@example.net SIP/2.0\r\n"
                     "From: <sip:+12125550101@example.com>;tag=al\r\nTo: <sip:b@example.net>\r\n"
                     "Call-ID: k1\r\nCSeq: 7 INVITE\r\n");
    for (int i = 0; i < 20; i++)
        n += snprintf(text + n, sizeof text - (size_t)n, "X-%d: %01000d\r\n", i, i);
    snprintf(text + n, sizeof text - (size_t)n, "\r\n");
    feed_text(t, text, 1000, &r);
    dialog_finish(t, 2000, keep_last, &r);
    cr_expect(span_is(r.call.called_tn, "+12125550102"));
    cr_expect(r.call.flags & CALL_EXTRAS_LOST);
    cr_expect_eq(r.extras_count, 6);
    cr_expect_eq(dialog_counts(t)->extras_lost, 14);
    dialog_table_free(t);
}

/* FIELD_BYTES_MAX a field, and the record says that it was cut. */
Test(dialog_record, a_field_that_is_too_long)
{
    static struct record r;
    static char text[16 * 1024];
    struct dialog_table *t;
    const struct dialog_limits limits = {0};
    cr_assert_eq(dialog_table_new(&limits, (struct dialog_seed){1, 2}, &t), OK);
    snprintf(text, sizeof text,
             "INVITE sip:b1@hh SIP/2.0\r\nFrom: <sip:a1@hh>;tag=al\r\nTo: <sip:b1@hh>\r\n"
             "Call-ID: k\r\nCSeq: 1 INVITE\r\nUser-Agent: %0*d\r\n\r\n",
             FIELD_BYTES_MAX + 1, 0);
    feed_text(t, text, 1000, &r);
    dialog_finish(t, 2000, keep_last, &r);
    cr_expect_eq(r.call.user_agent.n, FIELD_BYTES_MAX);
    cr_expect(r.call.flags & CALL_TRUNCATED);
    cr_expect(span_is(r.call.called_tn, "b1"));
    dialog_table_free(t);
}

/* RFC 3261 13.2.1: the offer may come in the 2xx, then the answer is in the ACK. */
Test(dialog_record, late_offer)
{
    static const char SDP[] = "v=0\r\nc=IN IP4 192.0.2.%d\r\nm=audio 1 RTP/AVP %d\r\n";
    static struct record r;
    static const char *const STARTS[][2] = {{"INVITE sip:b1@hh SIP/2.0", "INVITE"},
                                            {"SIP/2.0 200 OK", "INVITE"},
                                            {"ACK sip:b1@hh SIP/2.0", "ACK"}};
    struct dialog_table *t;
    const struct dialog_limits limits = {0};
    cr_assert_eq(dialog_table_new(&limits, (struct dialog_seed){1, 2}, &t), OK);
    for (int i = 0; i < 3; i++) {
        char text[1024], body[256] = "";
        if (i)
            snprintf(body, sizeof body, SDP, i, i == 1 ? 8 : 0);
        snprintf(text, sizeof text,
                 "%s\r\nFrom: <sip:a1@hh>;tag=al\r\nTo: <sip:b1@hh>%s\r\nCall-ID: k\r\n"
                 "CSeq: 1 %s\r\nContent-Type: application/sdp\r\n\r\n%s",
                 STARTS[i][0], i ? ";tag=bo" : "", STARTS[i][1], body);
        feed_text(t, text, (uint64_t)i * 1000, &r);
    }
    dialog_finish(t, 9000, keep_last, &r);
    struct ip a = ip_v4((const uint8_t[]){192, 0, 2, 2}),
              b = ip_v4((const uint8_t[]){192, 0, 2, 1});
    cr_expect_arr_eq(r.call.media_ip_a.b, a.b, 16);
    cr_expect_arr_eq(r.call.media_ip_b.b, b.b, 16);
    cr_expect(span_is(r.call.codec_in, "PCMU") && span_is(r.call.codec_out, "PCMA"));
    dialog_table_free(t);
}
