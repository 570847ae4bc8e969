/* udp.h - datagrams from a bound socket, many a system call.
 *
 * UDP has no back-pressure: a paused source leaves the datagrams in the socket's buffer, where
 * the kernel drops what no longer fits, for free and counted (SO_RXQ_OVFL). */
#ifndef CPNI_SOURCE_UDP_H
#define CPNI_SOURCE_UDP_H

#include <uv.h>

#include "ingest/source/source.h"

/* What the parent asks of the kernel before it drops its rights (SO_RCVBUFFORCE), and what the
 * source asks for again with its own: 100 ms at 150,000 datagrams a second. */
enum { UDP_RECEIVE_BUFFER_BYTES = 16 * 1024 * 1024 };

struct udp_options {
    int fd; /* bound, non-blocking; borrowed */
    source_take_fn *take;
    void (*dropped)(void *arg, uint64_t datagrams); /* by the kernel, since the last call */
    void *arg;
};

/* Begins reading. ERR_NOMEM, ERR_NET: not a socket that can be polled. */
MUST_CHECK enum err udp_new(uv_loop_t *loop, const struct udp_options *options,
                            struct source **out);

/* The end: reads what the socket's buffer holds, then no more. Bounded by what it can hold, so a
 * sender that goes on cannot put the end off. Idempotent. */
void udp_drain(struct source *s);
bool udp_dry(const struct source *s); /* behind udp_drain(): all of that has been taken */

#endif
