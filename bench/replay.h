/* replay.h - `cpnibench replay FILE.pcap --to HOST:PORT`: the HEP frames of a capture, sent again
 * as an agent sent them. */
#ifndef CPNI_BENCH_REPLAY_H
#define CPNI_BENCH_REPLAY_H

#include "bench/option.h"

struct replay {
    const char *file; /* pcap or pcapng */
    const char *to;
    bool tcp;
    double speed; /* 1 = as captured, 2 = twice as fast; 0 = as fast as a default buffer bears */
};
#define REPLAY_DEFAULTS .to = "127.0.0.1:9060"

extern const struct option_table REPLAY_OPTIONS; /* of struct replay */

struct replay_counts {
    uint64_t sent, bytes;
    uint64_t skipped; /* SIP without HEP; of TCP also HEP of the versions that have no length */
    uint64_t packets; /* in the capture */
};

/* *out is also written when it fails midway. ERR_NOTFOUND, ERR_SYNTAX: the capture, or the
 * address; ERR_NET: nobody listens. */
MUST_CHECK enum err replay_run(const struct replay *r, struct replay_counts *out, struct diag *d);

#endif
