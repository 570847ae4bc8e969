/* limits.h - what this machine can do at most of what a record needs, measured in the same minutes
 * as the scenarios, so that their figures can be told as a share of it. Plain loops over the same
 * libraries and system calls, without anything of cpnid's own around them. */
#ifndef CPNI_BENCH_LIMITS_H
#define CPNI_BENCH_LIMITS_H

#include <stdint.h>

#include "bench/series.h"
#include "proto/core/diag.h"

struct limits_options {
    const char *dir; /* on the disk that is meant; a folder in it is made and removed */
    uint64_t runs;   /* of each */
    uint64_t ms;     /* of each run, about */
};

/* One figure a limit. *out is to be freed. ERR_NOMEM; ERR_STORE, ERR_NET: d->what. */
MUST_CHECK enum err limits_run(const struct limits_options *o, struct series **out, struct diag *d);

/* Each measures once: things a second. ERR_NOMEM, ERR_STORE, ERR_NET. */
struct limits_once {
    const char *dir;   /* a folder of its own, empty at first */
    uint64_t until_us; /* monotonic */
};
typedef enum err limit_fn(const struct limits_once *o, double *out);
limit_fn limit_memcpy;    /* bytes, from and to memory that no cache holds */
limit_fn limit_seal;      /* XChaCha20-Poly1305 of 256 bytes */
limit_fn limit_hash;      /* BLAKE2b-128 with a key, of 64 bytes */
limit_fn limit_fdatasync; /* appends of 64 KiB, each synced */
limit_fn limit_store;     /* rows of 300 bytes, ascending keys, 1024 a synced write of RocksDB */
limit_fn limit_udp;       /* datagrams of 700 bytes taken by recvmmsg, 64 a call, one core */
limit_fn limit_tcp;       /* bytes taken by recv over loopback, one core */
limit_fn limit_sip;       /* messages of the bench parsed by libosip2 as it comes */

/* Work done in the time since start_us, as a rate. */
double limit_rate(double work, uint64_t start_us);

#endif
