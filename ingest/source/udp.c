#include "ingest/source/udp.h"

#include <stdlib.h>
#include <sys/socket.h>

enum {
    BATCH = 64,         /* datagrams a system call */
    BATCHES_A_TURN = 8, /* then the loop's other business */
    DATAGRAM_BYTES_MAX = 65536,
    KERNEL_BYTES_MIN = 512, /* what the smallest datagram takes of the socket's buffer: its skb */
    /* Rooms a power of two apart would all begin in the same lines of the caches; this spreads
     * datagrams of up to a kilobyte over them. */
    ROOM_BYTES = DATAGRAM_BYTES_MAX + 1088,
    CONTROL_BYTES = CMSG_SPACE(sizeof(uint32_t))
};

struct udp {
    struct source source;
    struct udp_options options;
    uv_poll_t poll;
    bool paused, stopped;
    bool draining; /* at most `left` more are received */
    bool drained;  /* and they have been */
    size_t left;
    size_t held, held_from; /* received but not taken: message[held_from..held) */
    uint32_t drops;         /* the socket's counter as last seen */
    struct mmsghdr message[BATCH];
    struct iovec part[BATCH];
    uint8_t control[BATCH][CONTROL_BYTES] __attribute__((aligned(8)));
    uint8_t room[BATCH][ROOM_BYTES];
};

static struct udp *udp_of(struct source *s)
{
    return (struct udp *)(void *)s;
}

/* The kernel's counter wraps and counts from the socket's birth. */
static void count_drops(struct udp *u, struct msghdr *m)
{
    for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c)) {
        uint32_t now;
        if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SO_RXQ_OVFL)
            continue;
        memcpy(&now, CMSG_DATA(c), sizeof now);
        if (now != u->drops)
            u->options.dropped(u->options.arg, now - u->drops);
        u->drops = now;
    }
}

static bool receive(struct udp *u)
{
    size_t room = u->draining && u->left < BATCH ? u->left : BATCH;
    for (size_t i = 0; i < room; i++) {
        u->part[i] = (struct iovec){u->room[i], DATAGRAM_BYTES_MAX};
        u->message[i].msg_hdr = (struct msghdr){.msg_iov = &u->part[i],
                                                .msg_iovlen = 1,
                                                .msg_control = u->control[i],
                                                .msg_controllen = CONTROL_BYTES};
    }
    int n = recvmmsg(u->options.fd, u->message, (unsigned)room, MSG_DONTWAIT, NULL);
    u->held_from = 0;
    u->held = n > 0 ? (size_t)n : 0;
    u->left -= u->draining ? u->held : 0;
    if (n > 0) /* the counter only rises: the last one says all */
        count_drops(u, &u->message[n - 1].msg_hdr);
    return n > 0;
}

/* False: there was no room for one of them. */
static bool hand_on(struct udp *u)
{
    for (; u->held_from < u->held; u->held_from++) {
        size_t i = u->held_from;
        struct span datagram = span_of(u->room[i], u->message[i].msg_len);
        if (u->options.take(u->options.arg, datagram) == ERR_FULL)
            return false;
    }
    return true;
}

static void read_on(struct udp *u)
{
    bool more = true;
    for (int i = 0; i < BATCHES_A_TURN && more && !u->paused; i++) {
        more = receive(u) && u->held == BATCH; /* fewer: the socket is empty */
        if (!hand_on(u))
            source_pause(&u->source);
    }
    u->drained = u->draining && !more;
    if (u->drained)
        uv_poll_stop(&u->poll);
}

static void on_readable(uv_poll_t *poll, int status, int events)
{
    (void)status, (void)events; /* an error of the socket is read from it like a datagram */
    read_on(poll->data);
}

static void udp_pause(struct source *s)
{
    struct udp *u = udp_of(s);
    if (!u->paused && !u->stopped)
        uv_poll_stop(&u->poll);
    u->paused = true;
}

static void udp_resume(struct source *s)
{
    struct udp *u = udp_of(s);
    if (!u->paused || u->stopped || !hand_on(u))
        return;
    u->paused = false;
    if (!u->drained)
        uv_poll_start(&u->poll, UV_READABLE, on_readable);
}

void udp_drain(struct source *s)
{
    struct udp *u = udp_of(s);
    int bytes = 0;
    socklen_t n = sizeof bytes;
    if (u->stopped || u->draining)
        return;
    getsockopt(u->options.fd, SOL_SOCKET, SO_RCVBUF, &bytes, &n);
    u->left = (size_t)bytes / KERNEL_BYTES_MIN + BATCH;
    u->draining = true;
    if (!u->paused)
        read_on(u);
}

bool udp_dry(const struct source *s)
{
    const struct udp *u = (const struct udp *)(const void *)s;
    return u->stopped || (u->drained && u->held_from == u->held);
}

static void udp_stop(struct source *s)
{
    struct udp *u = udp_of(s);
    if (u->stopped)
        return;
    u->stopped = true;
    uv_close((uv_handle_t *)&u->poll, NULL);
}

static void udp_free(struct source *s)
{
    explicit_bzero(udp_of(s)->room, sizeof udp_of(s)->room);
    free(s);
}

static const struct source_ops UDP = {udp_pause, udp_resume, udp_stop, udp_free};

enum err udp_new(uv_loop_t *loop, const struct udp_options *options, struct source **out)
{
    int on = 1, bytes = UDP_RECEIVE_BUFFER_BYTES, have = 0;
    socklen_t n = sizeof have;
    struct udp *u = calloc(1, sizeof *u);
    if (!u)
        return ERR_NOMEM;
    u->source = (struct source){&UDP, true};
    u->options = *options;
    /* Without them datagrams are lost earlier, or uncounted; not a reason to take none. */
    setsockopt(options->fd, SOL_SOCKET, SO_RXQ_OVFL, &on, sizeof on);
    getsockopt(options->fd, SOL_SOCKET, SO_RCVBUF, &have, &n);
    if (have < bytes)
        setsockopt(options->fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes);
    if (uv_poll_init_socket(loop, &u->poll, options->fd) != 0) {
        free(u);
        return ERR_NET;
    }
    u->poll.data = u;
    uv_poll_start(&u->poll, UV_READABLE, on_readable);
    *out = &u->source;
    return OK;
}
