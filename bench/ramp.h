/* ramp.h - looks for the largest rate that holds: doubles until one does not, then halves the
 * distance. */
#ifndef CPNI_BENCH_RAMP_H
#define CPNI_BENCH_RAMP_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/core/diag.h"

struct ramp {
    uint64_t first, max; /* items a second */
    unsigned halvings;   /* 4: the answer is at most one part in 16 of it too low */
    /* Puts the load on. An error ends the search. */
    enum err (*holds)(void *arg, uint64_t rate, bool *out_holds, struct diag *d);
    void *arg;
};

/* *out 0: not even a 64th of the first rate held. */
MUST_CHECK enum err ramp_find(const struct ramp *r, uint64_t *out, struct diag *d);

#endif
