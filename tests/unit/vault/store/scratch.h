/* scratch.h - stores in folders of their own, and records that are a function of their
 * sequence, so that what must be there can be computed instead of remembered. */
#ifndef CPNI_TESTS_STORE_SCRATCH_H
#define CPNI_TESTS_STORE_SCRATCH_H

#include <criterion/criterion.h>
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "vault/store/ops.h"

/* An assertion of Criterion's in a child of the test would hang the test: there it is a message
 * and an exit status. */
static bool scratch_forked;

static inline void scratch_failed(const char *what, const char *file, int line)
{
    if (!scratch_forked)
        cr_assert_fail("%s:%d: %s", file, line, what);
    fprintf(stderr, "%s:%d: %s\n", file, line, what);
    _exit(96);
}

#define SCRATCH_ASSERT(cond) ((cond) ? (void)0 : scratch_failed(#cond, __FILE__, __LINE__))

struct scratch {
    char dir[64], db[96], head[96];
};

static inline struct scratch scratch_new(void)
{
    struct scratch s;
    snprintf(s.dir, sizeof s.dir, "/tmp/cpni-store-XXXXXX");
    SCRATCH_ASSERT(mkdtemp(s.dir));
    snprintf(s.db, sizeof s.db, "%s/db", s.dir);
    snprintf(s.head, sizeof s.head, "%s/head", s.dir);
    return s;
}

static inline void scratch_empty(const char *path)
{
    DIR *dir = opendir(path);
    for (struct dirent *e; dir && (e = readdir(dir)) != NULL;) {
        char child[512];
        if (snprintf(child, sizeof child, "%s/%s", path, e->d_name) >= (int)sizeof child)
            continue;
        if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0 && unlink(child) != 0) {
            scratch_empty(child);
            rmdir(child);
        }
    }
    if (dir)
        closedir(dir);
}

static inline void scratch_done(const struct scratch *s)
{
    scratch_empty(s->dir);
    rmdir(s->dir);
}

/* Not a keyed tag, but one that every bit changes. */
static inline void scratch_tag(const void *arg, struct span in, uint8_t out[static 16])
{
    uint64_t h[2] = {*(const uint64_t *)arg, 0x9e3779b97f4a7c15u};
    for (size_t i = 0; i < in.n; i++)
        for (int j = 0; j < 2; j++)
            h[j] = (h[j] ^ in.p[i]) * 0xbf58476d1ce4e5b9u + (h[j] >> 29);
    memcpy(out, h, sizeof h);
}

static const uint64_t SCRATCH_KEY = 77;

static inline struct store_options scratch_options(const struct scratch *s)
{
    return (struct store_options){.dir = s->db,
                                  .head_path = s->head,
                                  .memory_bytes = 16 << 20,
                                  .tag = scratch_tag,
                                  .tag_arg = &SCRATCH_KEY};
}

/* Of an engine without a store around it. */
static inline void scratch_commit_engine(const struct store_ops *ops, struct engine *e)
{
    ops->turn(e);
    SCRATCH_ASSERT(ops->commit(e) == OK);
}

static inline struct store *scratch_open(const struct store_ops *ops, struct store_options o)
{
    struct store *s;
    struct diag d = {0};
    SCRATCH_ASSERT(store_open_with(ops, &o, &s, &d) == OK);
    return s;
}

static inline struct store *scratch_create(const struct store_ops *ops, const struct scratch *at,
                                           uint64_t segment_records)
{
    struct store_options o = scratch_options(at);
    o.create = true;
    o.segment_records = segment_records;
    return scratch_open(ops, o);
}

/* --- records as a function of their sequence --- */

enum { SCRATCH_DAYS = 7, SCRATCH_MONTHS = 3, SCRATCH_VALUE_BYTES = RECORD_HEAD_BYTES + 50 };

static inline uint32_t scratch_month(uint64_t seq)
{
    return (uint32_t)(202609 + seq / 5 % SCRATCH_MONTHS);
}

static inline void scratch_day_tag(uint64_t seq, uint8_t out[static DAY_TAG_BYTES])
{
    memset(out, (int)(seq % SCRATCH_DAYS) + 1, DAY_TAG_BYTES);
}

static inline void scratch_dup_tag(uint64_t seq, uint8_t out[static DUP_TAG_BYTES])
{
    scratch_tag(&SCRATCH_KEY, span_of(&seq, sizeof seq), out);
}

