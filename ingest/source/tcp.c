#include "ingest/source/tcp.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "proto/frame/hep.h"
#include "proto/frame/inflate.h"

enum {
    ROOM_BYTES = 2 * (HEP_FRAME_BYTES_MAX + 1), /* a whole frame always fits behind half a one */
    READ_BYTES = 64 * 1024,
    READS_A_TURN = 4, /* then the other connections */
    GZIP_HEAD_BYTES = 3
};

struct tcp;
struct conn {
    struct tcp *tcp;
    struct conn *next; /* list of tcp->conns */
    uv_poll_t poll;
    int fd; /* owned */
    bool closing, reading;
    bool ended; /* the sender has closed its side; what is held is still to be taken */
    bool shape_known;
    uint64_t heard_ms;         /* when the last byte came */
    struct inflater *inflater; /* of a compressed stream; owned */
    size_t packed, packed_at;  /* bytes in packed_room that are not inflated yet */
    uint8_t *packed_room;      /* READ_BYTES, owned; compressed streams only */
    size_t held;               /* bytes in room that are not taken yet */
    uint8_t room[ROOM_BYTES];
};

struct tcp {
    struct source source;
    struct tcp_options options;
    uv_loop_t *loop;
    uv_poll_t listener;
    uv_timer_t sweep;
    struct conn *conns;
    size_t conns_count;
    bool paused, stopped;
};

static struct tcp *tcp_of(struct source *s)
{
    return (struct tcp *)(void *)s;
}

static void say(struct tcp *t, enum tcp_event event, const struct diag *d)
{
    static const struct diag NOWHERE = {"", 0};
    t->options.event(t->options.arg, event, d ? d : &NOWHERE);
}

/* --- the end of a connection --- */

static void on_conn_closed(uv_handle_t *handle)
{
    struct conn *c = handle->data;
    close(c->fd);
    inflater_free(c->inflater);
    if (c->packed_room)
        explicit_bzero(c->packed_room, READ_BYTES);
    free(c->packed_room);
    explicit_bzero(c, sizeof *c);
    free(c);
}

static void conn_close(struct conn *c)
{
    struct conn **at = &c->tcp->conns;
    if (c->closing)
        return;
    c->closing = true;
    while (*at != c)
        at = &(*at)->next;
    *at = c->next;
    c->tcp->conns_count--;
    say(c->tcp, TCP_CLOSED, NULL);
    uv_close((uv_handle_t *)&c->poll, on_conn_closed);
}

static void conn_fail(struct conn *c, enum tcp_event event, const struct diag *d)
{
    say(c->tcp, event, d);
    conn_close(c);
}

/* --- frames --- */

/* Takes the whole frames out of the room. ERR_MORE: done. ERR_FULL: wait. */
static enum err take_frames(struct conn *c, struct diag *d)
{
    size_t at = 0;
    enum err e = OK;
    while (e == OK) {
        struct span frame;
        e = at < c->held ? hep_next(span_of(c->room + at, c->held - at), &frame, d) : ERR_MORE;
        if (e == OK)
            e = c->tcp->options.take(c->tcp->options.arg, frame);
        if (e == OK)
            at += frame.n;
    }
    memmove(c->room, c->room + at, c->held - at);
    c->held -= at;
    return e;
}

/* Moves what came compressed into the room. ERR_FULL: the room is full, take frames first. */
static enum err unpack(struct conn *c, struct diag *d)
{
    struct span in = span_of(c->packed_room + c->packed_at, c->packed - c->packed_at);
    struct buf out = buf_of(c->room + c->held, sizeof c->room - c->held);
    enum err e = inflater_feed(c->inflater, &in, &out, d);
    c->held += out.n;
    c->packed_at = c->packed - in.n;
    if (e == OK)
        c->packed = c->packed_at = 0;
    return e;
}

/* Everything that was received, as far as there is room. ERR_MORE: read on. ERR_FULL: wait.
 * ERR_SYNTAX: broken; ERR_LIMIT: broken, compressed. */
static enum err consume(struct conn *c, struct diag *d)
{
    if (!c->shape_known)
        return ERR_MORE;
    for (;;) {
        enum err unpacked = c->inflater && c->packed ? unpack(c, d) : OK;
        if (unpacked != OK && unpacked != ERR_FULL)
            return ERR_LIMIT;
        size_t before = c->held;
        enum err e = take_frames(c, d);
        if (e != ERR_MORE || unpacked == OK)
            return e;
        if (c->held == before) /* the room is full and holds no frame */
            return ERR_SYNTAX;
    }
}

/* --- reading --- */

/* The first bytes tell whether the stream is compressed: RFC 1952 2.3.1, ID1, ID2, CM. */
static enum err learn_shape(struct conn *c)
{
    struct span head = span_of(c->room, c->held);
    if (c->shape_known || head.n < GZIP_HEAD_BYTES)
        return OK;
    c->shape_known = true;
    if (hep_shape(head) != HEP_GZIP)
        return OK;
    c->packed_room = malloc(READ_BYTES);
    if (!c->packed_room || inflater_new(&c->inflater) != OK)
        return ERR_NOMEM;
    inflater_reset(c->inflater);
    memcpy(c->packed_room, c->room, c->held);
    c->packed = c->held;
    c->held = 0;
    return OK;
}

