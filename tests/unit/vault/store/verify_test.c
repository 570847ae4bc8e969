/* Proves: verify finds a block that changed on disk, an index entry that is missing and records
 * that are gone, and finds nothing in a sound store. */
#include "tests/unit/vault/store/scratch.h"

#include "proto/core/buf.h"
#include "vault/store/inside.h"

static struct store *sealed_store(const struct scratch *at)
{
    struct store *s = scratch_create(&STORE_ROCKS, at, 20);
    for (int i = 0; i < 10; i++)
        scratch_add(s, 10);
    cr_assert_eq(index_settle(s->index), OK);
    scratch_add(s, 1); /* notes what is sealed */
    cr_expect_geq(s->noted_sealed, 20);
    cr_assert_eq(store_verify(s, NULL), OK);
    return s;
}

static void expect_forged(struct store *s)
{
    struct diag d = {0};
    cr_expect_eq(store_verify(s, &d), ERR_FORGED);
    cr_expect_not_null(d.what);
}

static void delete_row(struct store *s, unsigned table, struct span key)
{
    store_begin(s);
    s->ops->del(s->engine, table, key);
    cr_assert_eq(scratch_commit(s), OK);
}

Test(verify, misses_a_duplicate_tag)
{
    struct scratch at = scratch_new();
    struct store *s = sealed_store(&at);
    uint8_t tag[DUP_TAG_BYTES];
    scratch_dup_tag(5, tag);
    delete_row(s, FAMILY_SEEN, span_of(tag, sizeof tag));
    expect_forged(s);
    store_close(s);
    scratch_done(&at);
}

Test(verify, misses_a_posting)
{
    struct scratch at = scratch_new();
    struct store *s = sealed_store(&at);
    uint8_t key[DAY_TAG_BYTES + SEQ_BYTES];
    scratch_day_tag(5, key);
    seq_key(key + DAY_TAG_BYTES, 5);
    delete_row(s, FAMILY_POSTINGS, span_of(key, sizeof key));
    expect_forged(s);
    store_close(s);
    scratch_done(&at);
}

Test(verify, misses_a_record)
{
    struct scratch at = scratch_new();
    struct store *s = sealed_store(&at);
    uint8_t key[SEQ_BYTES];
    seq_key(key, 5);
    size_t slot = (scratch_month(5) / 100 - MONTH_FIRST / 100) * 12 + scratch_month(5) % 100;
    delete_row(s, table_of_slot(s, slot), span_of(key, sizeof key));
    expect_forged(s);
    store_close(s);
    scratch_done(&at);
}

/* One byte in the middle of each table file. */
static int open_and_verify(void *arg)
{
    struct store_options o = scratch_options(arg);
    struct store *s;
    struct diag d = {0};
    enum err e = store_open(&o, &s, &d);
    if (e == OK) {
        e = store_verify(s, &d);
        store_close(s);
    }
    return (int)e;
}

static size_t flip_in_files(const struct scratch *at, const char *ending, int way)
{
    DIR *dir = opendir(at->db);
    size_t files = 0;
    for (struct dirent *e; dir && (e = readdir(dir)) != NULL;) {
        size_t n = strlen(e->d_name);
        int fd = n > 4 && strcmp(e->d_name + n - 4, ending) == 0
                     ? openat(dirfd(dir), e->d_name, O_RDWR)
                     : -1;
        if (fd < 0)
            continue;
        uint8_t byte;
        off_t at_byte = way; /* in the first data block, behind its length fields */
        cr_assert(pread(fd, &byte, 1, at_byte) == 1);
        byte ^= 4;
        cr_assert(pwrite(fd, &byte, 1, at_byte) == 1);
        close(fd);
        files++;
    }
    closedir(dir);
    return files;
}

Test(verify, finds_a_changed_block)
{
    struct scratch at = scratch_new();
    store_close(sealed_store(&at));
    cr_assert_eq(scratch_child(open_and_verify, &at), OK);
    cr_assert_gt(flip_in_files(&at, ".sst", 20), 2);
    int result = scratch_child(open_and_verify, &at);
    cr_expect(result == ERR_FORGED || result == ERR_STORE, "%d", result);
    scratch_done(&at);
}
