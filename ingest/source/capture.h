/* capture.h - reads pcap and pcapng files (the only user of libpcap) and hands on the SIP
 * messages and HEP frames in them. Blocking: for cpnictl and tests, not for the event loop. */
#ifndef CPNI_SOURCE_CAPTURE_H
#define CPNI_SOURCE_CAPTURE_H

#include "proto/core/diag.h"
#include "proto/frame/traffic.h"

struct capture_progress {
    uint64_t packets;      /* read so far: the number of the packet in work, from 1 */
    uint64_t bytes, total; /* of the file; total 0 = a pipe */
};

struct capture;

/* Of a file, or "-" for standard input. ERR_NOTFOUND: cannot be opened. ERR_SYNTAX: no capture,
 * or of a link type that we do not read. ERR_NOMEM. */
MUST_CHECK enum err capture_open(const char *path, struct capture **out, struct diag *d);
struct capture *capture_free(struct capture *c); /* NULL is fine; returns NULL */

/* Reads at most packets_max packets and calls fn for each item. OK: go on. ERR_NOTFOUND: the
 * file has ended. ERR_SYNTAX: the file is damaged; d->at is the number of the packet.
 * Anything else came from fn. */
MUST_CHECK enum err capture_read(struct capture *c, size_t packets_max, traffic_fn *fn, void *arg,
                                 struct diag *d);

struct capture_progress capture_progress(const struct capture *c);
struct traffic_counts capture_counts(const struct capture *c);

#endif
