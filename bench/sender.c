#include "bench/sender.h"

#include <errno.h>
#include <netdb.h>
#include <sys/socket.h>
#include <unistd.h>

enum { HOST_BYTES = 256, PORT_BYTES = 8 };

struct place {
    char host[HOST_BYTES], port[PORT_BYTES];
};

static bool copy(struct span from, char *to, size_t cap)
{
    if (from.n == 0 || from.n >= cap)
        return false;
    memcpy(to, from.p, from.n);
    to[from.n] = 0;
    return true;
}

/* The port is behind the last colon: an IPv6 address has others. */
static bool place_parse(const char *text, struct place *out)
{
    const char *colon = strrchr(text, ':');
    uint64_t port;
    if (!colon || span_u64(span_str(colon + 1), UINT16_MAX, &port) != OK || port == 0)
        return false;
    struct span host = span_of(text, (size_t)(colon - text));
    if (host.n > 2 && host.p[0] == '[' && host.p[host.n - 1] == ']')
        host = span_sub(host, 1, host.n - 2);
    return copy(host, out->host, HOST_BYTES) && copy(span_str(colon + 1), out->port, PORT_BYTES);
}

static int connect_one(const struct addrinfo *a)
{
    int fd = socket(a->ai_family, a->ai_socktype | SOCK_CLOEXEC, a->ai_protocol);
    if (fd >= 0 && connect(fd, a->ai_addr, a->ai_addrlen) != 0) {
        close(fd);
        return -1;
    }
    return fd;
}

enum err sender_connect(const char *to, bool tcp, int *out_fd, struct diag *d)
{
    struct place place;
    struct addrinfo *list, hints = {.ai_socktype = tcp ? SOCK_STREAM : SOCK_DGRAM};
    int fd = -1;
    if (!place_parse(to, &place))
        return diag_set(d, ERR_SYNTAX, "wants HOST:PORT", 0);
    if (getaddrinfo(place.host, place.port, &hints, &list) != 0)
        return diag_set(d, ERR_NET, "no such host", 0);
    for (const struct addrinfo *a = list; fd < 0 && a; a = a->ai_next)
        fd = connect_one(a);
    freeaddrinfo(list);
    if (fd < 0)
        return diag_set(d, ERR_NET, "nobody listens there", 0);
    *out_fd = fd;
    return OK;
}

enum err sender_put(int fd, struct span frame)
{
    while (frame.n) {
        ssize_t n = send(fd, frame.p, frame.n, MSG_NOSIGNAL);
        if (n < 0 && errno != EINTR)
            return ERR_NET;
        frame = span_from(frame, n > 0 ? (size_t)n : 0);
    }
    return OK;
}

enum err sender_write(int fd, struct span bytes)
{
    while (bytes.n) {
        ssize_t n = write(fd, bytes.p, bytes.n);
        if (n < 0 && errno != EINTR)
            return ERR_STORE;
        bytes = span_from(bytes, n > 0 ? (size_t)n : 0);
    }
    return OK;
}

enum err sender_close(int fd)
{
    int error = 0;
    socklen_t n = sizeof error;
    bool known = getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &n) == 0;
    return close(fd) == 0 && known && error == 0 ? OK : ERR_NET;
}
