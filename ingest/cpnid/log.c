#include "ingest/cpnid/log.h"

#include <time.h>
#include <unistd.h>

#include "proto/core/instant.h"

void log_begin(struct logfmt *l, const char *level, const char *role, const char *event)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    logfmt_begin(l, (int64_t)now.tv_sec * US_PER_S + now.tv_nsec / 1000, level, role, event);
}

void log_end(struct logfmt *l)
{
    struct span line = logfmt_end(l);
    /* One write, so that the lines of several processes do not mix. A log that is full or
     * gone stops no call record. */
    (void)!write(STDERR_FILENO, line.p, line.n);
}

void log_reason(const char *level, const char *role, const char *event, const char *reason)
{
    struct logfmt l;
    log_begin(&l, level, role, event);
    logfmt_str(&l, "reason", reason);
    log_end(&l);
}
