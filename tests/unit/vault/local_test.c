/* Proves: making and opening a vault refuse what would lose or mix up data. */
#include <criterion/criterion.h>

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/lib/vault_fixture.h"
#include "vault/state.h"
#include "vault/store/head.h"

static struct fix f;

static void setup(void)
{
    struct peer all = fix_peer_all();
    fix_init(&f, &all);
}

static void teardown(void)
{
    fix_done(&f);
}

TestSuite(local, .init = setup, .fini = teardown);

static void read_head(uint8_t out[static HEAD_FILE_BYTES])
{
    FILE *file = fopen("head", "rb");
    cr_assert(file && fread(out, 1, HEAD_FILE_BYTES, file) == HEAD_FILE_BYTES);
    fclose(file);
}

static void write_head(const uint8_t in[static HEAD_FILE_BYTES])
{
    FILE *file = fopen("head", "r+b");
    cr_assert(file && fwrite(in, 1, HEAD_FILE_BYTES, file) == HEAD_FILE_BYTES);
    fclose(file);
}

static enum err open_again(void)
{
    struct vault *v = NULL;
    struct diag d = {0};
    enum err e = vault_open(&f.options, &v, &d);
    if (e != OK)
        cr_expect_not_null(d.what, "a refusal says why");
    vault_close(v, false);
    return e;
}

static void closed(void)
{
    vault_link_free(f.link);
    f.link = NULL;
    f.vault = vault_close(f.vault, true);
}

static void reopened(void)
{
    struct diag d = {0};
    cr_assert_eq(vault_open(&f.options, &f.vault, &d), OK, "%s", d.what ? d.what : "");
    fix_as(&f, &f.peer);
}

Test(local, a_second_vault_in_the_same_place_is_refused)
{
    closed();
    struct diag d = {0};
    cr_expect_eq(vault_create(&f.options, &d), ERR_CONFLICT);
    reopened();
}

Test(local, the_root_key_must_be_there_be_ours_alone_and_fit)
{
    closed();
    cr_assert_eq(chmod("root.key", 0644), 0);
    cr_expect_eq(open_again(), ERR_DENIED);
    cr_assert_eq(chmod("root.key", 0600), 0);
    cr_assert_eq(rename("root.key", "kept"), 0);
    cr_expect_eq(open_again(), ERR_NOTFOUND);
    FILE *other = fopen("root.key", "w");
    fwrite("0123456789abcdef0123456789abcdef", 1, 32, other);
    fclose(other);
    chmod("root.key", 0600);
    cr_expect_eq(open_again(), ERR_FORGED);
    cr_assert_eq(rename("kept", "root.key"), 0);
    reopened();
}

Test(local, other_increments_than_the_totals_have_are_refused)
{
    closed();
    f.options.usage_increments = "60/60";
    cr_expect_eq(open_again(), ERR_CONFLICT);
    f.options.usage_increments = "1/1,6/6,30/6,60/60";
    reopened();
}

/* A record would be taken out of another window than it went into. */
Test(local, another_period_than_the_totals_have_is_refused)
{
    closed();
    f.options.usage_period_s = 3600;
    cr_expect_eq(open_again(), ERR_CONFLICT);
    f.options.usage_period_s = 86400;
    reopened();
}

Test(local, a_missing_head_record_is_refused)
{
    fix_hello(&f, "asterisk", FEED_ASTERISK_CSV);
    closed();
    cr_assert_eq(rename("head", "kept"), 0);
    cr_expect_neq(open_again(), OK);
    cr_assert_eq(rename("kept", "head"), 0);
    reopened();
}

static void remove_logs(void)
{
    DIR *db = opendir("db");
    for (struct dirent *e; (e = readdir(db)) != NULL;) {
        char path[300];
        size_t n = strlen(e->d_name);
        snprintf(path, sizeof path, "db/%s", e->d_name);
        if (n > 4 && strcmp(e->d_name + n - 4, ".log") == 0)
            cr_assert_eq(unlink(path), 0);
    }
    closedir(db);
}

