/* refusal_log.h - one line of log for what was refused: feed, what became of it, reason, where.
 * Never content (I4). A sender of bad packets must not buy a disk: of each feed and reason one
 * line a second, which says how many were left out. */
#ifndef CPNI_PIPE_REFUSAL_LOG_H
#define CPNI_PIPE_REFUSAL_LOG_H

#include "ingest/pipe/pipe.h"

struct refusal_log {
    int fd; /* borrowed */
    const char *role;
    const struct clock_ops *clock;
    struct {
        uint64_t next_us; /* monotonic: when the next line may be written */
        uint64_t left_out;
    } slot[FEEDS_MAX][REASON_COUNT];
};

/* A pipe_refused_fn; arg is the refusal_log. Input that is merely ignored is not logged. */
void refusal_log(void *arg, const struct pipe_feed *f, enum metric id, enum reason reason,
                 const struct diag *d);

/* Any other line: "event" with the feed's name (may be NULL) and a text. */
void refusal_log_event(const struct refusal_log *l, const char *level, const char *event,
                       const char *feed, const char *what, uint64_t at);

#endif
