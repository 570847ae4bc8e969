#include "proto/frame/traffic.h"

#include <stdlib.h>

#include "proto/frame/flow.h"
#include "proto/frame/fragment.h"
#include "proto/frame/hep.h"
#include "proto/frame/packet.h"
#include "proto/frame/sip_stream.h"

/* How much of a connection may be no message before we stop looking for one: the largest body
 * that a capture can show us the end of, a few times over. */
enum { SEARCH_BYTES_MAX = 256 * 1024 };

/* What a TCP flow carries (flow.state). */
enum stream { STREAM_NEW, STREAM_SEARCH, STREAM_SIP, STREAM_HEP, STREAM_OTHER };

struct traffic {
    struct fragments *fragments;
    struct flows *flows;
    struct traffic_counts counts;
};

/* One packet on its way through. */
struct pass {
    struct traffic *t;
    traffic_fn *fn;
    void *arg;
    int64_t t_us;
    enum err e;
};

enum err traffic_new(struct traffic **out)
{
    struct traffic *t = calloc(1, sizeof *t);
    if (!t || fragments_new(&t->fragments) != OK || flows_new(&t->flows) != OK) {
        traffic_free(t);
        return ERR_NOMEM;
    }
    *out = t;
    return OK;
}

struct traffic *traffic_free(struct traffic *t)
{
    if (t) {
        fragments_free(t->fragments);
        flows_free(t->flows);
    }
    free(t);
    return NULL;
}

/* Several messages may end in one packet; time must still tell their order. */
static void emit(struct pass *pass, struct traffic_item item)
{
    item.t_us = pass->t_us++;
    *(item.kind == TRAFFIC_SIP ? &pass->t->counts.sip : &pass->t->counts.hep) += 1;
    pass->e = pass->fn(pass->arg, &item);
}

/* Bytes before the message that keep a path open: CR LF (RFC 5626 4.4.1), or zeros. */
static size_t idle_bytes(struct span in)
{
    size_t n = 0;
    while (n < in.n && (in.p[n] == '\r' || in.p[n] == '\n' || in.p[n] == 0))
        n++;
    return n;
}

static void read_udp(struct pass *pass, const struct packet *p)
{
    struct traffic_item item = {
        .ip_proto = IP_PROTO_UDP, .cut = p->cut, .src = p->src, .dst = p->dst};
    struct span text = span_from(p->payload, idle_bytes(p->payload));
    if (p->payload.n && text.n == 0) {
        pass->t->counts.keepalives++;
    } else if (hep_shape(p->payload) != HEP_NONE) {
        item.kind = TRAFFIC_HEP;
        item.payload = p->payload;
        emit(pass, item);
    } else if (sip_start(text) == OK) {
        item.kind = TRAFFIC_SIP;
        item.payload = text;
        emit(pass, item);
    } else {
        pass->t->counts.other++;
    }
}

static void emit_stream(struct pass *pass, struct flow *f, enum traffic_kind kind,
                        struct span payload)
{
    f->state = kind == TRAFFIC_SIP ? STREAM_SIP : STREAM_HEP;
    f->lost = 0;
    emit(pass, (struct traffic_item){.kind = kind,
                                     .ip_proto = IP_PROTO_TCP,
                                     .src = f->src,
                                     .dst = f->dst,
                                     .payload = payload});
}

/* No message begins here: on to the next place where one may. */
static size_t lose(struct pass *pass, struct flow *f, struct span in)
{
    size_t n = sip_stream_resync(in);
    if (f->state == STREAM_SIP)
        pass->t->counts.bytes_lost += n;
    f->lost += n;
    if (f->lost > SEARCH_BYTES_MAX)
        f->state = STREAM_OTHER;
    return n;
}

/* These two give the bytes they used; 0: more are needed. */
static size_t read_sip(struct pass *pass, struct flow *f, struct span in)
{
    struct sip_stream_item item;
    enum err e = sip_stream_next(in, &item, NULL);
    if (e == ERR_MORE)
        return 0;
    if (e != OK)
        return lose(pass, f, in);
    f->skip = item.skip;
    if (item.message.n)
        emit_stream(pass, f, TRAFFIC_SIP, item.message);
    else
        pass->t->counts.keepalives++;
    return item.used;
}

