/* forwardd.h - the forward role: usage rows out over ZeroMQ. It has no keys of customers
 * and no calls: what it asks the vault for are sums (proto/wire/pull.h), and which consumer
 * a CURVE key belongs to.
 *
 * Started after the process is confined; it opens its two sockets itself. It needs: its end
 * of the vault channel, TCP bind and accept, threads (ZeroMQ makes two), no files. */
#ifndef CPNI_INGEST_FORWARDD_H
#define CPNI_INGEST_FORWARDD_H

#include "proto/core/metric.h"

struct forwardd_options {
    int vault_fd;             /* seqpacket channel to the vault; taken */
    const char *pull_address; /* "127.0.0.1:7760", "[::1]:7760": ROUTER, CURVE */
    const char *hint_address; /* PUB, CURVE */
    int ready_fd;             /* one byte is written when both sockets are open; -1 = nobody asks */
    const struct metrics *metrics; /* view of the own slot; NULL = nobody counts */
};

/* Serves until SIGTERM (gives 0: the exit code of the role). Anything else is a reason to be
 * started again, which is told on stderr in logfmt: the vault went away for good, an address
 * is taken, the vault's CURVE key is not the one that the sockets were opened with. */
int forwardd_run(const struct forwardd_options *o);

#endif
