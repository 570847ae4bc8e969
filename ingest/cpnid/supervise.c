#include "ingest/cpnid/supervise.h"

#include <signal.h>

static bool runs(const struct process *p)
{
    return p->state != PROCESS_DOWN;
}

/* Is this process one that must not start any more? */
static bool ended(const struct supervisor *s, const struct process *p)
{
    return p->refused || (s->stopping && p->stop_order <= s->group);
}

static void died(struct supervisor *s, unsigned i, uint64_t now_ms)
{
    struct process *p = &s->process[i];
    uint32_t delay_ms = p->replaced ? 0 : backoff_died(&p->backoff, now_ms);
    p->state = PROCESS_DOWN;
    p->due_ms = now_ms + delay_ms;
    if (!ended(s, p) && !p->replaced)
        s->ops->restarting(s->arg, i, delay_ms);
    p->replaced = false;
}

static void start_due(struct supervisor *s, uint64_t now_ms)
{
    for (unsigned i = 0; i < s->count; i++) {
        struct process *p = &s->process[i];
        if (runs(p) || ended(s, p) || p->due_ms > now_ms)
            continue;
        backoff_started(&p->backoff, now_ms);
        p->state = PROCESS_STARTING;
        if (!s->ops->spawn(s->arg, i))
            died(s, i, now_ms);
    }
}

/* Signals every process of the group that runs; false when none does. */
static bool signal_group(struct supervisor *s, int signo)
{
    bool any = false;
    for (unsigned i = 0; i < s->count; i++) {
        if (s->process[i].stop_order != s->group || !runs(&s->process[i]))
            continue;
        any = true;
        if (signo)
            s->ops->signal(s->arg, i, signo);
    }
    return any;
}

static bool next_group(struct supervisor *s)
{
    unsigned next = UINT32_MAX;
    for (unsigned i = 0; i < s->count; i++)
        if (s->process[i].stop_order > s->group && s->process[i].stop_order < next)
            next = s->process[i].stop_order;
    if (next == UINT32_MAX)
        return false;
    s->group = next;
    s->told = false;
    return true;
}

static void advance_stop(struct supervisor *s, uint64_t now_ms)
{
    while (!signal_group(s, 0) && next_group(s))
        continue;
    if (!s->told) {
        signal_group(s, SIGTERM);
        s->deadline_ms = now_ms + s->drain_ms;
        s->told = true;
    } else if (now_ms >= s->deadline_ms) {
        signal_group(s, SIGKILL);
        s->deadline_ms = UINT64_MAX;
    }
}

static void earlier(uint64_t *next_ms, uint64_t at_ms)
{
    if (at_ms < *next_ms)
        *next_ms = at_ms;
}

uint32_t supervise_tick(struct supervisor *s, uint64_t now_ms)
{
    uint64_t next_ms = UINT64_MAX;
    if (s->stopping)
        advance_stop(s, now_ms);
    start_due(s, now_ms);
    if (s->stopping)
        earlier(&next_ms, s->deadline_ms);
    for (unsigned i = 0; i < s->count; i++)
        if (!runs(&s->process[i]) && !ended(s, &s->process[i]))
            earlier(&next_ms, s->process[i].due_ms);
    if (next_ms == UINT64_MAX)
        return UINT32_MAX;
    return next_ms > now_ms ? (uint32_t)(next_ms - now_ms) : 0;
}

void supervise_ready(struct supervisor *s, unsigned i)
{
    if (s->process[i].state == PROCESS_STARTING)
        s->process[i].state = PROCESS_UP;
}

void supervise_exited(struct supervisor *s, unsigned i, bool refused, uint64_t now_ms)
{
    if (refused) {
        s->process[i].refused = true;
        s->exit_code = ROLE_EXIT_REFUSED;
        supervise_stop(s);
    }
    died(s, i, now_ms);
}

void supervise_replace(struct supervisor *s, unsigned i)
{
    if (!runs(&s->process[i]) || s->stopping)
        return;
    s->process[i].replaced = true;
    s->ops->signal(s->arg, i, SIGTERM);
}

void supervise_stop(struct supervisor *s)
{
    s->stopping = true;
}

bool supervise_all_up(const struct supervisor *s)
{
    for (unsigned i = 0; i < s->count; i++)
        if (s->process[i].state != PROCESS_UP)
            return false;
    return true;
}

bool supervise_finished(const struct supervisor *s)
{
    for (unsigned i = 0; i < s->count; i++)
        if (runs(&s->process[i]))
            return false;
    return s->stopping;
}
