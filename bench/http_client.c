#include "bench/http_client.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "bench/pace.h"
#include "bench/put.h"
#include "bench/sender.h"
#include "proto/core/instant.h"

enum {
    HEAD_BYTES = 256,
    ANSWER_BYTES = 2048,
    CONNECTIONS_MAX = 256,
    AGAIN_US = US_PER_S, /* retry_after_s of the daemon's defaults */
    STATUS_NO_ROOM = 503
};

/* --- responses --- */

static bool content_length(struct span head, uint64_t *out)
{
    for (struct span rest = head; rest.n;) {
        struct span value = span_cut(&rest, '\n');
        struct span name = span_cut(&value, ':');
        if (span_ieq(name, span_str("Content-Length")))
            return span_u64(span_trim(value), SIZE_MAX / 2, out) == OK;
    }
    return false;
}

enum err http_response_parse(struct span in, struct http_response *out)
{
    static const struct span VERSION = SPAN_LIT("HTTP/1.1 "), END = SPAN_LIT("\r\n\r\n");
    uint64_t status, body;
    size_t head = span_find_span(in, END);
    if (head == in.n)
        return ERR_MORE;
    if (!span_starts(in, VERSION) || span_u64(span_sub(in, VERSION.n, 3), 999, &status) != OK ||
        !content_length(span_sub(in, 0, head), &body))
        return ERR_SYNTAX;
    head += END.n;
    if (in.n - head < body)
        return ERR_MORE;
    *out = (struct http_response){(unsigned)status, span_sub(in, head, body), head + body};
    return OK;
}

static enum err connect_to(uint16_t port, int *out)
{
    char place[32];
    struct diag d;
    snprintf(place, sizeof place, "127.0.0.1:%u", port);
    return sender_connect(place, true, out, &d);
}

enum err http_get(uint16_t port, const char *path, struct buf *b)
{
    uint8_t room[HEAD_BYTES];
    struct buf request = buf_of(room, sizeof room);
    struct http_response r = {.status = 0};
    int fd;
    put_format(&request, "GET %s HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", path);
    enum err e = connect_to(port, &fd);
    if (e != OK)
        return e;
    e = sender_put(fd, buf_span(&request));
    buf_reset(b);
    ssize_t n = 1;
    while (e == OK && n > 0 && (e = http_response_parse(buf_span(b), &r)) == ERR_MORE) {
        n = recv(fd, b->p + b->n, b->cap - b->n, 0);
        b->n += n > 0 ? (size_t)n : 0;
        e = n > 0 ? OK : b->n == b->cap ? ERR_LIMIT : ERR_NET;
    }
    close(fd);
    if (e != OK || r.status != 200)
        return e == OK ? ERR_NET : e;
    memmove(b->p, r.body.p, r.body.n);
    b->n = r.body.n;
    return OK;
}

uint64_t http_metric_sum(struct span text, const char *name)
{
    uint64_t sum = 0, value;
    struct span want = span_str(name);
    for (struct span rest = text; rest.n;) {
        struct span line = span_cut(&rest, '\n');
        uint8_t next = line.n > want.n ? line.p[want.n] : 0;
        if (!span_starts(line, want) || (next != ' ' && next != '{'))
            continue;
        size_t at = line.n;
        while (at && line.p[at - 1] != ' ')
            at--;
        if (span_u64(span_from(line, at), UINT64_MAX, &value) == OK)
            sum += value;
    }
    return sum;
}

/* --- posting --- */

enum state { IDLE, SENDING, WAITING, REFUSED };

struct connection {
    enum state state;
    size_t item;
    struct span document;
    uint64_t again_us; /* REFUSED: when to send it again */
    size_t head_bytes, sent, held;
    uint8_t head[HEAD_BYTES], answer[ANSWER_BYTES];
};

struct poster {
    struct poster_events events;
    uint16_t port;
    size_t count;
    uint64_t refused;
    struct pollfd fd[CONNECTIONS_MAX];
    struct connection connection[CONNECTIONS_MAX];
};

enum err poster_new(uint16_t port, size_t connections, const struct poster_events *events,
                    struct poster **out)
{
    struct poster *p = calloc(1, sizeof *p);
    if (!p || connections > CONNECTIONS_MAX) {
        free(p);
        return ERR_NOMEM;
    }
    p->events = *events;
    p->port = port;
    for (; p->count < connections; p->count++)
        if (connect_to(port, &p->fd[p->count].fd) != OK) {
            poster_free(p);
            return ERR_NET;
        }
    *out = p;
    return OK;
}

