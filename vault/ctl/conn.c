#include "vault/ctl/conn.h"

#include <errno.h>
#include <poll.h>

static void end(struct conn *n, enum control_status status, struct span text)
{
    size_t bytes = text.n < sizeof n->text ? text.n : sizeof n->text - 1;
    n->ended = true;
    n->status = status;
    if (bytes)
        memcpy(n->text, text.p, bytes);
    n->text[bytes] = 0;
}

static void on_end(struct conn *n, struct span payload)
{
    struct reader r = reader_of(payload);
    unsigned status = reader_u8(&r);
    struct span text = reader_lv(&r);
    if (reader_ok(&r) && status <= CONTROL_INTEGRITY)
        end(n, (enum control_status)status, text);
    else
        end(n, CONTROL_FAILED, span_str("the daemon's answer is not understood"));
}

static void on_progress(const struct conn *n, struct span payload)
{
    struct reader r = reader_of(payload);
    uint64_t done = reader_varint(&r);
    uint64_t total = reader_varint(&r);
    if (reader_ok(&r) && n->ops->progress)
        n->ops->progress(n->ops->arg, done, total);
}

void conn_frame(void *conn, const struct frame *f)
{
    struct conn *n = conn;
    bool ok = true;
    if (n->ended || f->id != n->id)
        return; /* GREETING, and what came behind a refusal of ours */
    if (f->type == FRAME_COLUMNS)
        ok = !n->ops->columns || n->ops->columns(n->ops->arg, f->payload);
    else if (f->type == FRAME_ROW)
        ok = !n->ops->row || n->ops->row(n->ops->arg, f->payload);
    else if (f->type == FRAME_PROGRESS)
        on_progress(n, f->payload);
    else if (f->type == FRAME_END)
        on_end(n, f->payload);
    if (!ok)
        end(n, CONTROL_FAILED, span_str("the daemon's answer is not understood"));
}

enum control_status conn_open(const struct ctl *c, struct conn *out)
{
    *out = (struct conn){.id = 0};
    if (vault_link_connect(c->socket_path, conn_frame, out, &out->link) == OK)
        return CONTROL_DONE;
    ctl_fail(c, CONTROL_UNREACHABLE, "the daemon is not reachable: is cpnid running? see --socket");
    return CONTROL_UNREACHABLE;
}

void conn_close(struct conn *n)
{
    n->link = vault_link_free(n->link);
}

static bool wait_for(const struct conn *n, short events)
{
    struct pollfd p = {.fd = n->link->ops->fd(n->link), .events = events};
    int ready;
    do
        ready = poll(&p, 1, -1);
    while (ready < 0 && errno == EINTR);
    return ready > 0;
}

/* The socket may be full while the vault is busy: wait, and take what comes meanwhile. */
static enum err send_request(struct conn *n, struct span request)
{
    enum err e = vault_send(n->link, FRAME_REQUEST, n->id, request);
    while (e == ERR_FULL && wait_for(n, POLLOUT | POLLIN)) {
        e = n->link->ops->receive(n->link);
        if (e == OK)
            e = vault_send(n->link, FRAME_REQUEST, n->id, request);
    }
    return e;
}

enum control_status conn_ask(const struct ctl *c, struct conn *n, struct span request,
                             const struct conn_ops *ops)
{
    n->id++;
    n->ops = ops;
    n->ended = false;
    enum err e = send_request(n, request);
    while (e == OK && !n->ended)
        e = wait_for(n, POLLIN) ? n->link->ops->receive(n->link) : ERR_NET;
    if (!n->ended)
        return (enum control_status)ctl_fail(c, CONTROL_UNREACHABLE,
                                             "the daemon went away before it answered");
    if (n->status != CONTROL_DONE)
        ctl_fail(c, n->status, n->text[0] ? n->text : "failed");
    return n->status;
}
