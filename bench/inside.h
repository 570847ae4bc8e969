/* inside.h - a run in one process and one thread: the front end of ingest, the pipe, and the vault
 * on a real database. What a record costs without sockets and processes around it.
 *
 * The vault commits what gathered while the last write was synced, as the role does: up to
 * BATCHES_IN_FLIGHT_MAX batches, or what is flush_ms old. Latency runs from the moment an item was
 * due (without a rate: was taken up) to the receipt behind the synced write that holds its
 * record. */
#ifndef CPNI_BENCH_INSIDE_H
#define CPNI_BENCH_INSIDE_H

#include "bench/pace.h"
#include "bench/place.h"
#include "bench/result.h"

struct inside_options {
    const struct place *place;
    const struct stock *stock; /* whole */
    uint32_t customers;
    struct pace pace;
    struct span npa; /* area codes; may be empty */
};

/* Fills in what is measured; out->scenario and the load are the caller's. The vault wants its state
 * directory as the working directory: it is that during the run. d->what tells what failed. */
MUST_CHECK enum err inside_run(const struct inside_options *o, struct result *out, struct diag *d);

#endif
