/* pipe.h - from classified record to the open batch, and what becomes of everything that is no
 * record: one place counts it, and tells whoever wants to know why and where.
 *
 * The front ends (cdr_feed, hep_feed) parse and classify; sources know neither. All of it runs
 * in one thread. */
#ifndef CPNI_PIPE_PIPE_H
#define CPNI_PIPE_PIPE_H

#include "ingest/pipe/feed.h"
#include "ingest/pipe/outlet.h"
#include "ingest/source/clock.h"
#include "proto/classify/classify.h"
#include "proto/core/metric.h"

/* Input that did not become a record: METRIC_MALFORMED, _IGNORED, _SHED or _AUTH_FAILED. */
typedef void pipe_refused_fn(void *arg, const struct pipe_feed *f, enum metric id,
                             enum reason reason, const struct diag *d);

struct pipe {
    struct outlet *outlet;         /* borrowed */
    const struct clock_ops *clock; /* borrowed */
    const struct metrics *metrics; /* borrowed; NULL = nobody counts */
    pipe_refused_fn *refused;      /* NULL = nobody asks */
    void *refused_arg;
    /* A tool that may block waits here until outlet_room(); false: it is over. NULL: nobody waits,
     * pipe_put() says ERR_FULL. */
    bool (*wait)(void *arg);
    void *wait_arg;
    uint64_t records; /* put so far */
    uint8_t *wire;    /* RECORD_BYTES_MAX, owned: the record that is being encoded */
};

/* ERR_NOMEM. */
MUST_CHECK enum err pipe_init(struct pipe *p, struct outlet *outlet, const struct clock_ops *clock,
                              const struct metrics *metrics);
void pipe_done(struct pipe *p); /* wipes */

/* Is there room for what a source can hold back (TCP, HTTP, files)? */
bool pipe_room(const struct pipe *p);

/* Into the open batch. The record has its feed_id and t_receive and is classified and bounded.
 * `live`: key of the live dialog that ends with it, or empty. ERR_FULL: nothing was done. */
MUST_CHECK enum err pipe_put(struct pipe *p, const struct pipe_feed *f, const struct record *r,
                             struct span live);

/* Counts one item of input. */
void pipe_received(const struct pipe *p, const struct pipe_feed *f, size_t bytes);
/* Counts it as refused and says why; d may be NULL. */
void pipe_refuse(const struct pipe *p, const struct pipe_feed *f, enum metric id,
                 enum reason reason, const struct diag *d);
/* Adds what classify counted to the metrics and empties it. */
void pipe_classified(const struct pipe *p, const struct pipe_feed *f, struct classify_counts *c);

#endif
