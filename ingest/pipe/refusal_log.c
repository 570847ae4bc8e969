#include "ingest/pipe/refusal_log.h"

#include <unistd.h>

#include "proto/core/instant.h"
#include "proto/core/logfmt.h"

static void write_line(const struct refusal_log *l, struct logfmt *line)
{
    struct span text = logfmt_end(line);
    ssize_t n = write(l->fd, text.p, text.n);
    (void)n; /* a log that cannot be written stops nothing */
}

static const char *event_of(enum metric id)
{
    return id == METRIC_SHED ? "shed" : id == METRIC_AUTH_FAILED ? "auth_failed" : "malformed";
}

void refusal_log(void *arg, const struct pipe_feed *f, enum metric id, enum reason reason,
                 const struct diag *d)
{
    struct refusal_log *l = arg;
    uint64_t now = clock_mono_us(l->clock);
    if (id == METRIC_IGNORED || f->index >= FEEDS_MAX || reason >= REASON_COUNT)
        return;
    if (now < l->slot[f->index][reason].next_us) {
        l->slot[f->index][reason].left_out++;
        return;
    }
    struct logfmt line;
    logfmt_begin(&line, clock_wall_us(l->clock), "warning", l->role, event_of(id));
    logfmt_str(&line, "feed", f->conf->name);
    logfmt_str(&line, "reason", reason_label(reason));
    logfmt_str(&line, "what", d->what);
    logfmt_number(&line, "at", d->at);
    logfmt_number(&line, "left_out", l->slot[f->index][reason].left_out);
    write_line(l, &line);
    l->slot[f->index][reason].next_us = now + US_PER_S;
    l->slot[f->index][reason].left_out = 0;
}

void refusal_log_event(const struct refusal_log *l, const char *level, const char *event,
                       const char *feed, const char *what, uint64_t at)
{
    struct logfmt line;
    logfmt_begin(&line, clock_wall_us(l->clock), level, l->role, event);
    if (feed)
        logfmt_str(&line, "feed", feed);
    logfmt_str(&line, "what", what);
    logfmt_number(&line, "at", at);
    write_line(l, &line);
}
