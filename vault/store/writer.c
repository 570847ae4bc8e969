#include "vault/store/writer.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "proto/core/check.h"

enum work { WORK_NONE, WORK_WAITS, WORK_DONE, WORK_QUIT };

struct writer {
    const struct store_ops *ops;
    struct engine *engine;
    const struct head_file *head_file;
    bool busy; /* caller's thread only */
    int fd;
    pthread_t thread;
    pthread_mutex_t lock; /* around what follows */
    pthread_cond_t changed;
    enum work work;
    struct head head;
    enum err result;
    uint64_t took_us;
};

static uint64_t now_us(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (uint64_t)ts.tv_sec * 1000000u + (uint64_t)ts.tv_nsec / 1000u;
}

/* Between the two a crash leaves the database one commit ahead, which is fine. */
static enum err write_both(struct writer *w, const struct head *h)
{
    enum err e = w->ops->commit(w->engine);
    return e == OK && w->ops->durable ? head_write(w->head_file, h) : e;
}

static void tell(const struct writer *w)
{
    uint64_t one = 1;
    CHECK(write(w->fd, &one, sizeof one) == sizeof one);
}

static void *writer_main(void *arg)
{
    struct writer *w = arg;
    pthread_mutex_lock(&w->lock);
    while (w->work != WORK_QUIT) {
        if (w->work != WORK_WAITS) {
            pthread_cond_wait(&w->changed, &w->lock);
            continue;
        }
        pthread_mutex_unlock(&w->lock); /* nobody touches head while work waits */
        uint64_t before = now_us();
        enum err e = write_both(w, &w->head);
        uint64_t took = now_us() - before;
        pthread_mutex_lock(&w->lock);
        w->result = e;
        w->took_us = took;
        w->work = WORK_DONE;
        tell(w);
        pthread_cond_broadcast(&w->changed);
    }
    pthread_mutex_unlock(&w->lock);
    return NULL;
}

enum err writer_new(const struct store_ops *ops, struct engine *e, const struct head_file *f,
                    struct writer **out)
{
    struct writer *w = calloc(1, sizeof *w);
    if (!w)
        return ERR_NOMEM;
    *w = (struct writer){.ops = ops, .engine = e, .head_file = f};
    w->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    pthread_mutex_init(&w->lock, NULL);
    pthread_cond_init(&w->changed, NULL);
    if (w->fd >= 0 && pthread_create(&w->thread, NULL, writer_main, w) == 0) {
        *out = w;
        return OK;
    }
    if (w->fd >= 0)
        close(w->fd);
    free(w);
    return ERR_NOMEM;
}

static void set_work(struct writer *w, enum work work)
{
    w->work = work;
    pthread_cond_broadcast(&w->changed);
}

struct writer *writer_free(struct writer *w)
{
    if (!w)
        return NULL;
    pthread_mutex_lock(&w->lock);
    while (w->work == WORK_WAITS)
        pthread_cond_wait(&w->changed, &w->lock);
    set_work(w, WORK_QUIT);
    pthread_mutex_unlock(&w->lock);
    pthread_join(w->thread, NULL);
    pthread_cond_destroy(&w->changed);
    pthread_mutex_destroy(&w->lock);
    close(w->fd);
    free(w);
    return NULL;
}

void writer_start(struct writer *w, const struct head *h)
{
    CHECK(!w->busy);
    w->busy = true;
    pthread_mutex_lock(&w->lock);
    w->head = *h;
    set_work(w, WORK_WAITS);
    pthread_mutex_unlock(&w->lock);
}

bool writer_busy(const struct writer *w)
{
    return w->busy;
}

enum err writer_wait(struct writer *w, uint64_t *out_us)
{
    uint64_t told;
    *out_us = 0;
    if (!w->busy)
        return OK;
    pthread_mutex_lock(&w->lock);
    while (w->work == WORK_WAITS)
        pthread_cond_wait(&w->changed, &w->lock);
    enum err e = w->result;
    *out_us = w->took_us;
    w->work = WORK_NONE;
    CHECK(read(w->fd, &told, sizeof told) == sizeof told);
    pthread_mutex_unlock(&w->lock);
    w->busy = false;
    return e;
}

int writer_fd(const struct writer *w)
{
    return w->fd;
}
