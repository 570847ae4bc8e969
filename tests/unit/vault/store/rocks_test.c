/* Proves I2 and I3 on the disk: whatever moment the process is killed at, what was acknowledged
 * is there, whole batches only; and a log that is damaged or cut short does not open without
 * the operator's word, after which the store goes on and takes the lost records again. */
#include "tests/unit/vault/store/scratch.h"

#include <sys/mman.h>
#include <time.h>

#include "vault/store/index.h"

enum { BATCH_MAX = 300 };

/* Every 97th record is deleted by the one of twice its number, if that is in another batch. */
static bool kept(uint64_t seq, uint64_t next)
{
    return seq < next && (seq % 97 != 5 || seq < BATCH_MAX || 2 * seq >= next);
}

/* --- kill -9 --- */

struct life { /* shared with the children; what a client would have been told */
    struct scratch at;
    uint64_t acked, begun; /* next sequence behind the last acknowledged, and begun, batch */
    uint64_t segment_records;
};

static struct store *life_open(const struct life *life)
{
    struct store_options o = scratch_options(&life->at);
    struct store *s;
    struct diag d = {0};
    o.segment_records = life->segment_records;
    if (store_open(&o, &s, &d) == OK)
        return s;
    fprintf(stderr, "%s\n", d.what);
    _exit(99);
}

static int write_until_killed(void *arg)
{
    struct life *life = arg;
    struct store *s = life_open(life);
    for (uint64_t round = store_next_seq(s);; round++) {
        struct txn *t = store_begin(s);
        uint64_t size = 1 + round * 7919 % BATCH_MAX;
        for (uint64_t i = 0; i < size; i++) {
            uint64_t seq = store_next_seq(s);
            if (scratch_record(s, t) != OK)
                _exit(98);
            if (seq % 2 == 0 && seq / 2 % 97 == 5 && seq / 2 >= BATCH_MAX)
                scratch_delete(t, seq / 2);
        }
        uint64_t next = store_next_seq(s);
        txn_put(t, FAMILY_USAGE, span_str("total"), span_of(&next, sizeof next));
        life->begun = next;
        if (scratch_commit(s) != OK)
            _exit(97);
        life->acked = next;
    }
}

static int check_life(void *arg)
{
    struct life *life = arg;
    struct store *s = life_open(life);
    uint64_t next = store_next_seq(s), total = 1;
    SCRATCH_ASSERT(next == life->acked || next == life->begun);
    struct buf b = buf_of(&total, sizeof total);
    enum err e = store_get(s, FAMILY_USAGE, span_str("total"), &b);
    SCRATCH_ASSERT(e == OK || (e == ERR_NOTFOUND && next == 1));
    SCRATCH_ASSERT(total == next);
    uint8_t note[HEAD_NOTE_BYTES], expected[HEAD_NOTE_BYTES];
    store_head_note(s, note);
    scratch_note(next, expected);
    SCRATCH_ASSERT(next == 1 || memcmp(note, expected, sizeof note) == 0);
    for (uint64_t seq = 1; seq < next; seq++) {
        SCRATCH_ASSERT(scratch_has(s, seq) == kept(seq, next));
        SCRATCH_ASSERT(scratch_seen(s, seq));
    }
    SCRATCH_ASSERT(!scratch_has(s, next));
    SCRATCH_ASSERT(!scratch_seen(s, next));
    scratch_expect_postings(s, next, kept);
    struct diag d = {0};
    SCRATCH_ASSERT(store_verify(s, &d) == OK);
    store_close(s);
    return 0;
}

static int create_store(void *arg)
{
    struct life *life = arg;
    store_close(scratch_create(&STORE_ROCKS, &life->at, life->segment_records));
    return 0;
}

