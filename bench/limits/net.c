#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bench/limits/limits.h"
#include "bench/pace.h"
#include "proto/core/instant.h"

/* Only the taking is timed. On loopback the way through the network belongs to the sender. */

enum { DATAGRAMS = 64, DATAGRAM_BYTES = 700, PART_BYTES = 64 * 1024 };

struct pair {
    int from, to; /* -1: none */
};

static bool bound(int fd, struct sockaddr_in *out)
{
    socklen_t n = sizeof *out;
    *out = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    return bind(fd, (struct sockaddr *)out, sizeof *out) == 0 &&
           getsockname(fd, (struct sockaddr *)out, &n) == 0;
}

static void pair_close(struct pair *p)
{
    if (p->from >= 0)
        close(p->from);
    if (p->to >= 0)
        close(p->to);
}

static bool udp_pair(struct pair *p)
{
    struct sockaddr_in at;
    *p = (struct pair){socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0),
                       socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
    return p->from >= 0 && p->to >= 0 && bound(p->to, &at) &&
           connect(p->from, (struct sockaddr *)&at, sizeof at) == 0;
}

static bool tcp_pair(struct pair *p)
{
    struct sockaddr_in at;
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    *p = (struct pair){socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), -1};
    if (listener >= 0 && p->from >= 0 && bound(listener, &at) && listen(listener, 1) == 0 &&
        connect(p->from, (struct sockaddr *)&at, sizeof at) == 0)
        p->to = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    if (listener >= 0)
        close(listener);
    return p->to >= 0;
}

struct messages {
    struct mmsghdr head[DATAGRAMS];
    struct iovec part[DATAGRAMS];
    uint8_t bytes[DATAGRAMS][DATAGRAM_BYTES];
};

static void messages_init(struct messages *m)
{
    memset(m, 0, sizeof *m);
    for (size_t i = 0; i < DATAGRAMS; i++) {
        m->part[i] = (struct iovec){m->bytes[i], DATAGRAM_BYTES};
        m->head[i].msg_hdr = (struct msghdr){.msg_iov = &m->part[i], .msg_iovlen = 1};
    }
}

enum err limit_udp(const struct limits_once *o, double *out)
{
    static struct messages m;
    struct pair p;
    uint64_t taking_us = 0, count = 0;
    bool ok = udp_pair(&p);
    messages_init(&m);
    while (ok && (count == 0 || pace_now_us() < o->until_us)) {
        int sent = sendmmsg(p.from, m.head, DATAGRAMS, 0);
        uint64_t start = pace_now_us();
        int taken = recvmmsg(p.to, m.head, DATAGRAMS, MSG_DONTWAIT, NULL);
        taking_us += pace_now_us() - start;
        ok = sent > 0 && taken == sent;
        count += ok ? (uint64_t)taken : 0;
    }
    pair_close(&p);
    *out = (double)count * US_PER_S / (double)(taking_us ? taking_us : 1);
    return ok ? OK : ERR_NET;
}

enum err limit_tcp(const struct limits_once *o, double *out)
{
    static uint8_t part[PART_BYTES];
    struct pair p;
    uint64_t taking_us = 0, bytes = 0;
    bool ok = tcp_pair(&p);
    while (ok && (bytes == 0 || pace_now_us() < o->until_us)) {
        ssize_t sent = send(p.from, part, sizeof part, MSG_NOSIGNAL);
        uint64_t start = pace_now_us();
        ssize_t taken = sent > 0 ? recv(p.to, part, (size_t)sent, MSG_WAITALL) : -1;
        taking_us += pace_now_us() - start;
        ok = taken == sent && sent > 0;
        bytes += ok ? (uint64_t)taken : 0;
    }
    pair_close(&p);
    *out = (double)bytes * US_PER_S / (double)(taking_us ? taking_us : 1);
    return ok ? OK : ERR_NET;
}
