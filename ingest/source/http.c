#include "ingest/source/http.h"

#include <microhttpd.h>
#include <stdio.h>
#include <stdlib.h>

#include "proto/core/check.h"
#include "proto/core/limits.h"

enum {
    CONNECTION_MEMORY_BYTES = 32 * 1024, /* head of a request, and libmicrohttpd's buffers */
    BODY_BYTES_MIN = 8 * 1024
};

struct request {
    struct http *http;
    struct MHD_Connection *connection;
    struct request *next, *prev; /* list of http->waiting while an answer is held back */
    bool waiting;
    uint64_t since_ms;
    struct http_answer answer; /* status 0: not known yet */
    size_t n, cap;
    uint8_t *body; /* owned */
};

struct http {
    struct source source;
    struct http_options options;
    uv_loop_t *loop;
    struct MHD_Daemon *daemon;
    uv_poll_t poll;
    uv_timer_t timer; /* libmicrohttpd's timeouts, and ours for held answers */
    struct request *waiting;
    size_t waiting_count;
    size_t bodies_bytes; /* memory of all bodies */
    uint64_t settled;
    bool paused, stopped;
};

static struct http *http_of(struct source *s)
{
    return (struct http *)(void *)s;
}

/* --- answers --- */

static struct http_answer answer_of(unsigned status, const char *text)
{
    struct http_answer a = {.status = status};
    snprintf(a.text, sizeof a.text, "%s\n", text);
    return a;
}

static enum MHD_Result send_answer(struct http *h, struct MHD_Connection *c,
                                   const struct http_answer *a)
{
    char seconds[16];
    struct MHD_Response *r = MHD_create_response_from_buffer(
        strlen(a->text), (void *)(uintptr_t)a->text, MHD_RESPMEM_MUST_COPY);
    if (!r)
        return MHD_NO; /* closes the connection: the sender did not get its 200 */
    snprintf(seconds, sizeof seconds, "%u", h->options.retry_after_s);
    MHD_add_response_header(r, MHD_HTTP_HEADER_CONTENT_TYPE, "text/plain");
    if (a->status == MHD_HTTP_SERVICE_UNAVAILABLE)
        MHD_add_response_header(r, MHD_HTTP_HEADER_RETRY_AFTER, seconds);
    if (a->status == MHD_HTTP_METHOD_NOT_ALLOWED)
        MHD_add_response_header(r, MHD_HTTP_HEADER_ALLOW, MHD_HTTP_METHOD_POST);
    enum MHD_Result result = MHD_queue_response(c, a->status, r);
    MHD_destroy_response(r);
    h->options.answered(h->options.arg, a->status);
    return result;
}

/* --- held back --- */

static void hold(struct request *q)
{
    struct http *h = q->http;
    q->waiting = true;
    q->since_ms = uv_now(h->loop);
    q->next = h->waiting;
    q->prev = NULL;
    if (h->waiting)
        h->waiting->prev = q;
    h->waiting = q;
    h->waiting_count++;
    MHD_suspend_connection(q->connection);
}

static void unlink_request(struct request *q)
{
    if (q->prev)
        q->prev->next = q->next;
    else
        q->http->waiting = q->next;
    if (q->next)
        q->next->prev = q->prev;
    q->waiting = false;
    q->http->waiting_count--;
}

static void let_go(struct request *q, const struct http_answer *instead)
{
    unlink_request(q);
    if (instead)
        q->answer = *instead;
    q->answer.ticket = 0;
    MHD_resume_connection(q->connection);
}

/* Lets go of what is settled, and of what has waited too long (all: the process ends). */
static void look_at_waiting(struct http *h, bool all)
{
    struct http_answer late =
        answer_of(MHD_HTTP_SERVICE_UNAVAILABLE, "not durable yet, send again");
    uint64_t now = uv_now(h->loop);
    for (struct request *q = h->waiting, *next; q; q = next) {
        next = q->next;
        if (q->answer.ticket <= h->settled)
            let_go(q, NULL);
        else if (all || now - q->since_ms >= h->options.wait_ms)
            let_go(q, &late);
    }
}