static struct life *life_new(uint64_t segment_records)
{
    struct life *life =
        mmap(NULL, sizeof *life, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    cr_assert(life != MAP_FAILED);
    *life = (struct life){
        .at = scratch_new(), .acked = 1, .begun = 1, .segment_records = segment_records};
    cr_assert_eq(scratch_child(create_store, life), 0);
    return life;
}

/* Killed some time after its first commit, or, if early, perhaps while it opens the store. */
static void live_and_die(struct life *life, bool early, unsigned after_us)
{
    uint64_t before = life->acked;
    pid_t child = scratch_fork(write_until_killed, life);
    int status = 0;
    while (!early && *(volatile uint64_t *)&life->acked == before)
        cr_assert(usleep(100) == 0 && waitpid(child, &status, WNOHANG) == 0, "it ended: %d",
                  WEXITSTATUS(status));
    usleep(after_us);
    kill(child, SIGKILL);
    waitpid(child, &status, 0);
    cr_assert(WIFSIGNALED(status), "it ended by itself: %d", WEXITSTATUS(status));
}

Test(rocks, survives_kill_at_any_moment)
{
    struct life *life = life_new(512);
    unsigned seed = 12345;
    for (int round = 0; round < 20; round++) {
        seed = seed * 1103515245u + 12345u;
        live_and_die(life, round % 4 == 3, seed / 65536 % 30000);
        cr_assert_eq(scratch_child(check_life, life), 0, "round %d", round);
        life->begun = life->acked; /* either way: nothing is in flight now */
        struct store *s = life_open(life);
        life->begun = life->acked = store_next_seq(s);
        store_close(s);
    }
    cr_expect_gt(life->acked, 1000, "it did write");
    scratch_done(&life->at);
}

/* --- damage --- */

enum { COMMITS = 40, A_COMMIT = 10 };

/* Leaves a log with 400 acknowledged records and no more. */
static int write_and_vanish(void *arg)
{
    struct life *life = arg;
    struct store *s = life_open(life);
    for (int i = 0; i < COMMITS; i++)
        scratch_add(s, A_COMMIT);
    _exit(0); /* without closing */
}

static void newest_log(const struct scratch *at, char out[static 512], off_t *size)
{
    DIR *dir = opendir(at->db);
    out[0] = '\0';
    for (struct dirent *e; dir && (e = readdir(dir)) != NULL;) {
        char path[512];
        size_t n = strlen(e->d_name);
        if (n < 5 || strcmp(e->d_name + n - 4, ".log") != 0 ||
            snprintf(path, sizeof path, "%s/%s", at->db, e->d_name) >= (int)sizeof path)
            continue;
        if (strcmp(path, out) > 0)
            memcpy(out, path, sizeof path); /* numbers of one length */
    }
    closedir(dir);
    struct stat st;
    cr_assert_eq(stat(out, &st), 0);
    *size = st.st_size;
}

static void flip_middle(int fd, off_t size)
{
    uint8_t byte;
    cr_assert(pread(fd, &byte, 1, size / 2) == 1);
    byte ^= 1;
    cr_assert(pwrite(fd, &byte, 1, size / 2) == 1);
}

static void cut_half(int fd, off_t size)
{
    cr_assert_eq(ftruncate(fd, size / 2), 0);
}

static void cut_last_byte(int fd, off_t size)
{
    cr_assert_eq(ftruncate(fd, size - 1), 0);
}

static void cut_all(int fd, off_t size)
{
    (void)size;
    cr_assert_eq(ftruncate(fd, 0), 0);
}

static void zero_tail(int fd, off_t size)
{
    static const uint8_t ZEROS[4096];
    cr_assert(pwrite(fd, ZEROS, sizeof ZEROS, size - (off_t)sizeof ZEROS) == sizeof ZEROS);
}

static void append_garbage(int fd, off_t size)
{
    uint8_t garbage[100];
    memset(garbage, 0x77, sizeof garbage);
    cr_assert(pwrite(fd, garbage, sizeof garbage, size) == sizeof garbage);
}

static const struct {
    const char *name;
    void (*harm)(int fd, off_t size);
    bool loses; /* acknowledged records are gone, so it must not open by itself */
} DAMAGES[] = {
    {"a bit in the middle", flip_middle, true},
    {"cut at half", cut_half, true},
    {"last byte cut", cut_last_byte, true},
    {"all cut", cut_all, true},
    {"deleted", NULL, true},
    {"last 4 KiB zero", zero_tail, true},
    {"garbage behind it", append_garbage, false},
};

static int open_as_it_is(void *arg)
{
    struct life *life = arg;
    struct store_options o = scratch_options(&life->at);
    struct store *s;
    struct diag d = {0};
    o.segment_records = life->segment_records;
    enum err e = store_open(&o, &s, &d);
    if (e != OK)
        return d.what && strstr(d.what, "accept the loss") ? (int)e : 100;
    uint64_t next = store_next_seq(s);
    for (uint64_t seq = 1; seq < next; seq++)
        SCRATCH_ASSERT(scratch_has(s, seq) && scratch_seen(s, seq));
    store_close(s);
    return next == COMMITS * A_COMMIT + 1 ? 0 : 101;
}

/* With the operator's word: no sequence again, the index is that of the rows, and it lives. */
static int accept_loss(void *arg)
{
    struct life *life = arg;
    struct store_options o = scratch_options(&life->at);
    o.segment_records = life->segment_records;
    o.accept_loss = true;
    struct store *s = scratch_open(&STORE_ROCKS, o);
    uint64_t next = store_next_seq(s);
    SCRATCH_ASSERT(next >= COMMITS * A_COMMIT + 1);
    for (uint64_t seq = 1; seq < next; seq++)
        SCRATCH_ASSERT(scratch_has(s, seq) == scratch_seen(s, seq));
    SCRATCH_ASSERT(store_verify(s, NULL) == OK);
    for (int i = 0; i < 8; i++)
        scratch_add(s, A_COMMIT);
    store_close(s);
    o.accept_loss = false;
    s = scratch_open(&STORE_ROCKS, o);
    SCRATCH_ASSERT(scratch_has(s, next) && scratch_seen(s, next));
    SCRATCH_ASSERT(store_verify(s, NULL) == OK);
    store_close(s);
    return 0;
}

static void damage(uint64_t segment_records)
{
    for (size_t i = 0; i < sizeof DAMAGES / sizeof *DAMAGES; i++) {
        struct life *life = life_new(segment_records);
        cr_assert_eq(scratch_child(write_and_vanish, life), 0);
        char path[512];
        off_t size;
        newest_log(&life->at, path, &size);
        cr_assert_gt(size, 20000);
        int fd = open(path, O_RDWR);
        if (DAMAGES[i].harm)
            DAMAGES[i].harm(fd, size);
        else
            unlink(path);
        close(fd);
        cr_expect_eq(scratch_child(open_as_it_is, life), DAMAGES[i].loses ? ERR_FORGED : OK, "%s",
                     DAMAGES[i].name);
        cr_expect_eq(scratch_child(accept_loss, life), 0, "%s", DAMAGES[i].name);
        scratch_done(&life->at);
    }
}

Test(rocks, a_damaged_log_does_not_open_by_itself)
{
    damage(0);
}

/* The same with segments sealed meanwhile, whose tags outlive their records. */
Test(rocks, nor_does_it_with_sealed_segments)
{
    damage(50);
}

/* --- head record and database of different moments --- */

static int copy_db(const struct scratch *from, const char *to)
{
    char command[256];
    snprintf(command, sizeof command, "cp -r %s %s", from->db, to);
    return system(command);
}

static int add_some(void *arg)
{
    struct life *life = arg;
    struct store *s = life_open(life);
    for (int i = 0; i < 5; i++)
        scratch_add(s, A_COMMIT);
    store_close(s);
    return 0;
}

static int open_code(void *arg)
{
    struct life *life = arg;
    struct store_options o = scratch_options(&life->at);
    struct store *s;
    struct diag d = {0};
    enum err e = store_open(&o, &s, &d);
    if (e == OK)
        store_close(s);
    return (int)e;
}

Test(rocks, an_older_database_under_the_head_record_is_refused)
{
    struct life *life = life_new(50);
    char older[128];
    snprintf(older, sizeof older, "%s/older", life->at.dir);
    cr_assert_eq(scratch_child(add_some, life), 0);
    cr_assert_eq(copy_db(&life->at, older), 0);
    cr_assert_eq(scratch_child(add_some, life), 0);
    cr_assert_eq(scratch_child(open_code, life), OK);
    scratch_empty(life->at.db);
    rmdir(life->at.db);
    cr_assert_eq(rename(older, life->at.db), 0);
    cr_expect_eq(scratch_child(open_code, life), ERR_FORGED);
    cr_expect_eq(truncate(life->at.head, 0), 0);
    cr_expect_eq(scratch_child(open_code, life), ERR_FORGED, "nor under a damaged one");
    unlink(life->at.head);
    cr_expect_eq(scratch_child(open_code, life), ERR_FORGED, "nor without one");
    scratch_done(&life->at);
}

/* A crash between the two syncs of a commit. */
Test(rocks, a_head_record_one_commit_behind_is_no_matter)
{
    struct life *life = life_new(50);
    cr_assert_eq(scratch_child(add_some, life), 0);
    uint8_t before[8192];
    int fd = open(life->at.head, O_RDWR);
    cr_assert(pread(fd, before, sizeof before, 0) == sizeof before);
    cr_assert_eq(scratch_child(add_some, life), 0);
    cr_assert(pwrite(fd, before, sizeof before, 0) == sizeof before);
    close(fd);
    cr_expect_eq(scratch_child(open_code, life), OK);
    scratch_done(&life->at);
}

/* A run that was being written when the process died is swept away, whatever is in it. */
Test(rocks, a_half_written_run_is_swept_away)
{
    struct life *life = life_new(50);
    char run[128];
    snprintf(run, sizeof run, "%s/seen.run", life->at.db);
    int fd = open(run, O_WRONLY | O_CREAT, 0600);
    cr_assert(write(fd, "half", 4) == 4);
    close(fd);
    cr_expect_eq(scratch_child(add_some, life), 0);
    cr_expect_neq(access(run, F_OK), 0);
    scratch_done(&life->at);
}

/* I4: what is deleted is not kept by an archive, and no blob files hold it. */
Test(rocks, keeps_no_archive_and_no_blobs)
{
    struct life *life = life_new(50);
    cr_assert_eq(scratch_child(add_some, life), 0);
    DIR *dir = opendir(life->at.db);
    for (struct dirent *e; dir && (e = readdir(dir)) != NULL;) {
        cr_expect_str_neq(e->d_name, "archive");
        cr_expect_null(strstr(e->d_name, ".blob"));
    }
    closedir(dir);
    scratch_done(&life->at);
}