struct poster *poster_free(struct poster *p)
{
    for (size_t i = 0; p && i < p->count; i++)
        if (p->fd[i].fd >= 0)
            close(p->fd[i].fd);
    free(p);
    return NULL;
}

/* Head and document in one system call, as far as the socket takes them. */
static enum err write_some(int fd, struct connection *c)
{
    struct span head = span_from(span_of(c->head, c->head_bytes), c->sent);
    size_t gone = c->sent > c->head_bytes ? c->sent - c->head_bytes : 0;
    struct span body = span_from(c->document, gone);
    struct iovec part[] = {{(void *)(uintptr_t)head.p, head.n},
                           {(void *)(uintptr_t)body.p, body.n}};
    struct msghdr m = {.msg_iov = part, .msg_iovlen = 2};
    ssize_t n = sendmsg(fd, &m, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (n < 0)
        return errno == EAGAIN || errno == EINTR ? OK : ERR_NET;
    c->sent += (size_t)n;
    if (c->sent == c->head_bytes + c->document.n)
        c->state = WAITING;
    return OK;
}

static void begin(struct connection *c)
{
    struct buf head = buf_of(c->head, sizeof c->head);
    put_format(&head,
               "POST /cdr/freeswitch_json HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: "
               "freeswitch-json/1.0\r\n"
               "Content-Type: application/json\r\nContent-Length: %zu\r\n\r\n",
               c->document.n);
    c->head_bytes = head.n;
    c->sent = c->held = 0;
    c->state = SENDING;
}

bool poster_put(struct poster *p, size_t item, struct span document)
{
    for (size_t i = 0; i < p->count; i++) {
        struct connection *c = &p->connection[i];
        if (c->state != IDLE)
            continue;
        c->item = item;
        c->document = document;
        begin(c);
        return write_some(p->fd[i].fd, c) == OK; /* the next turn meets the same error */
    }
    return false;
}

static void take_answer(struct poster *p, struct connection *c, const struct http_response *r)
{
    uint64_t now = pace_now_us();
    c->held = 0;
    if (r->status == STATUS_NO_ROOM) {
        p->refused++;
        c->state = REFUSED;
        c->again_us = now + AGAIN_US;
        return;
    }
    c->state = IDLE;
    p->events.answered(p->events.arg, c->item, r->status, now);
}

/* A kept connection may be closed whenever nothing is under way on it, and is behind a 503. */
static enum err connect_again(struct poster *p, size_t i)
{
    const struct connection *c = &p->connection[i];
    if (c->state != IDLE && c->state != REFUSED)
        return ERR_NET;
    close(p->fd[i].fd);
    p->fd[i].fd = -1;
    return connect_to(p->port, &p->fd[i].fd);
}

static enum err read_some(struct poster *p, size_t i)
{
    struct connection *c = &p->connection[i];
    struct http_response r;
    int fd = p->fd[i].fd;
    ssize_t n = recv(fd, c->answer + c->held, sizeof c->answer - c->held, MSG_DONTWAIT);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return OK;
    if (n <= 0)
        return connect_again(p, i);
    c->held += (size_t)n;
    enum err e = http_response_parse(span_of(c->answer, c->held), &r);
    if (e == OK)
        take_answer(p, c, &r);
    return e == ERR_MORE ? OK : e;
}

static void wait_some(struct poster *p, uint64_t wait_us)
{
    struct timespec t = {(time_t)(wait_us / US_PER_S), (long)(wait_us % US_PER_S) * 1000};
    for (size_t i = 0; i < p->count; i++)
        p->fd[i].events = p->connection[i].state == SENDING ? POLLIN | POLLOUT : POLLIN;
    if (ppoll(p->fd, p->count, &t, NULL) < 0)
        for (size_t i = 0; i < p->count; i++)
            p->fd[i].revents = 0; /* a signal: nothing is known */
}

enum err poster_turn(struct poster *p, uint64_t wait_us)
{
    enum err e = OK;
    uint64_t now = pace_now_us();
    wait_some(p, wait_us);
    for (size_t i = 0; e == OK && i < p->count; i++) {
        struct connection *c = &p->connection[i];
        if (p->fd[i].revents & (POLLIN | POLLHUP | POLLERR))
            e = read_some(p, i);
        if (e == OK && c->state == REFUSED && now >= c->again_us)
            begin(c);
        if (e == OK && c->state == SENDING)
            e = write_some(p->fd[i].fd, c);
    }
    return e;
}

uint64_t poster_refused(const struct poster *p)
{
    return p->refused;
}
