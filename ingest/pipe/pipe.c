#include "ingest/pipe/pipe.h"

#include <stdlib.h>

#include "proto/wire/record_wire.h"

enum err pipe_init(struct pipe *p, struct outlet *outlet, const struct clock_ops *clock,
                   const struct metrics *metrics)
{
    *p = (struct pipe){.outlet = outlet, .clock = clock, .metrics = metrics};
    p->wire = malloc(RECORD_BYTES_MAX);
    return p->wire ? OK : ERR_NOMEM;
}

void pipe_done(struct pipe *p)
{
    if (p->wire)
        explicit_bzero(p->wire, RECORD_BYTES_MAX);
    free(p->wire);
    p->wire = NULL;
}

bool pipe_room(const struct pipe *p)
{
    return p->wait || outlet_room(p->outlet);
}

enum err pipe_put(struct pipe *p, const struct pipe_feed *f, const struct record *r,
                  struct span live)
{
    struct buf b = buf_of(p->wire, RECORD_BYTES_MAX);
    enum err e = record_encode(r, &b);
    if (e == OK && p->wait && !outlet_room(p->outlet) && !p->wait(p->wait_arg))
        e = ERR_SHUTDOWN;
    if (e == OK)
        e = outlet_record(p->outlet, buf_span(&b), f->id, live, clock_mono_us(p->clock));
    if (e != OK)
        return e;
    metric_inc_at(p->metrics, METRIC_RECORDS, f->index);
    p->records++;
    return OK;
}

void pipe_received(const struct pipe *p, const struct pipe_feed *f, size_t bytes)
{
    metric_inc_at(p->metrics, METRIC_RECEIVED, f->index);
    metric_add_at(p->metrics, METRIC_RECEIVED_BYTES, f->index, (enum reason)0, bytes);
}

void pipe_refuse(const struct pipe *p, const struct pipe_feed *f, enum metric id,
                 enum reason reason, const struct diag *d)
{
    static const struct diag NOWHERE = {"", 0};
    metric_inc_reason(p->metrics, id, f->index, reason);
    if (p->refused)
        p->refused(p->refused_arg, f, id, reason, d ? d : &NOWHERE);
}

void pipe_classified(const struct pipe *p, const struct pipe_feed *f, struct classify_counts *c)
{
    uint64_t dropped = c->by_handling[HANDLE_DROP] + c->cut;
    if (dropped)
        metric_add_at(p->metrics, METRIC_FIELDS_DROPPED, f->index, (enum reason)0, dropped);
    if (c->unknown)
        metric_add_at(p->metrics, METRIC_FIELDS_UNKNOWN, f->index, (enum reason)0, c->unknown);
    *c = (struct classify_counts){0};
}