/* OK: bytes came. ERR_MORE: none now. ERR_NET: the connection is over. */
static enum err receive(struct conn *c)
{
    uint8_t *room = c->inflater ? c->packed_room : c->room + c->held;
    size_t left = c->inflater ? READ_BYTES : sizeof c->room - c->held;
    ssize_t n = recv(c->fd, room, left < READ_BYTES ? left : READ_BYTES, MSG_DONTWAIT);
    if (n < 0)
        return errno == EAGAIN || errno == EINTR ? ERR_MORE : ERR_NET;
    if (n == 0)
        return ERR_NET;
    c->heard_ms = uv_now(c->tcp->loop);
    if (c->inflater)
        c->packed = (size_t)n;
    else
        c->held += (size_t)n;
    return learn_shape(c);
}

static void on_conn_readable(uv_poll_t *poll, int status, int events);

static void conn_read(struct conn *c, bool on)
{
    if (on == c->reading || c->closing)
        return;
    c->reading = on;
    if (on)
        uv_poll_start(&c->poll, UV_READABLE, on_conn_readable);
    else
        uv_poll_stop(&c->poll);
}

/* Behind the sender's end: nothing can complete what is left. */
static void conn_end(struct conn *c)
{
    if (c->held > 0 || c->packed > 0)
        say(c->tcp, TCP_CUT, &(struct diag){"connection ended amid a frame", c->held});
    conn_close(c);
}

/* True: read on. */
static bool conn_consume(struct conn *c)
{
    struct diag d = {"stream", 0};
    enum err e = consume(c, &d);
    if (e == ERR_FULL)
        conn_read(c, false);
    else if (e == ERR_LIMIT)
        conn_fail(c, TCP_COMPRESSION, &d);
    else if (e != ERR_MORE)
        conn_fail(c, TCP_FRAMING, &d);
    else if (c->ended)
        conn_end(c);
    return e == ERR_MORE && !c->closing;
}

static void on_conn_readable(uv_poll_t *poll, int status, int events)
{
    struct conn *c = poll->data;
    (void)status, (void)events; /* recv() says what is the matter */
    for (int i = 0; i < READS_A_TURN; i++) {
        enum err e = receive(c);
        if (e == ERR_MORE)
            return;
        c->ended = e != OK;
        if (!conn_consume(c))
            return;
    }
}

/* --- accepting --- */

static void conn_new(struct tcp *t, int fd)
{
    struct conn *c = t->conns_count < t->options.connections_max ? calloc(1, sizeof *c) : NULL;
    if (!c || uv_poll_init_socket(t->loop, &c->poll, fd) != 0) {
        say(t, TCP_REFUSED, NULL);
        free(c);
        close(fd);
        return;
    }
    c->tcp = t;
    c->fd = fd;
    c->poll.data = c;
    c->heard_ms = uv_now(t->loop);
    c->next = t->conns;
    t->conns = c;
    t->conns_count++;
    say(t, TCP_OPENED, NULL);
    conn_read(c, true);
}

static void on_acceptable(uv_poll_t *poll, int status, int events)
{
    struct tcp *t = poll->data;
    (void)status, (void)events;
    int fd = accept4(t->options.fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd >= 0) /* else another worker was faster, or descriptors ran out: tried again */
        conn_new(t, fd);
}

static void on_sweep(uv_timer_t *timer)
{
    struct tcp *t = timer->data;
    uint64_t now = uv_now(t->loop), idle_ms = (uint64_t)t->options.idle_s * 1000;
    for (struct conn *c = t->conns, *next; c; c = next) {
        next = c->next;
        if (c->reading && now - c->heard_ms >= idle_ms)
            conn_fail(c, TCP_IDLE, NULL);
    }
}

/* --- as a source --- */

static void tcp_pause(struct source *s)
{
    struct tcp *t = tcp_of(s);
    t->paused = true;
    for (struct conn *c = t->conns; c; c = c->next)
        conn_read(c, false);
}

static void tcp_resume(struct source *s)
{
    struct tcp *t = tcp_of(s);
    if (t->stopped)
        return;
    t->paused = false;
    for (struct conn *c = t->conns, *next; c; c = next) {
        next = c->next;
        if (c->reading)
            continue;
        c->heard_ms = uv_now(t->loop); /* it was we who did not listen */
        if (conn_consume(c) && !t->paused)
            conn_read(c, true);
    }
}

static void tcp_stop(struct source *s)
{
    struct tcp *t = tcp_of(s);
    if (t->stopped)
        return;
    t->stopped = true;
    while (t->conns)
        conn_close(t->conns);
    uv_close((uv_handle_t *)&t->listener, NULL);
    uv_close((uv_handle_t *)&t->sweep, NULL);
}

static void tcp_free(struct source *s)
{
    free(tcp_of(s));
}

static const struct source_ops TCP = {tcp_pause, tcp_resume, tcp_stop, tcp_free};

enum err tcp_new(uv_loop_t *loop, const struct tcp_options *options, struct source **out)
{
    struct tcp *t = calloc(1, sizeof *t);
    if (!t)
        return ERR_NOMEM;
    t->source = (struct source){&TCP, false};
    t->options = *options;
    t->loop = loop;
    if (uv_poll_init_socket(loop, &t->listener, options->fd) != 0) {
        free(t);
        return ERR_NET;
    }
    uv_timer_init(loop, &t->sweep);
    t->listener.data = t->sweep.data = t;
    uint64_t every_ms = (uint64_t)options->idle_s * 1000 / 4;
    uv_timer_start(&t->sweep, on_sweep, every_ms + 1, every_ms + 1);
    uv_poll_start(&t->listener, UV_READABLE, on_acceptable);
    *out = &t->source;
    return OK;
}
