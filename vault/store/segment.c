#include "vault/store/segment.h"

#include <pthread.h>
#include <stdlib.h>

#include "proto/core/check.h"

enum { DIGITS = 1 << 16 };

enum work { WORK_NONE, WORK_WAITS, WORK_DONE, WORK_QUIT };

struct segmenter {
    const struct store_ops *ops;
    struct engine *engine;
    pthread_t thread;
    pthread_mutex_t lock; /* around work, tail, result */
    pthread_cond_t changed;
    enum work work;
    const struct tail *tail;
    enum err result;
    uint32_t *order, *spare; /* entry numbers */
    uint32_t *starts;        /* DIGITS */
};

/* One pass of a radix sort by the two bytes at `offset` of the entries; stable. */
static void sort_pass(struct segmenter *s, const struct tail *t, size_t offset)
{
    memset(s->starts, 0, DIGITS * sizeof *s->starts);
    for (uint32_t i = 0; i < t->count; i++) {
        const uint8_t *digit = (const uint8_t *)&t->entries[i] + offset;
        s->starts[digit[0] << 8 | digit[1]]++;
    }
    uint32_t start = 0;
    for (size_t i = 0; i < DIGITS; i++) {
        uint32_t count = s->starts[i];
        s->starts[i] = start;
        start += count;
    }
    for (uint32_t i = 0; i < t->count; i++) {
        const uint8_t *digit = (const uint8_t *)&t->entries[s->order[i]] + offset;
        s->spare[s->starts[digit[0] << 8 | digit[1]]++] = s->order[i];
    }
    uint32_t *sorted = s->spare;
    s->spare = s->order;
    s->order = sorted;
}

/* By the tag at `offset`, then by sequence. */
static void sort_by(struct segmenter *s, const struct tail *t, size_t offset, size_t tag_bytes)
{
    for (uint32_t i = 0; i < t->count; i++)
        s->order[i] = i;
    for (size_t at = tag_bytes; at > 0; at -= 2)
        sort_pass(s, t, offset + at - 2);
}

struct reading {
    const struct tail *tail;
    const uint32_t *order;
    uint32_t at;
    const struct tail_entry *last; /* whose tag was given last */
};

static void seq_be(const struct reading *r, uint32_t entry, uint8_t out[static 8])
{
    struct buf b = buf_of(out, 8);
    buf_be64(&b, r->tail->first + entry);
}

/* The oldest record of each tag: two may have one (a call between two customers). */
static bool next_seen(void *arg, struct run_row *row)
{
    struct reading *r = arg;
    while (r->at < r->tail->count) {
        uint32_t number = r->order[r->at++];
        const struct tail_entry *e = &r->tail->entries[number];
        bool again = r->last && memcmp(r->last->dup_tag, e->dup_tag, DUP_TAG_BYTES) == 0;
        if (e->state == TAIL_HOLE || again)
            continue;
        r->last = e;
        memcpy(row->key, e->dup_tag, DUP_TAG_BYTES);
        seq_be(r, number, row->value);
        row->value_bytes = 8;
        return true;
    }
    return false;
}

static bool next_posting(void *arg, struct run_row *row)
{
    struct reading *r = arg;
    while (r->at < r->tail->count) {
        uint32_t number = r->order[r->at++];
        const struct tail_entry *e = &r->tail->entries[number];
        if (e->state != TAIL_LIVE)
            continue;
        memcpy(row->key, e->day_tag, DAY_TAG_BYTES);
        seq_be(r, number, row->key + DAY_TAG_BYTES);
        row->value_bytes = 0;
        return true;
    }
    return false;
}

static enum err write_runs(struct segmenter *s, const struct tail *t)
{
    sort_by(s, t, offsetof(struct tail_entry, dup_tag), DUP_TAG_BYTES);
    struct reading seen = {.tail = t, .order = s->order};
    enum err e = s->ops->add_run(s->engine, FAMILY_SEEN, &(struct run){next_seen, &seen});
    if (e != OK)
        return e;
    sort_by(s, t, offsetof(struct tail_entry, day_tag), DAY_TAG_BYTES);
    struct reading postings = {.tail = t, .order = s->order};
    return s->ops->add_run(s->engine, FAMILY_POSTINGS, &(struct run){next_posting, &postings});
}

static void *segmenter_main(void *arg)
{
    struct segmenter *s = arg;
    pthread_mutex_lock(&s->lock);
    while (s->work != WORK_QUIT) {
        if (s->work != WORK_WAITS) {
            pthread_cond_wait(&s->changed, &s->lock);
            continue;
        }
        const struct tail *t = s->tail;
        pthread_mutex_unlock(&s->lock);
        enum err e = write_runs(s, t);
        pthread_mutex_lock(&s->lock);
        s->result = e;
        s->work = WORK_DONE;
        pthread_cond_broadcast(&s->changed);
    }
    pthread_mutex_unlock(&s->lock);
    return NULL;
}

static void segmenter_release(struct segmenter *s)
{
    free(s->order);
    free(s->spare);
    free(s->starts);
    free(s);
}

enum err segmenter_new(const struct store_ops *ops, struct engine *e, uint32_t records_max,
                       struct segmenter **out)
{
    struct segmenter *s = calloc(1, sizeof *s);
    if (!s)
        return ERR_NOMEM;
    *s = (struct segmenter){.ops = ops, .engine = e};
    s->order = malloc(records_max * sizeof *s->order);
    s->spare = malloc(records_max * sizeof *s->spare);
    s->starts = malloc(DIGITS * sizeof *s->starts);
    pthread_mutex_init(&s->lock, NULL);
    pthread_cond_init(&s->changed, NULL);
    if (!s->order || !s->spare || !s->starts ||
        pthread_create(&s->thread, NULL, segmenter_main, s) != 0) {
        segmenter_release(s);
        return ERR_NOMEM;
    }
    *out = s;
    return OK;
}

static void set_work(struct segmenter *s, enum work work)
{
    s->work = work;
    pthread_cond_broadcast(&s->changed);
}

struct segmenter *segmenter_free(struct segmenter *s)
{
    if (!s)
        return NULL;
    pthread_mutex_lock(&s->lock);
    while (s->work == WORK_WAITS)
        pthread_cond_wait(&s->changed, &s->lock);
    set_work(s, WORK_QUIT);
    pthread_mutex_unlock(&s->lock);
    pthread_join(s->thread, NULL);
    pthread_cond_destroy(&s->changed);
    pthread_mutex_destroy(&s->lock);
    segmenter_release(s);
    return NULL;
}

void segmenter_start(struct segmenter *s, const struct tail *t)
{
    pthread_mutex_lock(&s->lock);
    CHECK(s->work == WORK_NONE);
    s->tail = t;
    set_work(s, WORK_WAITS);
    pthread_mutex_unlock(&s->lock);
}

bool segmenter_done(struct segmenter *s)
{
    pthread_mutex_lock(&s->lock);
    bool done = s->work != WORK_WAITS;
    pthread_mutex_unlock(&s->lock);
    return done;
}

enum err segmenter_wait(struct segmenter *s)
{
    pthread_mutex_lock(&s->lock);
    while (s->work == WORK_WAITS)
        pthread_cond_wait(&s->changed, &s->lock);
    enum err e = s->result;
    s->work = WORK_NONE;
    pthread_mutex_unlock(&s->lock);
    return e;
}
