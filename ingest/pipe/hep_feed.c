#include "ingest/pipe/hep_feed.h"

#include <stdlib.h>

#include "proto/frame/hep.h"
#include "proto/frame/inflate.h"

enum {
    LIVE_PREFIX_BYTES = 2 + 1, /* feed, worker */
    ARENA_BYTES = SIP_MESSAGE_BYTES_MAX + 4096
};

struct hep_feed {
    struct pipe *pipe;            /* borrowed */
    const struct pipe_feed *feed; /* borrowed */
    struct hep_feed_options options;
    struct dialog_table *dialogs;
    struct inflater *inflater;
    struct arena arena; /* of one message */
    struct classify_counts classified;
    struct dialog_counts published; /* as far as the metrics know */
    bool dirty;
    struct sip_msg msg;
    struct record record; /* that is being given out */
    uint8_t derived[DERIVE_ROOM_BYTES];
    uint8_t frame[INFLATED_BYTES_MAX];
    uint8_t payload[INFLATED_BYTES_MAX];
};

enum err hep_feed_new(struct pipe *p, const struct pipe_feed *f,
                      const struct hep_feed_options *options, struct hep_feed **out)
{
    struct hep_feed *h = calloc(1, sizeof *h);
    if (!h)
        return ERR_NOMEM;
    h->pipe = p;
    h->feed = f;
    h->options = *options;
    enum err e = arena_init(&h->arena, ARENA_BYTES);
    if (e == OK)
        e = inflater_new(&h->inflater);
    if (e == OK)
        e = dialog_table_new(&options->limits, options->seed, &h->dialogs);
    if (e != OK) {
        hep_feed_free(h);
        return e;
    }
    *out = h;
    return OK;
}

struct hep_feed *hep_feed_free(struct hep_feed *h)
{
    if (!h)
        return NULL;
    dialog_table_free(h->dialogs);
    inflater_free(h->inflater);
    if (h->arena.p)
        arena_done(&h->arena);
    explicit_bzero(h, sizeof *h);
    free(h);
    return NULL;
}

static void refuse(struct hep_feed *h, enum metric id, enum reason reason, const struct diag *d)
{
    pipe_refuse(h->pipe, h->feed, id, reason, d);
}

/* --- records --- */

/* The table's record is borrowed: what is derived goes into a copy of its head. */
/* be16 feed | [1] worker | the dialog's own key */
static struct span live_key(const struct hep_feed *h, struct span key, struct buf *b)
{
    buf_be16(b, h->feed->id);
    buf_u8(b, (uint8_t)h->options.worker);
    buf_put(b, key);
    return buf_ok(b) ? buf_span(b) : SPAN_EMPTY;
}

/* The end of the checkpoint goes with the record, in one batch: a worker that dies in between
 * must not find the call alive again. */
static void emit(void *arg, const struct record *r)
{
    struct hep_feed *h = arg;
    uint8_t bytes[OUTLET_LIVE_KEY_BYTES_MAX];
    struct buf key = buf_of(bytes, sizeof bytes);
    struct span live = r->saved.n ? live_key(h, r->saved, &key) : SPAN_EMPTY;
    struct buf derived = buf_of(h->derived, sizeof h->derived);
    memcpy(&h->record, r, offsetof(struct record, extra) + r->extras_count * sizeof r->extra[0]);
    h->record.call.feed_id = h->feed->id;
    h->record.call.feed_kind = FEED_HEP;
    derive(&h->feed->rules, &h->record.call, &derived);
    record_bound(&h->record);
    /* A call that has ended cannot be asked to wait; the queue has room for what the sources do
     * not (outlet.h). What finds even that full is counted. */
    if (pipe_put(h->pipe, h->feed, &h->record, live) != OK)
        refuse(h, METRIC_SHED, REASON_QUEUE_FULL, NULL);
}

/* --- messages --- */

/* Whether it was meant to be SIP is asked only of what is none. */
static void refuse_sip(struct hep_feed *h, struct span message, enum err e, const struct diag *d)
{
    static const struct diag NO_SIP = {"no SIP", 0};
    if (sip_msg_likely(message))
        refuse(h, METRIC_MALFORMED, e == ERR_SYNTAX ? REASON_SIP : REASON_OVERSIZE, d);
    else
        refuse(h, METRIC_IGNORED, span_trim(message).n ? REASON_PROTOCOL : REASON_EMPTY, &NO_SIP);
}

static void feed_sip(struct hep_feed *h, struct span message, const struct dialog_meta *meta)
{
    struct diag d;
    arena_reset(&h->arena);
    enum err e = sip_msg_parse(message, &h->arena, &h->msg, &d);
    if (e != OK) {
        refuse_sip(h, message, e, &d);
        return;
    }
    classify_extras(FEED_HEP, h->msg.extra, &h->msg.extras_count, &h->classified);
    pipe_classified(h->pipe, h->feed, &h->classified);
    h->dirty = true;
    dialog_feed(h->dialogs, &h->msg, meta, clock_mono_us(h->pipe->clock), emit, h);
}

