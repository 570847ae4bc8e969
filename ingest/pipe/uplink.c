#include "ingest/pipe/uplink.h"

#include <stdlib.h>

#include "proto/core/check.h"

enum { HELLO_BYTES_MAX = FEEDS_MAX * (2 + FEED_NAME_BYTES_MAX) };

struct uplink {
    struct uplink_options options;
    struct vault_link *link; /* borrowed */
    struct outlet *outlet;   /* owned */
    uint32_t hello_id;
    bool hello_due, blocked, ready, started;
    enum err failed; /* remembered until the next turn */
};

enum err uplink_new(const struct uplink_options *options, struct uplink **out)
{
    CHECK(options->feeds_count <= FEEDS_MAX);
    struct uplink *u = calloc(1, sizeof *u);
    if (!u)
        return ERR_NOMEM;
    u->options = *options;
    u->hello_id = options->first_id;
    if (outlet_new(options->first_id, &u->outlet) != OK) {
        free(u);
        return ERR_NOMEM;
    }
    *out = u;
    return OK;
}

struct uplink *uplink_free(struct uplink *u)
{
    if (u)
        outlet_free(u->outlet);
    free(u);
    return NULL;
}

static void hello_again(struct uplink *u)
{
    outlet_hold(u->outlet);
    u->ready = false;
    u->hello_due = true;
    u->hello_id++;
}

void uplink_attach(struct uplink *u, struct vault_link *link)
{
    u->link = link;
    outlet_link(u->outlet, link);
    hello_again(u);
}

/* --- what the vault says --- */

static size_t feed_of(const struct uplink *u, struct span name)
{
    size_t i = 0;
    while (i < u->options.feeds_count && !span_eq(u->options.feed[i].name, name))
        i++;
    return i;
}

static enum err take_welcome(struct uplink *u, struct span payload)
{
    struct reader r = reader_of(payload);
    uint16_t id = reader_be16(&r);
    unsigned kind = reader_u8(&r);
    size_t feed = feed_of(u, reader_lv(&r));
    if (!reader_ok(&r) || feed == u->options.feeds_count || kind >= FEED_KIND_COUNT)
        return ERR_SYNTAX;
    u->options.events.welcome(u->options.events.arg, feed, id, (enum feed_kind)kind, &r);
    return OK;
}

static enum err take_live(struct uplink *u, struct span payload)
{
    struct reader r = reader_of(payload);
    struct span key = reader_lv(&r);
    struct span value = reader_lv(&r);
    if (!reader_ok(&r) || reader_more(&r))
        return ERR_SYNTAX;
    if (!u->started) /* later they are older than what we have in memory */
        u->options.events.live(u->options.events.arg, key, value);
    return OK;
}

static enum err take_ready(struct uplink *u)
{
    u->ready = true;
    u->started = true;
    outlet_open(u->outlet);
    return OK;
}

void uplink_frame(void *arg, const struct frame *f)
{
    struct uplink *u = arg;
    struct diag d;
    bool ours = f->id == u->hello_id && !u->ready && !u->hello_due;
    enum err e = OK;
    switch ((int)f->type) {
    case FRAME_GREETING:
        hello_again(u);
        break;
    case FRAME_RECEIPT:
        e = outlet_receipt(u->outlet, f->id, f->payload, &d);
        break;
    case FRAME_WELCOME:
        e = ours ? take_welcome(u, f->payload) : OK;
        break;
    case FRAME_LIVE:
        e = ours ? take_live(u, f->payload) : OK;
        break;
    case FRAME_READY:
        e = ours ? take_ready(u) : OK;
        break;
    default:
        e = ERR_SYNTAX;
    }
    if (e != OK)
        u->failed = e;
}

/* --- what we say --- */

static enum err say_hello(struct uplink *u)
{
    uint8_t bytes[HELLO_BYTES_MAX];
    struct buf b = buf_of(bytes, sizeof bytes);
    for (size_t i = 0; i < u->options.feeds_count; i++) {
        buf_lv(&b, u->options.feed[i].name);
        buf_u8(&b, (uint8_t)u->options.feed[i].kind);
    }
    CHECK(buf_ok(&b));
    u->hello_due = false; /* before: a link in this process answers before send() returns */
    enum err e = vault_send(u->link, FRAME_HELLO, u->hello_id, buf_span(&b));
    if (e == ERR_FULL)
        u->hello_due = true;
    return e;
}

enum err uplink_turn(struct uplink *u)
{
    enum err e = u->failed;
    if (e == OK && u->hello_due)
        e = say_hello(u);
    if (e == OK)
        e = outlet_pump(u->outlet);
    u->blocked = e == ERR_FULL;
    return e == ERR_FULL ? OK : e;
}

bool uplink_blocked(const struct uplink *u)
{
    return u->blocked || outlet_blocked(u->outlet);
}

bool uplink_ready(const struct uplink *u)
{
    return u->ready;
}

bool uplink_started(const struct uplink *u)
{
    return u->started;
}

struct outlet *uplink_outlet(struct uplink *u)
{
    return u->outlet;
}
