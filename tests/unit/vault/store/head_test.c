/* Proves: the head record reads back, the higher valid slot counts, one torn slot costs one
 * commit at most, and two are refused. */
#include "vault/store/head.h"

#include "tests/unit/vault/store/scratch.h"

static struct head numbered(uint64_t commit)
{
    struct head h = {.commit = commit, .next_seq = 10 * commit};
    scratch_note(commit, h.note);
    return h;
}

static struct store_options made(const struct scratch *s, uint64_t commits)
{
    struct store_options o = scratch_options(s);
    struct head_file f;
    struct head h = numbered(1);
    cr_assert_eq(head_create(&o, &h, &f), OK);
    for (uint64_t c = 2; c <= commits; c++) {
        h = numbered(c);
        cr_assert_eq(head_write(&f, &h), OK);
    }
    head_close(&f);
    return o;
}

/* Commit that the file says, or 0 with *error set. */
static uint64_t read_back(const struct store_options *o, enum err *error)
{
    struct head_file f;
    struct head h;
    *error = head_open(o, &f, &h);
    if (*error != OK)
        return 0;
    struct head expected = numbered(h.commit);
    cr_expect_eq(h.next_seq, expected.next_seq);
    cr_expect_arr_eq(h.note, expected.note, HEAD_NOTE_BYTES);
    head_close(&f);
    return h.commit;
}

static void flip(const struct store_options *o, off_t at)
{
    int fd = open(o->head_path, O_RDWR);
    uint8_t byte;
    cr_assert(pread(fd, &byte, 1, at) == 1);
    byte ^= 0x10;
    cr_assert(pwrite(fd, &byte, 1, at) == 1);
    close(fd);
}

Test(head, the_newest_slot_counts)
{
    for (uint64_t commits = 1; commits < 5; commits++) {
        struct scratch s = scratch_new();
        struct store_options o = made(&s, commits);
        enum err e;
        cr_expect_eq(read_back(&o, &e), commits);
        struct stat st;
        cr_assert_eq(stat(o.head_path, &st), 0);
        cr_expect_eq(st.st_mode & 0777, 0600);
        scratch_done(&s);
    }
}

Test(head, one_torn_slot_costs_one_commit_and_two_are_refused)
{
    struct scratch s = scratch_new();
    struct store_options o = made(&s, 6); /* 6 in slot 0, 5 in slot 1 */
    enum err e;
    for (off_t at = 0; at < HEAD_SLOT_BYTES; at++) {
        flip(&o, at);
        cr_assert_eq(read_back(&o, &e), 5, "byte %ld of slot 0", (long)at);
        flip(&o, at + HEAD_SLOT_STRIDE);
        cr_assert_eq(read_back(&o, &e), 0);
        cr_assert_eq(e, ERR_FORGED);
        flip(&o, at);
        cr_assert_eq(read_back(&o, &e), 6, "byte %ld of slot 1", (long)at);
        flip(&o, at + HEAD_SLOT_STRIDE);
    }
    scratch_done(&s);
}

Test(head, another_key_a_cut_file_and_no_file)
{
    struct scratch s = scratch_new();
    struct store_options o = made(&s, 3);
    static const uint64_t OTHER_KEY = 78;
    enum err e;
    o.tag_arg = &OTHER_KEY;
    read_back(&o, &e);
    cr_expect_eq(e, ERR_FORGED);
    o.tag_arg = &SCRATCH_KEY;
    cr_assert_eq(truncate(o.head_path, HEAD_SLOT_STRIDE), 0);
    cr_expect_eq(read_back(&o, &e), 2, "slot 1, with commit 3, is cut off");
    cr_assert_eq(truncate(o.head_path, 0), 0);
    read_back(&o, &e);
    cr_expect_eq(e, ERR_FORGED);
    unlink(o.head_path);
    read_back(&o, &e);
    cr_expect_eq(e, ERR_NOTFOUND);
    scratch_done(&s);
}
