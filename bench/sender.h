/* sender.h - a socket that plays the part of a capture agent: HEP frames by UDP or TCP. */
#ifndef CPNI_BENCH_SENDER_H
#define CPNI_BENCH_SENDER_H

#include "proto/core/diag.h"
#include "proto/core/span.h"

/* What fits a receive buffer that nobody made larger: 212992 bytes of Linux' default hold some
 * 90 datagrams of a kilobyte, for the kernel counts 2.3 KiB each. */
enum { SENDER_BURST = 32 };

/* Blocking, close-on-exec. "127.0.0.1:9060", "[::1]:9060", "collector.example.net:9060".
 * ERR_SYNTAX: no such form; ERR_NET: not reachable. */
MUST_CHECK enum err sender_connect(const char *to, bool tcp, int *out_fd, struct diag *d);

/* One frame, whole. ERR_NET: nobody listens, or the connection is gone. */
MUST_CHECK enum err sender_put(int fd, struct span frame);

/* All bytes, to a file. ERR_STORE. */
MUST_CHECK enum err sender_write(int fd, struct span bytes);

/* Takes fd. ERR_NET: the last datagrams met nobody; one hears that late. */
MUST_CHECK enum err sender_close(int fd);

#endif