/* --- requests --- */

/* Before the body. A declared length over the limit is refused unread. */
static struct http_answer admit(struct http *h, struct MHD_Connection *c, const char *path,
                                const char *method)
{
    const char *length =
        MHD_lookup_connection_value(c, MHD_HEADER_KIND, MHD_HTTP_HEADER_CONTENT_LENGTH);
    uint64_t n = 0;
    struct http_answer a = h->options.route(h->options.arg, span_str(path));
    if (a.status == MHD_HTTP_NOT_FOUND)
        return a;
    if (strcmp(method, MHD_HTTP_METHOD_POST) != 0)
        return answer_of(MHD_HTTP_METHOD_NOT_ALLOWED, "POST only");
    if (length && span_u64(span_str(length), h->options.body_bytes_max, &n) != OK)
        return answer_of(MHD_HTTP_CONTENT_TOO_LARGE, "body over the limit");
    if (a.status == 0 && (h->paused || h->bodies_bytes + n > HTTP_BODIES_BYTES_MAX))
        return answer_of(MHD_HTTP_SERVICE_UNAVAILABLE, "no room now, send again");
    return a;
}

static struct request *request_new(struct http *h, struct MHD_Connection *c)
{
    struct request *q = calloc(1, sizeof *q);
    if (q) {
        q->http = h;
        q->connection = c;
    }
    return q;
}

/* Grows by doubling; bounded by body_bytes_max and, all together, HTTP_BODIES_BYTES_MAX. */
static bool body_room(struct request *q, size_t more)
{
    size_t cap = q->cap ? q->cap : BODY_BYTES_MIN;
    struct http *h = q->http;
    while (cap < q->n + more)
        cap *= 2;
    if (cap == q->cap)
        return true;
    if (h->bodies_bytes + cap - q->cap > HTTP_BODIES_BYTES_MAX)
        return false;
    uint8_t *p = realloc(q->body, cap);
    if (!p)
        return false;
    h->bodies_bytes += cap - q->cap;
    q->body = p;
    q->cap = cap;
    return true;
}

/* What is refused is still read to its end: an answer amid a body is not seen by every client. */
static void append_body(struct request *q, struct span part)
{
    if (q->answer.status)
        return;
    if (part.n > q->http->options.body_bytes_max - q->n)
        q->answer = answer_of(MHD_HTTP_CONTENT_TOO_LARGE, "body over the limit");
    else if (!body_room(q, part.n))
        q->answer = answer_of(MHD_HTTP_SERVICE_UNAVAILABLE, "no room now, send again");
    if (q->answer.status)
        return;
    memcpy(q->body + q->n, part.p, part.n);
    q->n += part.n;
}

/* Secrets of the body go with the request, whatever became of it (I5). */
static void body_free(struct request *q)
{
    if (q->body)
        explicit_bzero(q->body, q->cap);
    free(q->body);
    q->http->bodies_bytes -= q->cap;
    q->body = NULL;
    q->n = q->cap = 0;
}

static enum MHD_Result finish(struct request *q, const char *path)
{
    struct http *h = q->http;
    if (!q->answer.status) {
        q->answer = h->options.post(h->options.arg, span_str(path), span_of(q->body, q->n));
        body_free(q);
    }
    if (q->answer.ticket > h->settled) {
        hold(q);
        return MHD_YES;
    }
    return send_answer(h, q->connection, &q->answer);
}

/* libmicrohttpd calls it once before the body, then with each part, then with none, and again
 * when a held connection was let go. */
static enum MHD_Result on_request(void *arg, struct MHD_Connection *c, const char *path,
                                  const char *method, const char *version, const char *part,
                                  size_t *part_bytes, void **state)
{
    struct http *h = arg;
    struct request *q = *state;
    (void)version;
    if (!q) {
        struct http_answer a = admit(h, c, path, method);
        if (a.status)
            return send_answer(h, c, &a);
        *state = request_new(h, c);
        return *state ? MHD_YES : MHD_NO;
    }
    if (*part_bytes > 0) {
        append_body(q, span_of(part, *part_bytes));
        *part_bytes = 0;
        return MHD_YES;
    }
    return finish(q, path);
}