static struct receipt send_calls(int from, int to)
{
    uint16_t feed = fix_hello(&f, "asterisk", FEED_ASTERISK_CSV);
    for (int i = from; i < to; i++) {
        struct record r;
        char key[16];
        snprintf(key, sizeof key, "%d", i);
        fix_call(&r, feed, "+12125550101", "+12125550102", 1795219200000000, key);
        fix_add(&f, &r);
    }
    return fix_commit(&f);
}

/* A log that is gone is refused, until the operator says that its loss is accepted; then the
 * feeds replay what they have, nothing counts twice, and the audit log says what was done. */
Test(local, a_lost_log_is_refused_and_the_loss_can_be_accepted)
{
    uint64_t left = 0;
    struct diag d = {0};
    cr_expect_eq(send_calls(0, 200).accepted, 200, "three segments are sealed meanwhile");
    closed();
    reopened();
    cr_expect_eq(send_calls(200, 230).accepted, 30);
    vault_link_free(f.link);
    f.link = NULL;
    f.vault = vault_close(f.vault, false);
    remove_logs();
    cr_expect_eq(open_again(), ERR_FORGED);
    cr_assert_eq(vault_recover(&f.options, &left, &d), OK, "%s", d.what ? d.what : "");
    cr_expect_lt(left, 230);
    reopened();
    struct receipt again = send_calls(0, 230);
    cr_expect_eq(again.accepted, 230 - left);
    cr_expect_eq(again.duplicate, left);
    char *usage = fix_usage(&f);
    cr_expect(strstr(usage, " 230 230 "), "%s", usage);
    free(usage);
    cr_expect_eq(fix_ask(&f, "verify", "deep", "1", NULL), CONTROL_DONE, "%s", fix_end_text(&f));
    cr_assert_eq(fix_ask(&f, "audit list", NULL), CONTROL_DONE);
    cr_expect_str_eq(fix_cell(&f, 0, "action"), "recover");
}

Test(local, unknown_frames_are_refused)
{
    cr_expect_eq(fix_send(&f, FRAME_RECEIPT, SPAN_EMPTY), ERR_SYNTAX);
    cr_expect_eq(fix_send(&f, FRAME_ROW, SPAN_EMPTY), ERR_SYNTAX);
}

struct cut { /* what is left of the ledger */
    struct fix *fix;
    uint64_t keep;
    uint8_t chain[CHAIN_BYTES];
};

static bool cut_behind(void *arg, struct span key, struct span value)
{
    struct cut *c = arg;
    struct reader r = reader_of(key);
    uint64_t seq = reader_be64(&r);
    if (seq == c->keep)
        memcpy(c->chain, value.p + value.n - CHAIN_BYTES, CHAIN_BYTES);
    if (seq > c->keep)
        txn_delete(vault_txn(c->fix->vault), FAMILY_AUDIT, key);
    return true;
}

/* Who can write rows can also write the state row: it says that the ledger ended earlier, and
 * that it is a commit newer than the head record. Only the head record's own note is tagged. */
Test(local, a_ledger_cut_together_with_the_state_row_is_refused)
{
    for (int i = 0; i < 3; i++)
        fix_ask(&f, "keys rotate", NULL);
    struct cut c = {.fix = &f, .keep = 1};
    uint8_t head[HEAD_FILE_BYTES], note[HEAD_NOTE_BYTES];
    cr_assert_eq(vault_flush(f.vault), OK);
    read_head(head);
    cr_assert_eq(store_walk(f.vault->store, FAMILY_AUDIT, SPAN_EMPTY, cut_behind, &c), OK);
    struct buf b = buf_of(note, sizeof note);
    buf_be64(&b, c.keep);
    buf_bytes(&b, c.chain, CHAIN_BYTES);
    vault_txn(f.vault);
    cr_assert_eq(store_commit(f.vault->store, note), OK);
    f.vault->txn = NULL;
    f.link = vault_link_free(f.link);
    f.vault = vault_close(f.vault, false);
    write_head(head); /* the thief has no key for a head record of his own */
    struct diag d = {0};
    cr_expect_eq(vault_open(&f.options, &f.vault, &d), ERR_FORGED);
    cr_expect(strstr(d.what, "audit log was cut"), "%s", d.what);
}
