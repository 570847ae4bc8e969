/* source.h - what brings strangers' bytes into the process, as the event loop sees it. A source
 * knows how its protocol is framed and how its sender is slowed; what the bytes mean is the
 * business of whoever it gives them to. */
#ifndef CPNI_SOURCE_SOURCE_H
#define CPNI_SOURCE_SOURCE_H

#include "proto/core/diag.h"
#include "proto/core/span.h"

/* One item: a datagram, a frame. Borrowed for the call. OK: taken, or refused and counted.
 * ERR_FULL: not taken; the source stops reading and offers it again when resumed. */
typedef enum err source_take_fn(void *arg, struct span item);

struct source;
struct source_ops {
    /* All of them: the loop's thread, never block. */
    void (*pause)(struct source *s);  /* no room: stop reading. Idempotent */
    void (*resume)(struct source *s); /* there is room: go on. Idempotent; may call take() */
    /* For good: no more reading, handles are closed; the loop must run on until they are.
     * Idempotent. */
    void (*stop)(struct source *s);
    void (*free)(struct source *s); /* behind stop and that run; wipes what was buffered */
};

/* Head of each kind of source. Those without back-pressure lose what they do not read. */
struct source {
    const struct source_ops *ops;
    bool lossy;
};

static inline void source_pause(struct source *s)
{
    s->ops->pause(s);
}

static inline void source_resume(struct source *s)
{
    s->ops->resume(s);
}

static inline void source_stop(struct source *s)
{
    s->ops->stop(s);
}

static inline void source_free(struct source *s)
{
    if (s)
        s->ops->free(s);
}

#endif