static size_t read_hep(struct pass *pass, struct flow *f, struct span in)
{
    struct span frame;
    enum err e = hep_next(in, &frame, NULL);
    if (e == ERR_MORE)
        return 0;
    if (e == OK) {
        emit_stream(pass, f, TRAFFIC_HEP, frame);
        return frame.n;
    }
    /* Nothing marks the next frame, and a look for SIP would find what agents wrap. But they
     * send a frame a segment as a rule: the next segment may begin with one. */
    pass->t->counts.bytes_lost += in.n;
    return in.n;
}

/* 'H' alone may begin a HEP frame or a method: wait for the letters that tell. */
static enum stream stream_of(struct span in)
{
    struct span frame;
    enum err e = hep_next(in, &frame, NULL);
    if (e == ERR_SYNTAX)
        return STREAM_SEARCH;
    return in.n >= 4 ? STREAM_HEP : STREAM_NEW;
}

static size_t read_some(struct pass *pass, struct flow *f, struct span in)
{
    if (f->skip) {
        size_t n = f->skip < in.n ? f->skip : in.n;
        f->skip -= n;
        return n;
    }
    if (f->state == STREAM_NEW)
        f->state = stream_of(in);
    switch ((enum stream)f->state) {
    case STREAM_SEARCH:
    case STREAM_SIP:
        return read_sip(pass, f, in);
    case STREAM_HEP:
        return read_hep(pass, f, in);
    case STREAM_OTHER:
        pass->t->counts.other++;
        return in.n;
    case STREAM_NEW:
    default:
        return 0;
    }
}

static size_t read_stream(void *arg, struct flow *f, struct span bytes, bool gap)
{
    struct pass *pass = arg;
    size_t at = 0;
    if (gap)
        f->skip = 0; /* what was to be skipped may be among the missing bytes */
    while (at < bytes.n && pass->e == OK) {
        size_t used = read_some(pass, f, span_from(bytes, at));
        if (used == 0)
            break;
        at += used;
    }
    return at;
}

static void read_packet(struct pass *pass, const struct packet *p);

static void read_fragment(struct pass *pass, const struct packet *p)
{
    struct packet whole = *p;
    struct span payload;
    if (fragments_add(pass->t->fragments, p, pass->t_us, &payload) != OK)
        return; /* counted there when it comes to nothing */
    if (packet_parse_ip(p->fragment.proto, payload, &whole, NULL) != OK)
        pass->t->counts.malformed++;
    else if (whole.kind != PACKET_FRAGMENT) /* of a fragment: nobody sends that */
        read_packet(pass, &whole);
}

static void read_packet(struct pass *pass, const struct packet *p)
{
    switch (p->kind) {
    case PACKET_UDP:
        read_udp(pass, p);
        break;
    case PACKET_TCP:
        flows_put(pass->t->flows, p, pass->t_us, read_stream, pass);
        break;
    case PACKET_FRAGMENT:
        read_fragment(pass, p);
        break;
    case PACKET_OTHER:
        pass->t->counts.other++;
        break;
    }
}

enum err traffic_feed(struct traffic *t, int link_type, struct span frame, int64_t t_us,
                      traffic_fn *fn, void *arg)
{
    struct packet p;
    struct pass pass = {.t = t, .fn = fn, .arg = arg, .t_us = t_us};
    enum err e = packet_parse(link_type, frame, &p, NULL);
    if (e == ERR_NOTFOUND)
        return e;
    t->counts.packets++;
    if (e == OK)
        read_packet(&pass, &p);
    else
        t->counts.malformed++;
    return pass.e;
}

enum err traffic_finish(struct traffic *t, int64_t t_us, traffic_fn *fn, void *arg)
{
    struct pass pass = {.t = t, .fn = fn, .arg = arg, .t_us = t_us};
    flows_finish(t->flows, read_stream, &pass);
    return pass.e;
}

struct traffic_counts traffic_counts(const struct traffic *t)
{
    struct traffic_counts counts = t->counts;
    struct flows_counts flows = flows_counts(t->flows);
    counts.fragments_expired = fragments_expired(t->fragments);
    counts.bytes_lost += flows.bytes_lost;
    counts.flows_evicted = flows.evicted;
    return counts;
}