static struct ip ip_of(const struct endpoint *e)
{
    struct ip ip;
    memcpy(ip.b, e->ip, sizeof ip.b);
    return ip;
}

/* What every message has, whatever brought it. */
static struct dialog_meta meta_of(const struct hep_feed *h, int64_t now_us,
                                  const struct endpoint *src, const struct endpoint *dst)
{
    return (struct dialog_meta){.feed_id = h->feed->id,
                                .t_receive_us = now_us,
                                .src = ip_of(src),
                                .dst = ip_of(dst),
                                .src_port = src->port,
                                .dst_port = dst->port};
}

/* The transport is left to the Via: agents send 6 for TLS and WebSocket, 22 for all three, 17
 * for "any" (feeds.md 1.5). */
static void feed_payload(struct hep_feed *h, int64_t now_us, const struct hep *hep,
                         struct span message)
{
    struct dialog_meta meta = meta_of(h, now_us, &hep->src, &hep->dst);
    meta.agent = hep->agent_id;
    meta.agent_name = hep->agent_name;
    meta.t_capture_us = hep->has_time ? hep->t_us : meta.t_receive_us;
    meta.time_quality = hep->has_time ? 0 : TIME_OF_RECEIPT;
    feed_sip(h, message, &meta);
}

/* --- frames --- */

static void take_hep(struct hep_feed *h, struct span frame)
{
    struct diag d;
    struct hep hep;
    struct buf room = buf_of(h->payload, sizeof h->payload);
    struct span message;
    int64_t now_us = clock_wall_us(h->pipe->clock);
    if (hep_parse(frame, now_us, &hep, &d) != OK) {
        refuse(h, METRIC_MALFORMED, REASON_FRAME, &d);
        return;
    }
    if (!pipe_feed_admits(h->feed, hep.agent_id, hep.auth_key)) {
        refuse(h, METRIC_AUTH_FAILED, REASON_FRAME, &(struct diag){"key of the agent", 0});
        return;
    }
    if (hep.payload_type != HEP_SIP) { /* RTCP, logs: subscriber data that we have no use for */
        refuse(h, METRIC_IGNORED, REASON_PROTOCOL, NULL);
        return;
    }
    message = hep.payload;
    if (hep.compressed) {
        if (inflater_whole(h->inflater, hep.payload, &room, &d) != OK) {
            refuse(h, METRIC_MALFORMED, REASON_COMPRESSION, &d);
            return;
        }
        message = buf_span(&room);
    }
    feed_payload(h, now_us, &hep, message);
}

/* heplify compresses whole frames (feeds.md 1.4); a frame in a frame in a frame is an attack. */
static void take_gzip(struct hep_feed *h, struct span frame)
{
    struct diag d = {"frame inside a compressed frame", 0};
    struct buf room = buf_of(h->frame, sizeof h->frame);
    enum err e = inflater_whole(h->inflater, frame, &room, &d);
    enum hep_shape shape = e == OK ? hep_shape(buf_span(&room)) : HEP_NONE;
    if (shape == HEP_NONE || shape == HEP_GZIP)
        refuse(h, METRIC_MALFORMED, REASON_COMPRESSION, &d);
    else
        take_hep(h, buf_span(&room));
}

static void take_frame(struct hep_feed *h, struct span frame)
{
    switch (hep_shape(frame)) {
    case HEP_V1:
    case HEP_V2:
    case HEP_V3:
        take_hep(h, frame);
        break;
    case HEP_GZIP:
        take_gzip(h, frame);
        break;
    case HEP_NONE:
        refuse(h, METRIC_MALFORMED, REASON_PROTOCOL, &(struct diag){"no HEP", 0});
        break;
    }
}

void hep_feed_frame(struct hep_feed *h, struct span frame)
{
    pipe_received(h->pipe, h->feed, frame.n);
    take_frame(h, frame);
}

void hep_feed_traffic(struct hep_feed *h, const struct traffic_item *item)
{
    pipe_received(h->pipe, h->feed, item->payload.n);
    if (item->kind == TRAFFIC_HEP) {
        take_frame(h, item->payload);
        return;
    }
    struct dialog_meta meta = meta_of(h, clock_wall_us(h->pipe->clock), &item->src, &item->dst);
    meta.t_capture_us = item->t_us;
    meta.transport = item->ip_proto == 17 ? TRANSPORT_UDP : TRANSPORT_UNKNOWN;
    feed_sip(h, item->payload, &meta);
}

/* --- timers and counts --- */

