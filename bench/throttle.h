/* throttle.h - a slow disk for some processes: a control group with io.max (Linux, cgroup version 2
 * with the io controller, as root). Where there is none the run is refused: a slow disk that is
 * only pretended would be measured as a fast one. */
#ifndef CPNI_BENCH_THROTTLE_H
#define CPNI_BENCH_THROTTLE_H

#include <stdint.h>
#include <sys/types.h>

#include "proto/core/diag.h"

#define THROTTLE_ROOT "/sys/fs/cgroup"
enum { THROTTLE_PATH_BYTES = 512 };

struct throttle_options {
    const char *root; /* of the control groups */
    const char *dir;  /* the disk on which this lies */
    uint64_t bytes_per_s;
    const pid_t *pid; /* borrowed */
    size_t pids_count;
};
struct throttle {
    char group[THROTTLE_PATH_BYTES]; /* empty: none */
};

/* ERR_DENIED: this machine or user cannot; d->what. */
MUST_CHECK enum err throttle_begin(const struct throttle_options *o, struct throttle *out,
                                   struct diag *d);
/* Once the processes are gone. */
void throttle_end(struct throttle *t);

#endif
