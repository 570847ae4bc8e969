#include "ingest/source/follow.h"

#include <stdlib.h>

struct follow {
    struct source source;
    struct tail *tail;
    uv_timer_t timer;
    uv_fs_event_t watch;
    uv_idle_t busy; /* active while there is more to read: one block a turn of the loop */
    bool paused, stopped;
};

static struct follow *follow_of(struct source *s)
{
    return (struct follow *)(void *)s;
}

static void on_busy(uv_idle_t *idle);

static void step(struct follow *f)
{
    if (f->paused || f->stopped)
        return;
    if (tail_step(f->tail) == TAIL_BUSY)
        uv_idle_start(&f->busy, on_busy);
    else
        uv_idle_stop(&f->busy);
}

static void on_busy(uv_idle_t *idle)
{
    step(idle->data);
}

static void on_timer(uv_timer_t *timer)
{
    step(timer->data);
}

static void on_change(uv_fs_event_t *watch, const char *name, int events, int status)
{
    (void)name, (void)events, (void)status;
    step(watch->data);
}

static void follow_pause(struct source *s)
{
    struct follow *f = follow_of(s);
    f->paused = true;
    if (!f->stopped)
        uv_idle_stop(&f->busy);
}

static void follow_resume(struct source *s)
{
    struct follow *f = follow_of(s);
    f->paused = false;
    step(f);
}

static void follow_stop(struct source *s)
{
    struct follow *f = follow_of(s);
    if (f->stopped)
        return;
    f->stopped = true;
    uv_close((uv_handle_t *)&f->timer, NULL);
    uv_close((uv_handle_t *)&f->watch, NULL);
    uv_close((uv_handle_t *)&f->busy, NULL);
}

static void follow_free(struct source *s)
{
    tail_free(follow_of(s)->tail);
    free(s);
}

static const struct source_ops FOLLOW = {follow_pause, follow_resume, follow_stop, follow_free};

enum err follow_new(uv_loop_t *loop, const struct follow_options *options, struct span cursor,
                    struct source **out)
{
    struct follow *f = calloc(1, sizeof *f);
    if (!f || tail_new(&options->tail, cursor, &f->tail) != OK) {
        free(f);
        return ERR_NOMEM;
    }
    f->source = (struct source){&FOLLOW, false};
    uv_timer_init(loop, &f->timer);
    uv_fs_event_init(loop, &f->watch);
    uv_idle_init(loop, &f->busy);
    f->timer.data = f->watch.data = f->busy.data = f;
    uv_timer_start(&f->timer, on_timer, 0, options->poll_ms);
    /* What cannot be watched is polled. */
    if (options->dir_path)
        uv_fs_event_start(&f->watch, on_change, options->dir_path, 0);
    *out = &f->source;
    return OK;
}

uint64_t follow_behind_bytes(struct source *s)
{
    return tail_behind_bytes(follow_of(s)->tail);
}
