/* tcp.h - HEP over TCP: version 3 frames back to back, or gzip members that hold them
 * (feeds.md 1.1, 1.4). A paused source reads no connection: the sender's window closes, and
 * nothing is lost. Nothing marks the next frame behind a broken one, so that closes the
 * connection; the sender comes again. */
#ifndef CPNI_SOURCE_TCP_H
#define CPNI_SOURCE_TCP_H

#include <uv.h>

#include "ingest/source/source.h"

enum tcp_event {
    TCP_OPENED,
    TCP_CLOSED,      /* after any other end, too */
    TCP_REFUSED,     /* over connections_max */
    TCP_IDLE,        /* nothing came for idle_s */
    TCP_FRAMING,     /* bytes that begin no frame; d says where in the connection's buffer */
    TCP_COMPRESSION, /* a gzip stream that does not inflate */
    TCP_CUT          /* the sender went away amid a frame */
};

struct tcp_options {
    int fd; /* listening, non-blocking; borrowed */
    size_t connections_max;
    uint32_t idle_s;
    source_take_fn *take; /* whole frames */
    void (*event)(void *arg, enum tcp_event event, const struct diag *d);
    void *arg;
};

/* Begins accepting. ERR_NOMEM, ERR_NET. Memory: 128 KiB a connection, 256 KiB if compressed. */
MUST_CHECK enum err tcp_new(uv_loop_t *loop, const struct tcp_options *options,
                            struct source **out);

#endif
