#include "ingest/cpnid/listen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static enum err refused(struct diag *d, const char *what)
{
    static const struct {
        int error;
        enum err e;
    } TABLE[] = {{EADDRINUSE, ERR_CONFLICT}, {EWOULDBLOCK, ERR_CONFLICT}, {ENOENT, ERR_NOTFOUND},
                 {ENOTDIR, ERR_NOTFOUND},    {EACCES, ERR_DENIED},        {EPERM, ERR_DENIED}};
    enum err e = ERR_NET;
    for (size_t i = 0; i < sizeof TABLE / sizeof TABLE[0]; i++)
        if (TABLE[i].error == errno)
            e = TABLE[i].e;
    return diag_set(d, e, what, 0);
}

void listen_none(struct role_fds *f)
{
    memset(f, 0xff, sizeof *f); /* -1 everywhere: all members are int */
}

enum err state_open(const char *path, int *out_dir, int *out_lock, struct diag *d)
{
    int dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (dir < 0)
        return refused(d, "the state directory; cpnictl init makes one");
    int lock = openat(dir, "lock", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (lock < 0 || flock(lock, LOCK_EX | LOCK_NB) != 0) {
        enum err e = refused(d, lock < 0 ? "STATE/lock" : "another cpnid runs on this directory");
        close(dir);
        if (lock >= 0)
            close(lock);
        return e;
    }
    *out_dir = dir;
    *out_lock = lock;
    return OK;
}

/* --- sockets --- */
struct inet_address {
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    } u;
    socklen_t bytes;
};

static struct inet_address inet_address(const struct config_address *a)
{
    struct inet_address out = {0};
    if (inet_pton(AF_INET, a->host, &out.u.v4.sin_addr) == 1) {
        out.u.v4.sin_family = AF_INET;
        out.u.v4.sin_port = htons(a->port);
        out.bytes = sizeof out.u.v4;
    } else if (inet_pton(AF_INET6, a->host, &out.u.v6.sin6_addr) == 1) {
        out.u.v6.sin6_family = AF_INET6;
        out.u.v6.sin6_port = htons(a->port);
        out.bytes = sizeof out.u.v6;
    }
    return out;
}

static void set_on(int fd, int level, int option)
{
    int on = 1;
    setsockopt(fd, level, option, &on, sizeof on);
}

/* Beyond the system's limit when we may; the kernel gives what it can otherwise. */
static void set_buffer(int fd, int option, int forced, size_t bytes)
{
    int n = bytes > INT32_MAX / 2 ? INT32_MAX / 2 : (int)bytes;
    if (setsockopt(fd, SOL_SOCKET, forced, &n, sizeof n) != 0)
        setsockopt(fd, SOL_SOCKET, option, &n, sizeof n);
}

static enum err bound(const struct config_address *a, int type, int option, int *out,
                      struct diag *d)
{
    struct inet_address to = inet_address(a);
    int fd = socket(to.u.any.sa_family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return refused(d, "socket");
    if (option)
        set_on(fd, SOL_SOCKET, option);
    if (to.u.any.sa_family == AF_INET6)
        set_on(fd, IPPROTO_IPV6, IPV6_V6ONLY);
    if (bind(fd, &to.u.any, to.bytes) != 0) {
        enum err e = refused(d, "bind");
        close(fd);
        return e;
    }
    *out = fd;
    return OK;
}

enum err listen_udp(const struct config_address *a, bool shared, size_t receive_bytes, int *out,
                    struct diag *d)
{
    int fd = -1;
    enum err e = bound(a, SOCK_DGRAM, shared ? SO_REUSEPORT : 0, &fd, d);
    if (e != OK)
        return e;
    set_buffer(fd, SO_RCVBUF, SO_RCVBUFFORCE, receive_bytes);
    set_on(fd, SOL_SOCKET, SO_RXQ_OVFL); /* the kernel then says what it dropped */
    *out = fd;
    return OK;
}

enum err listen_tcp(const struct config_address *a, int *out, struct diag *d)
{
    int fd = -1;
    enum err e = bound(a, SOCK_STREAM, SO_REUSEADDR, &fd, d);
    if (e != OK)
        return e;
    if (listen(fd, LISTEN_BACKLOG) != 0) {
        e = refused(d, "listen");
        close(fd);
        return e;
    }
    *out = fd;
    return OK;
}

/* Through /proc/self/fd: the path of a state directory may be longer than sun_path. */
enum err listen_control(int state_dir, int *out, struct diag *d)
{
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    snprintf(to.sun_path, sizeof to.sun_path, "/proc/self/fd/%d/control.sock", state_dir);
    if (unlinkat(state_dir, "control.sock", 0) != 0 && errno != ENOENT)
        return refused(d, "an old control.sock cannot be removed");
    int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return refused(d, "socket");
    mode_t before = umask(0117); /* 0660 from its first moment on */
    bool ok =
        bind(fd, (const struct sockaddr *)&to, sizeof to) == 0 && listen(fd, LISTEN_BACKLOG) == 0;
    umask(before);
    if (!ok) {
        enum err e = refused(d, "control.sock");
        close(fd);
        return e;
    }
    *out = fd;
    return OK;
}

enum err channel_open(int out[2], struct diag *d)
{
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, out) != 0)
        return refused(d, "socketpair");
    for (int i = 0; i < 2; i++) {
        set_buffer(out[i], SO_SNDBUF, SO_SNDBUFFORCE, CHANNEL_BUFFER_BYTES);
        set_buffer(out[i], SO_RCVBUF, SO_RCVBUFFORCE, CHANNEL_BUFFER_BYTES);
    }
    return OK;
}