static const struct {
    size_t offset; /* in struct dialog_counts */
    enum metric id;
    enum reason reason;
    bool by_feed;
} PUBLISHED[] = {
    {offsetof(struct dialog_counts, ignored), METRIC_IGNORED, REASON_NOT_A_CALL, true},
    {offsetof(struct dialog_counts, orphan_requests), METRIC_IGNORED, REASON_ORPHAN, true},
    {offsetof(struct dialog_counts, orphan_responses), METRIC_IGNORED, REASON_ORPHAN, true},
    {offsetof(struct dialog_counts, repeated), METRIC_IGNORED, REASON_REPEATED, true},
    {offsetof(struct dialog_counts, refused), METRIC_SHED, REASON_DIALOGS_FULL, true},
    {offsetof(struct dialog_counts, secrets), METRIC_FIELDS_DROPPED, (enum reason)0, true},
    {offsetof(struct dialog_counts, restored), METRIC_DIALOGS_RESTORED, (enum reason)0, false},
    {offsetof(struct dialog_counts, evicted), METRIC_DIALOGS_EVICTED, (enum reason)0, false},
    {offsetof(struct dialog_counts, timeouts), METRIC_DIALOGS_EXPIRED, (enum reason)0, false},
};

static uint64_t count_at(const struct dialog_counts *c, size_t offset)
{
    uint64_t n;
    memcpy(&n, (const uint8_t *)c + offset, sizeof n);
    return n;
}

static void publish(struct hep_feed *h)
{
    const struct dialog_counts *now = dialog_counts(h->dialogs);
    for (size_t i = 0; i < sizeof PUBLISHED / sizeof PUBLISHED[0]; i++) {
        uint64_t more =
            count_at(now, PUBLISHED[i].offset) - count_at(&h->published, PUBLISHED[i].offset);
        if (more)
            metric_add_at(h->pipe->metrics, PUBLISHED[i].id,
                          PUBLISHED[i].by_feed ? h->feed->index : 0, PUBLISHED[i].reason, more);
    }
    h->published = *now;
}

void hep_feed_tick(struct hep_feed *h)
{
    dialog_tick(h->dialogs, clock_mono_us(h->pipe->clock), emit, h);
    h->dirty = true; /* calls grow old enough to be saved, or ended by a timer */
    publish(h);
}

void hep_feed_finish(struct hep_feed *h)
{
    dialog_finish(h->dialogs, clock_mono_us(h->pipe->clock), emit, h);
    h->dirty = true;
    publish(h);
}

/* --- checkpoints --- */

bool hep_feed_dirty(const struct hep_feed *h)
{
    return h->dirty;
}

static void save(void *arg, struct span key, struct span value)
{
    struct hep_feed *h = arg;
    uint8_t bytes[OUTLET_LIVE_KEY_BYTES_MAX];
    struct buf b = buf_of(bytes, sizeof bytes);
    struct span live = live_key(h, key, &b);
    /* Lost only for a successor: as if it had never been saved. */
    if (!live.n ||
        outlet_live(h->pipe->outlet, h->feed->id, live, value, clock_mono_us(h->pipe->clock)) != OK)
        refuse(h, METRIC_SHED, REASON_QUEUE_FULL, NULL);
}

void hep_feed_checkpoint(struct hep_feed *h, bool all)
{
    uint64_t age_us = all ? (uint64_t)UINT32_MAX * 1000 : 0;
    h->dirty = false;
    dialog_checkpoint(h->dialogs, clock_mono_us(h->pipe->clock) + age_us, save, h);
    publish(h);
}

bool hep_live_key(struct span key, uint16_t *feed_id, unsigned *worker)
{
    struct reader r = reader_of(key);
    uint16_t feed = reader_be16(&r);
    unsigned w = reader_u8(&r);
    if (!reader_ok(&r))
        return false;
    *feed_id = feed;
    *worker = w;
    return true;
}

/* There were more workers once: what was another's is ours from now on, under our key. */
static void adopt(struct hep_feed *h, struct span key, struct span value)
{
    uint64_t now_us = clock_mono_us(h->pipe->clock);
    save(h, span_from(key, LIVE_PREFIX_BYTES), value);
    if (outlet_live(h->pipe->outlet, h->feed->id, key, SPAN_EMPTY, now_us) != OK)
        refuse(h, METRIC_SHED, REASON_QUEUE_FULL, NULL);
}

void hep_feed_restore(struct hep_feed *h, struct span key, struct span value)
{
    struct diag d = {"saved dialog", 0};
    uint16_t feed;
    unsigned worker = h->options.worker;
    enum err e = dialog_restore(h->dialogs, span_from(key, LIVE_PREFIX_BYTES), value,
                                clock_mono_us(h->pipe->clock), &d);
    if (e == ERR_FULL)
        refuse(h, METRIC_SHED, REASON_DIALOGS_FULL, &d);
    else if (e != OK && e != ERR_CONFLICT) /* it is there already: a second READY */
        refuse(h, METRIC_MALFORMED, REASON_FRAME, &d);
    else if (hep_live_key(key, &feed, &worker) && worker != h->options.worker)
        adopt(h, key, value);
}

size_t hep_feed_live(const struct hep_feed *h)
{
    return dialog_live(h->dialogs);
}
