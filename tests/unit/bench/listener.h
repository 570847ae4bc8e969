/* listener.h - a socket on a free port of 127.0.0.1, for tests of what sends. */
#ifndef CPNI_TESTS_BENCH_LISTENER_H
#define CPNI_TESTS_BENCH_LISTENER_H

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

struct listener {
    int fd;
    uint16_t port;
    char place[32];
};

/* type: SOCK_DGRAM or SOCK_STREAM. Reads wait five seconds at most. */
static inline struct listener listen_on(int type)
{
    struct listener l = {.fd = socket(AF_INET, type | SOCK_CLOEXEC, 0)};
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct timeval patience = {5, 0};
    socklen_t n = sizeof a;
    cr_assert_eq(bind(l.fd, (struct sockaddr *)&a, sizeof a), 0);
    cr_assert_eq(getsockname(l.fd, (struct sockaddr *)&a, &n), 0);
    setsockopt(l.fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    if (type == SOCK_STREAM)
        cr_assert_eq(listen(l.fd, 16), 0);
    l.port = ntohs(a.sin_port);
    snprintf(l.place, sizeof l.place, "127.0.0.1:%u", l.port);
    return l;
}

#endif
