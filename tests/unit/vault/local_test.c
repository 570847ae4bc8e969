/* Proves: making and opening a vault refuse what would lose or mix up data. */
#include <criterion/criterion.h>

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/lib/vault_fixture.h"

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

Test(local, a_missing_head_record_is_refused)
{
    fix_hello(&f, "asterisk", FEED_ASTERISK_CSV);
    closed();
    cr_assert_eq(rename("head", "kept"), 0);
    cr_expect_neq(open_again(), OK);
    cr_assert_eq(rename("kept", "head"), 0);
    reopened();
}

Test(local, unknown_frames_are_refused)
{
    cr_expect_eq(fix_send(&f, FRAME_RECEIPT, SPAN_EMPTY), ERR_SYNTAX);
    cr_expect_eq(fix_send(&f, FRAME_ROW, SPAN_EMPTY), ERR_SYNTAX);
}
