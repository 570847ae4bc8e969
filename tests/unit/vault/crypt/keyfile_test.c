/* Proves: a keyring file reads back as it was written, only under its root key and only
 * unchanged; a root key that others may read is refused. */
#include "vault/crypt/keyfile.h"

#include <sodium.h>

#include "tests/unit/vault/crypt/folder.h"

static struct key_table *table(void)
{
    struct key_table *t = calloc(1, sizeof *t);
    memset(t->root, 7, sizeof t->root);
    for (uint32_t i = 0; i < 3; i++) {
        t->entries[i] = (struct key_entry){.kind = KEY_MONTH, .id = 202601 + i, .created_us = -5};
        memset(t->entries[i].key, (int)i + 1, KEYFILE_KEY_BYTES);
    }
    t->count = 3;
    return t;
}

Test(keyfile, reads_back_what_was_written)
{
    struct folder f = folder_new();
    struct key_table *t = table(), *back = calloc(1, sizeof *back);
    cr_assert_eq(keyfile_write(f.ring, t, NULL), OK);
    memcpy(back->root, t->root, sizeof t->root);
    cr_assert_eq(keyfile_read(f.ring, back, NULL), OK);
    cr_expect_eq(back->count, 3);
    cr_expect_arr_eq(back->entries, t->entries, sizeof *t->entries * 3);
    struct stat st;
    cr_assert_eq(stat(f.ring, &st), 0);
    cr_expect_eq(st.st_mode & 0777, 0600);
    uint8_t zeros[KEYFILE_ENTRY_BYTES] = {0};
    cr_expect_arr_eq(t->plain, zeros, sizeof zeros, "what was encoded is wiped");
    free(t), free(back), folder_done(&f);
}

Test(keyfile, any_changed_bit_and_any_cut_is_refused)
{
    struct folder f = folder_new();
    struct key_table *t = table();
    uint8_t file[KEYFILE_BYTES_MAX];
    cr_assert_eq(keyfile_write(f.ring, t, NULL), OK);
    size_t n = file_read(f.ring, file, sizeof file);
    for (size_t bit = 0; bit < 8 * n; bit++) {
        file[bit / 8] ^= (uint8_t)(1 << bit % 8);
        file_write(f.ring, file, n);
        enum err expected = bit / 8 == 8 ? ERR_VERSION : ERR_FORGED;
        cr_assert_eq(keyfile_read(f.ring, t, NULL), expected, "bit %zu", bit);
        file[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    for (size_t cut = 0; cut < n; cut++) {
        file_write(f.ring, file, cut);
        cr_assert_eq(keyfile_read(f.ring, t, NULL), ERR_FORGED, "cut at %zu", cut);
    }
    free(t), folder_done(&f);
}

Test(keyfile, a_kind_from_the_future_is_another_version)
{
    struct folder f = folder_new();
    struct key_table *t = table();
    t->entries[1].kind = (enum keyfile_kind)KEY_KIND_COUNT;
    cr_assert_eq(keyfile_write(f.ring, t, NULL), OK);
    cr_expect_eq(keyfile_read(f.ring, t, NULL), ERR_VERSION);
    free(t), folder_done(&f);
}

Test(keyfile, an_unwritable_folder_leaves_the_old_file)
{
    struct folder f = folder_new();
    struct key_table *t = table();
    cr_assert_eq(keyfile_write(f.ring, t, NULL), OK);
    char beside[128];
    snprintf(beside, sizeof beside, "%s.new", f.ring);
    cr_assert_eq(mkdir(beside, 0700), 0); /* so that it cannot be opened for writing */
    cr_expect_eq(keyfile_write(f.ring, t, NULL), ERR_STORE);
    cr_expect_eq(keyfile_read(f.ring, t, NULL), OK);
    rmdir(beside);
    free(t), folder_done(&f);
}

Test(keyfile, root_key_is_made_once_and_for_its_owner_only)
{
    struct folder f = folder_new();
    uint8_t a[KEYFILE_KEY_BYTES], b[KEYFILE_KEY_BYTES];
    cr_expect_eq(root_key_read(f.root, a, NULL), ERR_NOTFOUND);
    cr_assert_eq(root_key_create(f.root, NULL), OK);
    cr_assert_eq(root_key_read(f.root, a, NULL), OK);
    cr_expect_eq(root_key_create(f.root, NULL), ERR_CONFLICT);
    cr_assert_eq(root_key_read(f.root, b, NULL), OK);
    cr_expect_arr_eq(a, b, sizeof a);
    cr_expect_not(sodium_is_zero(a, sizeof a));
    cr_assert_eq(chmod(f.root, 0640), 0);
    cr_expect_eq(root_key_read(f.root, a, NULL), ERR_DENIED);
    cr_assert_eq(chmod(f.root, 0600), 0);
    file_write(f.root, a, 31);
    cr_expect_eq(root_key_read(f.root, a, NULL), ERR_SYNTAX);
    folder_done(&f);
}