/* --- all of it --- */
static enum err open_feed(const struct config *c, size_t i, struct role_fds *f, const char **who,
                          struct diag *d)
{
    const struct config_feed *feed = &c->feed[i];
    enum err e = OK;
    *who = "listen_udp";
    for (size_t w = 0; e == OK && feed->listen_udp.host[0] && w < c->workers; w++)
        e = listen_udp(&feed->listen_udp, c->workers > 1, c->udp_receive_bytes, &f->feed_udp[w][i],
                       d);
    if (e == OK && feed->listen_tcp.host[0]) {
        *who = "listen_tcp";
        e = listen_tcp(&feed->listen_tcp, &f->feed_tcp[i], d);
    }
    return e;
}

/* ZeroMQ binds in the forward role; that the address is free can be told at once. */
static enum err probe(const struct config_address *a, struct diag *d)
{
    int fd = -1;
    enum err e = a->host[0] ? listen_tcp(a, &fd, d) : ERR_NOTFOUND;
    if (e == OK)
        close(fd);
    return a->host[0] ? e : OK;
}

static enum err open_channels(const struct config *c, struct role_fds *f, struct diag *d)
{
    enum err e = channel_open(f->forward_vault, d);
    for (size_t w = 0; e == OK && w < c->workers; w++)
        e = channel_open(f->ingest_vault[w], d);
    return e;
}

enum err listen_all(const struct config *c, struct role_fds *f, const char **who, struct diag *d)
{
    const struct {
        const char *name;
        const struct config_address *address;
        int *fd; /* NULL: only looked whether it is free */
    } TCP[] = {{"listen_http", &c->listen_http, &f->http},
               {"listen_metrics", &c->listen_metrics, &f->metrics},
               {"listen_usage_pull", &c->listen_usage_pull, NULL},
               {"listen_usage_hint", &c->listen_usage_hint, NULL}};
    *who = "state_dir";
    enum err e = state_open(c->state_dir, &f->state_dir, &f->state_lock, d);
    if (e == OK)
        e = listen_control(f->state_dir, &f->control, d);
    if (e == OK) {
        *who = "channel";
        e = open_channels(c, f, d);
    }
    for (size_t i = 0; e == OK && i < sizeof TCP / sizeof TCP[0]; i++) {
        *who = TCP[i].name;
        if (!TCP[i].fd)
            e = probe(TCP[i].address, d);
        else if (TCP[i].address->host[0])
            e = listen_tcp(TCP[i].address, TCP[i].fd, d);
    }
    for (size_t i = 0; e == OK && i < c->feeds_count; i++)
        e = open_feed(c, i, f, who, d);
    return e;
}

void listen_close(struct role_fds *f)
{
    const size_t count = sizeof *f / sizeof(int);
    int all[sizeof *f / sizeof(int)];
    memcpy(all, f, sizeof *f);
    for (size_t i = 0; i < count; i++)
        if (all[i] >= 0)
            close(all[i]);
    listen_none(f);
}
