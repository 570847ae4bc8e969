#include "vault/vault.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

struct remote {
    struct vault_link link; /* first: a vault_link is the head of a remote */
    int fd;                 /* owned */
    uint8_t in[WIRE_FRAME_BYTES_MAX];
};

static struct remote *remote_of(struct vault_link *l)
{
    return (struct remote *)(void *)l;
}

static enum err send_error(int code)
{
    switch (code) {
    case EAGAIN:
    case ENOBUFS: /* the kernel's memory for sockets, not the peer's queue: it passes, too */
        return ERR_FULL;
    case EMSGSIZE:
        return ERR_LIMIT;
    default:
        return ERR_SHUTDOWN;
    }
}

static enum err remote_send(struct vault_link *l, enum frame_type type, uint32_t id,
                            struct span payload)
{
    uint8_t head[FRAME_HEAD_BYTES];
    if (payload.n > WIRE_FRAME_BYTES_MAX - FRAME_HEAD_BYTES)
        return ERR_LIMIT;
    frame_head(head, type, id, payload.n);
    struct iovec part[] = {{head, sizeof head}, {(void *)payload.p, payload.n}};
    struct msghdr m = {.msg_iov = part, .msg_iovlen = payload.n ? 2 : 1};
    ssize_t sent;
    do
        sent = sendmsg(remote_of(l)->fd, &m, MSG_DONTWAIT | MSG_NOSIGNAL);
    while (sent < 0 && errno == EINTR);
    return sent < 0 ? send_error(errno) : OK;
}

/* One datagram is one frame: what is cut, or has more behind the frame, is a defect of the
 * peer or not our peer at all. */
static enum err deliver(struct remote *r, size_t bytes, bool cut)
{
    struct frame f;
    size_t used;
    if (cut || frame_next(span_of(r->in, bytes), &f, &used, NULL) != OK || used != bytes)
        return ERR_SYNTAX;
    r->link.on_frame(r->link.arg, &f);
    return OK;
}

static enum err remote_receive(struct vault_link *l)
{
    struct remote *r = remote_of(l);
    for (;;) {
        struct iovec part = {r->in, sizeof r->in};
        struct msghdr m = {.msg_iov = &part, .msg_iovlen = 1};
        ssize_t got = recvmsg(r->fd, &m, MSG_DONTWAIT);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return errno == EAGAIN ? OK : ERR_SHUTDOWN;
        if (got == 0) /* the end; a frame is never empty */
            return ERR_SHUTDOWN;
        enum err e = deliver(r, (size_t)got, (m.msg_flags & MSG_TRUNC) != 0);
        if (e != OK)
            return e;
    }
}

static int remote_fd(const struct vault_link *l)
{
    return ((const struct remote *)(const void *)l)->fd;
}

static void remote_free(struct vault_link *l)
{
    close(remote_of(l)->fd);
    free(l);
}

static const struct vault_link_ops REMOTE_OPS = {
    .send = remote_send,
    .receive = remote_receive,
    .fd = remote_fd,
    .free = remote_free,
};

enum err vault_link_remote(int fd, vault_frame_fn *on_frame, void *arg, struct vault_link **out)
{
    struct remote *r = malloc(sizeof *r);
    if (!r) {
        close(fd);
        return ERR_NOMEM;
    }
    r->link = (struct vault_link){&REMOTE_OPS, on_frame, arg};
    r->fd = fd;
    *out = &r->link;
    return OK;
}

enum err vault_link_connect(const char *socket_path, vault_frame_fn *on_frame, void *arg,
                            struct vault_link **out)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    size_t n = strlen(socket_path);
    if (n >= sizeof a.sun_path)
        return ERR_NET;
    memcpy(a.sun_path, socket_path, n);
    int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return ERR_NET;
    if (connect(fd, (const struct sockaddr *)(const void *)&a, sizeof a) != 0) {
        close(fd);
        return ERR_NET;
    }
    return vault_link_remote(fd, on_frame, arg, out);
}

struct vault_link *vault_link_free(struct vault_link *l)
{
    if (l)
        l->ops->free(l);
    return NULL;
}
