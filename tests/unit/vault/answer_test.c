/* Proves: requests end with the status of the interface; imports are all or nothing and leave
 * what they found on a conflict; reassignment moves records and corrects totals, also when
 * the process dies right after. */
#include <criterion/criterion.h>

#include <stdlib.h>

#include "proto/core/instant.h"
#include "tests/lib/vault_fixture.h"
#include "vault/state.h"

static struct fix f;
static uint16_t feed;
static const int64_t T0 = 1795219200 * (int64_t)US_PER_S;

static void setup(void)
{
    struct peer all = fix_peer_all();
    fix_init(&f, &all);
    feed = fix_hello(&f, "asterisk", FEED_ASTERISK_CSV);
}

static void teardown(void)
{
    fix_done(&f);
}

TestSuite(answer, .init = setup, .fini = teardown);

static void call(const char *from, const char *to, const char *key)
{
    struct record r;
    fix_call(&r, feed, from, to, T0, key);
    fix_add(&f, &r);
    cr_assert_eq(fix_commit(&f).accepted, 1);
}

Test(answer, every_listing_ends_done_and_an_unknown_verb_does_not)
{
    static const char *const VERBS[] = {"customer list", "audit list",          "audit verify",
                                        "keys list",     "fields list",         "status",
                                        "verify",        "usage consumer list", "keys rotate"};
    for (size_t i = 0; i < sizeof VERBS / sizeof VERBS[0]; i++)
        cr_expect_eq(fix_ask(&f, VERBS[i], NULL), CONTROL_DONE, "%s: %s", VERBS[i],
                     fix_end_text(&f));
    cr_expect_eq(fix_ask(&f, "calls dump", NULL), CONTROL_USAGE);
    cr_expect_eq(fix_ask(&f, "status", "role", "king", NULL), CONTROL_USAGE);
    cr_expect_eq(fix_send(&f, FRAME_REQUEST, span_str("\xff")), ERR_SYNTAX);
}

Test(answer, a_peer_without_roles_gets_nothing)
{
    struct peer nobody = {.uid = 65534};
    fix_as(&f, &nobody);
    static const char *const VERBS[] = {"customer list", "audit list", "keys list",  "status",
                                        "fields list",   "verify",     "keys rotate"};
    for (size_t i = 0; i < sizeof VERBS / sizeof VERBS[0]; i++)
        cr_expect_eq(fix_ask(&f, VERBS[i], NULL), CONTROL_DENIED, "%s", VERBS[i]);
}

Test(answer, import_is_idempotent_and_counts)
{
    static const char LINES[] = "alpha,a,number,+12125550101\nbeta,b,domain,beta.example\n";
    cr_assert_eq(fix_import(&f, LINES), CONTROL_DONE, "%s", fix_end_text(&f));
    cr_expect_str_eq(fix_cell(&f, 0, "added"), "2");
    cr_assert_eq(fix_import(&f, LINES), CONTROL_DONE);
    cr_expect_str_eq(fix_cell(&f, 0, "added"), "0");
    cr_expect_str_eq(fix_cell(&f, 0, "unchanged"), "2");
    cr_assert_eq(fix_ask(&f, "customer show", "customer", "beta", NULL), CONTROL_DONE);
    cr_expect_eq(fix_rows(&f), 1);
    cr_expect_str_eq(fix_cell(&f, 0, "customer_id"), "beta");
    cr_expect_str_eq(fix_cell(&f, 0, "domain"), "1");
    cr_expect_eq(fix_ask(&f, "customer show", "customer", "gamma", NULL), CONTROL_NOTFOUND);
}

Test(answer, a_conflict_changes_nothing)
{
    cr_assert_eq(fix_import(&f, "alpha,a,number,+12125550101\n"), CONTROL_DONE);
    cr_expect_eq(fix_import(&f, "gamma,c,number,+12125550109\nbeta,b,number,+12125550101\n"),
                 CONTROL_FAILED);
    cr_expect_str_eq(fix_cell(&f, 0, "conflicting"), "1");
    cr_expect_eq(fix_ask(&f, "customer show", "customer", "gamma", NULL), CONTROL_NOTFOUND);
    fix_reopen(&f, false);
    cr_expect_eq(fix_ask(&f, "customer show", "customer", "gamma", NULL), CONTROL_NOTFOUND);
}

Test(answer, rows_without_a_beginning_are_refused)
{
    cr_expect_eq(fix_ask(&f, "customer import-rows", "rows", "", NULL), CONTROL_FAILED);
    cr_expect_eq(fix_ask(&f, "customer import-commit", NULL), CONTROL_FAILED);
}