static void on_completed(void *arg, struct MHD_Connection *c, void **state,
                         enum MHD_RequestTerminationCode why)
{
    struct request *q = *state;
    (void)arg, (void)c, (void)why;
    if (!q)
        return;
    if (q->waiting)
        unlink_request(q);
    body_free(q);
    free(q);
    *state = NULL;
}

/* --- the loop --- */

static void turn(struct http *h);

static void on_timer(uv_timer_t *timer)
{
    turn(timer->data);
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
    (void)status, (void)events;
    turn(poll->data);
}

static void turn(struct http *h)
{
    MHD_UNSIGNED_LONG_LONG ms = 0;
    uint64_t due_ms = UINT64_MAX;
    if (h->stopped)
        return;
    look_at_waiting(h, false);
    MHD_run(h->daemon);
    if (MHD_get_timeout(h->daemon, &ms) == MHD_YES)
        due_ms = ms;
    if (h->waiting && h->options.wait_ms / 4 + 1 < due_ms)
        due_ms = h->options.wait_ms / 4 + 1;
    if (due_ms == UINT64_MAX)
        uv_timer_stop(&h->timer);
    else
        uv_timer_start(&h->timer, on_timer, due_ms, 0);
}

void http_settle(struct http *h, uint64_t ticket)
{
    if (h->stopped || ticket <= h->settled)
        return;
    h->settled = ticket;
    if (h->waiting)
        turn(h);
}

size_t http_waiting(const struct http *h)
{
    return h->waiting_count;
}

/* --- as a source --- */

struct source *http_source(struct http *h)
{
    return &h->source;
}

static void http_pause(struct source *s)
{
    http_of(s)->paused = true; /* new requests are answered 503; nothing is left unread */
}

static void http_resume(struct source *s)
{
    http_of(s)->paused = false;
}

static void http_stop(struct source *s)
{
    struct http *h = http_of(s);
    if (h->stopped)
        return;
    look_at_waiting(h, true);
    MHD_run(h->daemon); /* sends what was let go */
    h->stopped = true;
    MHD_stop_daemon(h->daemon); /* closes the listening socket, too: the parent has its own */
    h->daemon = NULL;
    uv_close((uv_handle_t *)&h->poll, NULL);
    uv_close((uv_handle_t *)&h->timer, NULL);
}

static void http_free(struct source *s)
{
    CHECK(http_of(s)->bodies_bytes == 0);
    free(http_of(s));
}

static const struct source_ops HTTP = {http_pause, http_resume, http_stop, http_free};

static struct MHD_Daemon *start_daemon(struct http *h)
{
    const struct http_options *o = &h->options;
    return MHD_start_daemon(MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME, 0, NULL, NULL, on_request, h,
                            MHD_OPTION_LISTEN_SOCKET, o->fd, MHD_OPTION_CONNECTION_LIMIT,
                            o->connections_max, MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)o->idle_s,
                            MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_MEMORY_BYTES,
                            MHD_OPTION_NOTIFY_COMPLETED, on_completed, h, MHD_OPTION_END);
}

enum err http_new(uv_loop_t *loop, const struct http_options *options, struct http **out)
{
    struct http *h = calloc(1, sizeof *h);
    if (!h)
        return ERR_NOMEM;
    h->source = (struct source){&HTTP, false};
    h->options = *options;
    h->loop = loop;
    h->daemon = start_daemon(h);
    const union MHD_DaemonInfo *info =
        h->daemon ? MHD_get_daemon_info(h->daemon, MHD_DAEMON_INFO_EPOLL_FD) : NULL;
    if (!info || uv_poll_init(loop, &h->poll, info->epoll_fd) != 0) {
        if (h->daemon)
            MHD_stop_daemon(h->daemon);
        free(h);
        return ERR_NET;
    }
    uv_timer_init(loop, &h->timer);
    h->poll.data = h->timer.data = h;
    uv_poll_start(&h->poll, UV_READABLE, on_poll);
    *out = h;
    return OK;
}
