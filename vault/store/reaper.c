#include "vault/store/reaper.h"

#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "proto/core/span.h"

enum {
    HELD_MAX = 2048, /* more than that are deleted the database's way */
    LARGE_BYTES = 1 << 20,
    STEP_BYTES = 1 << 20,
    STEP_PAUSE_MS = 4, /* at most 250 MiB/s, about 150 in fact: faster than files come */
    ROUND_PAUSE_MS = 200
};

struct held {
    uint64_t number; /* of the file: the database never uses one twice */
    int fd;
};

struct reaper {
    DIR *dir;
    struct held held[HELD_MAX]; /* ascending */
    size_t count, count_max;
    atomic_size_t held_count; /* count, for other threads */
    atomic_uint_fast64_t freed;
    bool threaded;
    pthread_t thread;
    pthread_mutex_t lock; /* around quit */
    pthread_cond_t changed;
    bool quit;
};

/* "000123.sst" -> 123. */
static bool number_of_name(const char *name, uint64_t *out)
{
    struct span s = span_str(name);
    bool ours = span_ends(s, span_str(".log")) || span_ends(s, span_str(".sst"));
    return ours && span_u64(span_sub(s, 0, s.n - strlen(".log")), UINT64_MAX, out) == OK;
}

/* Where `number` is, or belongs. */
static size_t place_of(const struct reaper *r, uint64_t number)
{
    size_t low = 0, high = r->count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (r->held[middle].number < number)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static bool large(int fd)
{
    struct stat st;
    return fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size >= LARGE_BYTES;
}

/* Most descriptors are for the database: it fails without. */
static size_t count_max(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return 0;
    return limit.rlim_cur / 4 < HELD_MAX ? limit.rlim_cur / 4 : HELD_MAX;
}

/* A file that is small still may grow: it is looked at again in the next round. */
static void hold(struct reaper *r, const char *name)
{
    uint64_t number;
    if (r->count == r->count_max || !number_of_name(name, &number))
        return;
    size_t at = place_of(r, number);
    if (at < r->count && r->held[at].number == number)
        return;
    int fd = openat(dirfd(r->dir), name, O_WRONLY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0) /* deleted meanwhile, or no descriptors left */
        return;
    if (!large(fd)) {
        close(fd);
        return;
    }
    memmove(&r->held[at + 1], &r->held[at], (r->count - at) * sizeof r->held[0]);
    r->held[at] = (struct held){number, fd};
    r->count++;
}

/* False: quit. */
static bool pause_ms(struct reaper *r, long ms)
{
    struct timespec until;
    if (!r->threaded)
        return true;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += ms * 1000000;
    until.tv_sec += until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    pthread_mutex_lock(&r->lock);
    int waited = 0;
    while (!r->quit && waited == 0)
        waited = pthread_cond_timedwait(&r->changed, &r->lock, &until);
    bool go_on = !r->quit;
    pthread_mutex_unlock(&r->lock);
    return go_on;
}

static void shorten(struct reaper *r, int fd, off_t bytes)
{
    while (bytes > STEP_BYTES && pause_ms(r, STEP_PAUSE_MS)) {
        bytes -= STEP_BYTES;
        if (ftruncate(fd, bytes) != 0)
            return; /* closing it frees it just as well */
    }
}

static void free_deleted(struct reaper *r)
{
    size_t kept = 0;
    for (size_t i = 0; i < r->count; i++) {
        struct stat st = {0};
        struct held h = r->held[i];
        if (fstat(h.fd, &st) == 0 && st.st_nlink > 0) {
            r->held[kept++] = h;
            continue;
        }
        shorten(r, h.fd, st.st_size);
        close(h.fd);
        atomic_fetch_add(&r->freed, 1);
    }
    r->count = kept;
}

void reaper_round(struct reaper *r)
{
    rewinddir(r->dir);
    for (struct dirent *entry; (entry = readdir(r->dir)) != NULL;)
        hold(r, entry->d_name);
    free_deleted(r);
    atomic_store(&r->held_count, r->count);
}

static void *reaper_main(void *arg)
{
    struct reaper *r = arg;
    do
        reaper_round(r);
    while (pause_ms(r, ROUND_PAUSE_MS));
    return NULL;
}

enum err reaper_new_idle(const char *dir, struct reaper **out)
{
    struct reaper *r = calloc(1, sizeof *r);
    if (!r)
        return ERR_NOMEM;
    r->count_max = count_max();
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_mutex_init(&r->lock, NULL);
    pthread_cond_init(&r->changed, &monotonic);
    pthread_condattr_destroy(&monotonic);
    r->dir = opendir(dir);
    if (!r->dir) {
        reaper_free(r);
        return ERR_STORE;
    }
    *out = r;
    return OK;
}

enum err reaper_new(const char *dir, struct reaper **out)
{
    struct reaper *r = NULL;
    enum err e = reaper_new_idle(dir, &r);
    if (e != OK)
        return e;
    r->threaded = true;
    if (pthread_create(&r->thread, NULL, reaper_main, r) != 0) {
        r->threaded = false;
        reaper_free(r);
        return ERR_NOMEM;
    }
    *out = r;
    return OK;
}

static void thread_end(struct reaper *r)
{
    pthread_mutex_lock(&r->lock);
    r->quit = true;
    pthread_cond_broadcast(&r->changed);
    pthread_mutex_unlock(&r->lock);
    pthread_join(r->thread, NULL);
}

struct reaper *reaper_free(struct reaper *r)
{
    if (!r)
        return NULL;
    if (r->threaded)
        thread_end(r);
    for (size_t i = 0; i < r->count; i++)
        close(r->held[i].fd);
    if (r->dir)
        closedir(r->dir);
    pthread_cond_destroy(&r->changed);
    pthread_mutex_destroy(&r->lock);
    free(r);
    return NULL;
}

void reaper_stats(struct reaper *r, struct reaper_stats *out)
{
    *out =
        (struct reaper_stats){.held = atomic_load(&r->held_count), .freed = atomic_load(&r->freed)};
}
