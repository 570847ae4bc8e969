/* A table of eight calls and everything that can happen to it, two bytes an event:
 *
 *   [1] low nibble: which message, tick or checkpoint; high nibble: which call, agent
 *   [1] low two bits: To tag; then branch, CSeq; top bits: how much time passes
 *
 * The table must keep its books: what it holds never exceeds its limits, a call is given out
 * once for each time it began, and at the end nothing is left. */
#include "proto/core/check.h"
#include "proto/record/dialog.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { DIALOGS = 8 };

static struct sip_msg m;
static uint64_t given_out, saved_bytes;

static const struct kind {
    enum sip_method method;
    uint16_t status;
} KINDS[] = {{SIP_INVITE, 0},   {SIP_INVITE, 100}, {SIP_INVITE, 180}, {SIP_INVITE, 200},
             {SIP_INVITE, 302}, {SIP_INVITE, 407}, {SIP_INVITE, 486}, {SIP_INVITE, 487},
             {SIP_ACK, 0},      {SIP_BYE, 0},      {SIP_BYE, 200},    {SIP_CANCEL, 0},
             {SIP_UPDATE, 0},   {SIP_UPDATE, 200}};
enum { KINDS_COUNT = sizeof KINDS / sizeof KINDS[0] };

static void count(void *arg, const struct record *r)
{
    (void)arg;
    CHECK(r->call.rec_type != REC_UNKNOWN && r->dedup.n > 0 && r->call.sip_call_id.n > 0);
    CHECK(!(r->call.flags & CALL_INCOMPLETE) || r->call.rec_type == REC_INCOMPLETE);
    CHECK(r->call.t_end || r->call.dur_bill_ms == 0);
    given_out++;
}

static void measure(void *arg, struct span key, struct span value)
{
    (void)arg;
    CHECK(key.n > 0);
    saved_bytes += value.n;
}

static struct span digit(uint8_t *room, unsigned value)
{
    room[0] = (uint8_t)('0' + value);
    return span_of(room, 1);
}

static void message(struct dialog_table *t, uint8_t a, uint8_t b, uint64_t now)
{
    static uint8_t text[5];
    static const struct span SDP = SPAN_LIT("v=0\r\nm=audio 1 RTP/AVP 0\r\na=sendonly\r\n");
    struct kind k = KINDS[(a & 15) % KINDS_COUNT];
    struct dialog_meta meta = {.agent = a >> 7, .t_capture_us = 1795302253000000 + (int64_t)now};
    struct span caller = span_str("caller"), callee = b & 3 ? digit(text, b & 3) : SPAN_EMPTY;
    bool swapped = (b & 0x30) == 0x30 && callee.n;
    m.method = k.method;
    m.status = k.status;
    m.call_id = digit(text + 1, a >> 4 & 7);
    m.from_tag = swapped ? callee : caller;
    m.to_tag = swapped ? caller : callee;
    m.branch = digit(text + 2, b >> 2 & 3);
    m.cseq = 1 + (b >> 4 & 3);
    m.content_type = span_str("application/sdp");
    m.body = SDP;
    m.extras_count = 1;
    m.extra[0] = (struct extra){0, span_str("X-Any"), span_of("value of some length", b % 20)};
    dialog_feed(t, &m, &meta, now, count, NULL);
}

static void event(struct dialog_table *t, uint8_t a, uint8_t b, uint64_t now)
{
    if ((a & 15) < KINDS_COUNT)
        message(t, a, b, now);
    else if ((a & 15) == KINDS_COUNT)
        dialog_tick(t, now, count, NULL);
    else
        dialog_checkpoint(t, now, measure, NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint64_t STEPS_US[] = {1000, 300000, 40000000, 20000000000};
    const struct dialog_limits limits = {.dialogs_max = DIALOGS, .bytes_max = 128 * 1024};
    struct dialog_table *t;
    uint64_t now = 1000000;
    CHECK(dialog_table_new(&limits, (struct dialog_seed){1, 2}, &t) == OK);
    given_out = 0;
    for (size_t i = 0; i + 1 < size; i += 2) {
        now += STEPS_US[data[i + 1] >> 6];
        event(t, data[i], data[i + 1], now);
        CHECK(dialog_live(t) <= DIALOGS);
    }
    dialog_finish(t, now, count, NULL);
    CHECK(dialog_live(t) == 0 && given_out == dialog_counts(t)->records);
    dialog_checkpoint(t, now, measure, NULL);
    dialog_tick(t, now + 100000000, count, NULL);
    CHECK(given_out == dialog_counts(t)->records);
    dialog_table_free(t);
    return 0;
}