Test(answer, reassign_moves_records_and_totals)
{
    call("+12125550101", "+12125550102", "1");
    call("+12125550103", "+12125550104", "2");
    cr_assert_eq(fix_import(&f, "alpha,acct-a,number,+12125550101\n"
                                "beta,acct-b,number,+12125550102\n"),
                 CONTROL_DONE);
    cr_assert_eq(fix_ask(&f, "customer reassign", NULL), CONTROL_DONE, "%s", fix_end_text(&f));
    cr_expect_str_eq(fix_cell(&f, 0, "unassigned"), "2");
    cr_expect_str_eq(fix_cell(&f, 0, "moved"), "1");
    for (int crash = 0; crash < 2; crash++) {
        char *usage = fix_usage(&f);
        cr_expect(strstr(usage, "acct-a 1795219200/86400 voice originating"), "%s", usage);
        cr_expect(strstr(usage, "acct-b 1795219200/86400 voice terminating"), "%s", usage);
        char *left = strstr(usage, "unassigned ");
        cr_expect(left && strstr(left, " 1 1 61500 0 "), "one call stays: %s", usage);
        free(usage);
        cr_expect_eq(fix_ask(&f, "verify", "deep", "1", NULL), CONTROL_DONE, "%s",
                     fix_end_text(&f));
        cr_assert_eq(fix_ask(&f, "calls list", "customer", "alpha", "from", "1795219200000000",
                             "to", "1795305600000000", "purpose", "BILL", NULL),
                     CONTROL_DONE);
        cr_expect_eq(fix_rows(&f), 1);
        fix_reopen(&f, false);
    }
    feed = fix_hello(&f, "asterisk", FEED_ASTERISK_CSV);
    struct record r;
    fix_call(&r, feed, "+12125550101", "+12125550102", T0, "1");
    fix_add(&f, &r);
    cr_expect_eq(fix_commit(&f).duplicate, 1, "a moved record is still known");
    cr_assert_eq(fix_ask(&f, "customer reassign", NULL), CONTROL_DONE);
    cr_expect_str_eq(fix_cell(&f, 0, "moved"), "0", "again changes nothing");
}

Test(answer, fields_list_says_the_law)
{
    cr_assert_eq(fix_ask(&f, "fields list", "with-citation", "1", NULL), CONTROL_DONE);
    size_t n = fix_rows(&f);
    cr_expect_gt(n, 200);
    for (size_t i = 0; i < n; i++)
        cr_expect_str_neq(fix_cell(&f, i, "citation"), "", "row %zu", i);
    cr_assert_eq(fix_ask(&f, "fields list", NULL), CONTROL_DONE);
    cr_expect_str_eq(fix_cell(&f, 0, "citation"), "");
}

Test(answer, rotation_keeps_what_was_sealed_readable)
{
    cr_assert_eq(fix_import(&f, "alpha,acct-a,number,+12125550101\n"), CONTROL_DONE);
    call("+12125550101", "+12125550102", "1");
    cr_assert_eq(fix_ask(&f, "keys rotate", NULL), CONTROL_DONE, "%s", fix_end_text(&f));
    cr_assert_eq(fix_ask(&f, "keys list", NULL), CONTROL_DONE);
    size_t keks = 0;
    for (size_t i = 0; i < fix_rows(&f); i++)
        keks += strcmp(fix_cell(&f, i, "kind"), "kek") == 0;
    cr_expect_eq(keks, 2);
    fix_reopen(&f, true);
    cr_expect_eq(fix_ask(&f, "verify", "deep", "1", NULL), CONTROL_DONE, "%s", fix_end_text(&f));
}

static bool damage(void *arg, struct span key, struct span value)
{
    uint8_t bytes[4096];
    (void)arg;
    cr_assert_leq(value.n, sizeof bytes);
    memcpy(bytes, value.p, value.n);
    bytes[value.n / 2] ^= 1;
    txn_put(vault_txn(f.vault), FAMILY_AUDIT, key, span_of(bytes, value.n));
    return false;
}

/* One damaged row must not end the vault: who lists is told (I10). */
Test(answer, a_damaged_row_ends_the_listing_only)
{
    fix_ask(&f, "keys rotate", NULL);
    cr_assert_eq(store_walk(f.vault->store, FAMILY_AUDIT, SPAN_EMPTY, damage, NULL), OK);
    cr_assert_eq(vault_flush(f.vault), OK);
    cr_expect_eq(fix_ask(&f, "audit list", NULL), CONTROL_INTEGRITY);
    cr_expect_eq(fix_ask(&f, "status", NULL), CONTROL_DONE);
}
