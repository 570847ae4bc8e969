#include "vault/serve/client.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "proto/core/check.h"

struct queued {
    struct queued *next;
    size_t n;
    uint8_t bytes[];
};

static bool would_block(int error)
{
    return error == EAGAIN || error == EWOULDBLOCK || error == ENOBUFS;
}

/* 0 sent, 1 no room now, -1 the peer is gone */
static int send_datagram(struct client *c, const uint8_t *p, size_t n)
{
    for (;;) {
        if (send(c->fd, p, n, MSG_NOSIGNAL | MSG_DONTWAIT) >= 0)
            return 0;
        if (errno == EINTR)
            continue;
        return would_block(errno) ? 1 : -1;
    }
}

static void enqueue(struct client *c, const uint8_t *p, size_t n)
{
    struct queued *q = NULL;
    if (c->queued_bytes + n <= CLIENT_QUEUE_BYTES_MAX)
        q = malloc(sizeof *q + n);
    if (!q) {
        c->closed = true;
        return;
    }
    q->next = NULL;
    q->n = n;
    memcpy(q->bytes, p, n);
    if (c->last)
        c->last->next = q;
    else
        c->first = q;
    c->last = q;
    c->queued_bytes += n;
    session_congested(c->session, true);
}

void client_send(struct client *c, const struct frame *f)
{
    uint8_t bytes[WIRE_FRAME_BYTES_MAX];
    if (c->closed)
        return;
    CHECK(f->payload.n <= sizeof bytes - FRAME_HEAD_BYTES);
    frame_head(bytes, f->type, f->id, f->payload.n);
    if (f->payload.n)
        memcpy(bytes + FRAME_HEAD_BYTES, f->payload.p, f->payload.n);
    size_t n = FRAME_HEAD_BYTES + f->payload.n;
    int sent = c->first ? 1 : send_datagram(c, bytes, n);
    if (sent == 1)
        enqueue(c, bytes, n);
    else if (sent < 0)
        c->closed = true;
    explicit_bzero(bytes, n); /* rows of calls, the CURVE key */
}

static void reply(void *arg, const struct frame *f)
{
    client_send(arg, f);
}

static void drop_first(struct client *c)
{
    struct queued *q = c->first;
    c->first = q->next;
    if (!c->first)
        c->last = NULL;
    c->queued_bytes -= q->n;
    explicit_bzero(q->bytes, q->n);
    free(q);
}

void client_write(struct client *c)
{
    while (c->first && !c->closed) {
        int sent = send_datagram(c, c->first->bytes, c->first->n);
        if (sent == 1)
            return;
        if (sent < 0)
            c->closed = true;
        else
            drop_first(c);
    }
    session_congested(c->session, false);
}

enum err client_new(struct vault *v, int fd, const struct peer *p, struct client **out)
{
    struct client *c = calloc(1, sizeof *c);
    enum err e = c ? OK : ERR_NOMEM;
    if (e == OK) {
        c->fd = fd;
        c->uid = p->uid;
        e = session_new(v, p, reply, c, &c->session);
    }
    if (e != OK) {
        free(c);
        close(fd);
        return e;
    }
    *out = c;
    return OK;
}

struct client *client_free(struct client *c)
{
    struct client *next = c->next;
    session_free(c->session);
    while (c->first)
        drop_first(c);
    close(c->fd);
    free(c);
    return next;
}

enum err client_read(struct client *c, uint8_t *frame, size_t frame_cap)
{
    for (unsigned i = 0; i < CLIENT_TURN_FRAMES && !c->closed && !c->first; i++) {
        struct frame f;
        size_t used;
        ssize_t n = recv(c->fd, frame, frame_cap, MSG_DONTWAIT);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && would_block(errno))
            return OK;
        struct span in = span_of(frame, n > 0 ? (size_t)n : 0);
        if (n <= 0 || frame_next(in, &f, &used, NULL) != OK || used != in.n) {
            c->closed = true;
            return OK;
        }
        enum err e = session_frame(c->session, &f);
        if (e == ERR_SYNTAX || e == ERR_DENIED)
            c->closed = true;
        else if (e != OK)
            return e;
    }
    return OK;
}