static inline struct record_head scratch_head(uint64_t seq)
{
    struct record_head h = {
        .flags = (uint8_t)seq, .incarnation = 3, .owner_masked = seq * 0x9e3779b97f4a7c15u};
    scratch_day_tag(seq, h.day_tag);
    scratch_dup_tag(seq, h.dup_tag);
    return h;
}

static inline void scratch_value(uint64_t seq, uint8_t out[static SCRATCH_VALUE_BYTES])
{
    struct record_head h = scratch_head(seq);
    record_head_encode(out, &h);
    for (size_t i = RECORD_HEAD_BYTES; i < SCRATCH_VALUE_BYTES; i++)
        out[i] = (uint8_t)(seq * 31 + i);
}

static inline enum err scratch_record(struct store *s, struct txn *t)
{
    uint64_t seq = store_next_seq(s);
    uint8_t value[SCRATCH_VALUE_BYTES];
    scratch_value(seq, value);
    return txn_record(t, scratch_month(seq), seq, span_of(value, sizeof value));
}

static inline void scratch_delete(struct txn *t, uint64_t seq)
{
    uint8_t day[DAY_TAG_BYTES];
    scratch_day_tag(seq, day);
    txn_record_delete(t, scratch_month(seq), seq, day);
}

/* The note of a commit tells what the next sequence was. */
static inline void scratch_note(uint64_t next, uint8_t out[static HEAD_NOTE_BYTES])
{
    memset(out, 0xa5, HEAD_NOTE_BYTES);
    memcpy(out, &next, sizeof next);
}

static inline enum err scratch_commit(struct store *s)
{
    uint8_t note[HEAD_NOTE_BYTES];
    scratch_note(store_next_seq(s), note);
    return store_commit(s, note);
}

static inline void scratch_add(struct store *s, size_t count)
{
    struct txn *t = store_begin(s);
    for (size_t i = 0; i < count; i++)
        SCRATCH_ASSERT(scratch_record(s, t) == OK);
    SCRATCH_ASSERT(scratch_commit(s) == OK);
}

static inline bool scratch_has(struct store *s, uint64_t seq)
{
    uint8_t expected[SCRATCH_VALUE_BYTES], got[SCRATCH_VALUE_BYTES];
    struct buf b = buf_of(got, sizeof got);
    scratch_value(seq, expected);
    enum err e = store_record(s, scratch_month(seq), seq, &b);
    SCRATCH_ASSERT(e == OK || e == ERR_NOTFOUND);
    if (e == OK)
        SCRATCH_ASSERT(memcmp(got, expected, sizeof expected) == 0);
    return e == OK;
}

static inline bool scratch_seen(struct store *s, uint64_t seq)
{
    uint8_t tag[DUP_TAG_BYTES];
    bool seen;
    scratch_dup_tag(seq, tag);
    SCRATCH_ASSERT(store_seen(s, tag, &seen) == OK);
    return seen;
}

/* All postings of all days are those of the sequences in [1, next) that `kept` keeps. */
typedef bool scratch_kept(uint64_t seq, uint64_t next);

static inline bool scratch_all(uint64_t seq, uint64_t next)
{
    return seq < next;
}

static inline void scratch_expect_postings(struct store *s, uint64_t next, scratch_kept *kept)
{
    uint64_t *got = malloc((next + 1) * sizeof *got);
    for (uint64_t day = 1; day <= SCRATCH_DAYS; day++) {
        uint8_t tag[DAY_TAG_BYTES];
        size_t count, i = 0;
        scratch_day_tag(day, tag);
        SCRATCH_ASSERT(store_postings(s, tag, 0, got, next + 1, &count) == OK);
        for (uint64_t seq = 1; seq < next; seq++) {
            if (seq % SCRATCH_DAYS != day % SCRATCH_DAYS || !kept(seq, next))
                continue;
            SCRATCH_ASSERT(i < count);
            SCRATCH_ASSERT(got[i] == seq);
            i++;
        }
        SCRATCH_ASSERT(i == count);
    }
    free(got);
}

/* A child that does not outlive a test that failed. RocksDB must not be open over a fork, so
 * what opens it more than once does so in children. */
static inline pid_t scratch_fork(int (*work)(void *), void *arg)
{
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        scratch_forked = true;
        _exit(work(arg));
    }
    return child;
}

/* Runs `work` in a child and gives its exit status. */
static inline int scratch_child(int (*work)(void *), void *arg)
{
    pid_t child = scratch_fork(work, arg);
    int status;
    waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

#endif
