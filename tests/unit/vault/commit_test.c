/* Proves: a record goes to whom the directory says, once, however often it is sent and
 * wherever the process dies; totals are a function of the records (I2, I3); nothing of a
 * record stands on the disk in clear (I4). */
#include <criterion/criterion.h>

#include "proto/core/instant.h"
#include "tests/lib/vault_fixture.h"

#include <stdio.h>
#include <stdlib.h>

static struct fix f;
static uint16_t feed;
static const int64_t T0 = 1795219200 * (int64_t)US_PER_S; /* 2026-11-21 00:00 UTC */

static const char DIRECTORY[] = "alpha,acct-a,number,+12125550101\n"
                                "beta,acct-b,number,+12125550102\n"
                                "gamma,acct-c,account_code,code-7\n";

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

TestSuite(commit, .init = setup, .fini = teardown);

static struct receipt send_call(const char *from, const char *to, const char *dedup)
{
    struct record r;
    fix_call(&r, feed, from, to, T0, dedup);
    fix_add(&f, &r);
    return fix_commit(&f);
}

static size_t calls_of(const char *customer)
{
    cr_assert_eq(fix_ask(&f, "calls list", "customer", customer, "from", "1795132800000000", "to",
                         "1795400000000000", "purpose", "BILL", NULL),
                 CONTROL_DONE, "%s", fix_end_text(&f));
    return fix_rows(&f);
}

Test(commit, each_side_that_is_a_customer_gets_a_record)
{
    cr_assert_eq(fix_import(&f, DIRECTORY), CONTROL_DONE);
    struct receipt r = send_call("+12125550101", "+12125550102", "1");
    cr_expect_eq(r.status, OK);
    cr_expect_eq(r.accepted, 1);
    cr_expect_eq(r.unassigned, 0);
    cr_expect_eq(calls_of("alpha"), 1);
    cr_expect_str_eq(fix_cell(&f, 0, "direction"), "originating");
    cr_expect_eq(calls_of("beta"), 1);
    cr_expect_str_eq(fix_cell(&f, 0, "direction"), "terminating");
    cr_expect_eq(calls_of("gamma"), 0);
}

Test(commit, a_call_within_one_customer_is_one_internal_record)
{
    cr_assert_eq(fix_import(&f, "alpha,a,number,+12125550101\nalpha,a,number,+12125550103\n"),
                 CONTROL_DONE);
    send_call("+12125550101", "+12125550103", "1");
    cr_expect_eq(calls_of("alpha"), 1);
    cr_expect_str_eq(fix_cell(&f, 0, "direction"), "internal");
    cr_expect_str_eq(fix_cell(&f, 0, "call_type"), "internal");
}

Test(commit, nobodys_call_is_sealed_as_unassigned_and_counted_there)
{
    struct receipt r = send_call("+12125550198", "+12125550199", "1");
    cr_expect_eq(r.accepted, 1);
    cr_expect_eq(r.unassigned, 1);
    char *usage = fix_usage(&f);
    cr_expect(strstr(usage, "unassigned 1795219200/86400"), "%s", usage);
    free(usage);
}

Test(commit, a_repeated_record_is_a_duplicate_in_one_batch_and_across_restarts)
{
    struct record r;
    for (int i = 0; i < 2; i++) {
        fix_call(&r, feed, "+12125550101", "+12125550102", T0, "same");
        fix_add(&f, &r);
    }
    struct receipt receipt = fix_commit(&f);
    cr_expect_eq(receipt.accepted, 1);
    cr_expect_eq(receipt.duplicate, 1);
    char *before = fix_usage(&f);
    fix_reopen(&f, false);
    feed = fix_hello(&f, "asterisk", FEED_ASTERISK_CSV);
    receipt = send_call("+12125550101", "+12125550102", "same");
    cr_expect_eq(receipt.accepted, 0);
    cr_expect_eq(receipt.duplicate, 1);
    char *after = fix_usage(&f);
    cr_expect_str_eq(before, after);
    free(before);
    free(after);
}

/* The same dedup key of another feed is another record. */
Test(commit, feeds_do_not_share_their_keys)
{
    send_call("+12125550101", "+12125550102", "k");
    uint16_t other = fix_hello(&f, "other", FEED_ASTERISK_CSV);
    cr_assert_neq(other, feed);
    feed = other;
    cr_expect_eq(send_call("+12125550101", "+12125550102", "k").accepted, 1);
}

Test(commit, a_long_dedup_key_counts_to_its_last_byte)
{
    static char key[3000];
    memset(key, 'x', sizeof key - 1);
    cr_expect_eq(send_call("+12125550101", "+12125550102", key).accepted, 1);
    key[sizeof key - 2] = 'y';
    cr_expect_eq(send_call("+12125550101", "+12125550102", key).accepted, 1);
    cr_expect_eq(send_call("+12125550101", "+12125550102", key).duplicate, 1);
}

Test(commit, a_bad_record_is_refused_alone)
{
    struct record r;
    batch_put_record(&f.batch, span_str("\xff\xff no record"));
    fix_call(&r, feed, "+12125550101", "+12125550102", T0, "good");
    fix_add(&f, &r);
    fix_call(&r, (uint16_t)(feed + 7), "+12125550101", "+12125550102", T0, "foreign feed");
    fix_add(&f, &r);
    fix_call(&r, feed, "+12125550101", "+12125550102", T0, "");
    fix_add(&f, &r);
    fix_call(&r, feed, "+12125550101", "+12125550102", T0, "claims an owner");
    r.call.customer = 1;
    fix_add(&f, &r);
    struct receipt receipt = fix_commit(&f);
    cr_expect_eq(receipt.status, OK);
    cr_expect_eq(receipt.accepted, 1);
    cr_expect_eq(receipt.refused, 4);
}

Test(commit, a_broken_batch_is_refused_whole)
{
    struct record r;
    fix_call(&r, feed, "+12125550101", "+12125550102", T0, "never");
    fix_add(&f, &r);
    buf_u8(&f.batch, 99); /* no such operation */
    cr_expect_eq(fix_send(&f, FRAME_BATCH, buf_span(&f.batch)), ERR_SYNTAX);
    buf_reset(&f.batch);
    cr_expect_eq(send_call("+12125550101", "+12125550102", "never").accepted, 1,
                 "nothing of it was kept");
}

Test(commit, before_hello_a_batch_is_left_for_later)
{
    fix_reopen(&f, true);
    struct receipt receipt = send_call("+12125550101", "+12125550102", "early");
    cr_expect_eq(receipt.status, ERR_NOTFOUND, "no receipt: the worker sends it again");
    feed = fix_hello(&f, "asterisk", FEED_ASTERISK_CSV);
    cr_expect_eq(send_call("+12125550101", "+12125550102", "early").accepted, 1);
}

Test(commit, months_outside_any_billing_period_are_kept_too)
{
    struct record r;
    const int64_t times[] = {-86400 * (int64_t)US_PER_S, 1, 4102444800 * (int64_t)US_PER_S * 3};
    for (size_t i = 0; i < 3; i++) {
        char key[2] = {(char)('a' + i), 0};
        fix_call(&r, feed, "+12125550101", "+12125550102", times[i], key);
        fix_add(&f, &r);
    }
    struct receipt receipt = fix_commit(&f);
    cr_expect_eq(receipt.accepted, 3);
    cr_expect_eq(fix_ask(&f, "verify", "deep", "1", NULL), CONTROL_DONE, "%s", fix_end_text(&f));
}

/* Property: a run that is cut anywhere and fed again from the start gives the totals and the
 * number of records of an undisturbed one. Segments of 64 records are sealed meanwhile. */
Test(commit, any_history_of_crashes_and_resends_gives_the_same_totals)
{
    enum { CALLS = 300 };
    static const char *const NUMBERS[] = {"+12125550101", "+12125550102", "+12125550103",
                                          "+12125550104"};
    char *clean = NULL;
    uint64_t rows_clean = 0;
    for (unsigned run = 0; run < 3; run++) {
        unsigned state = 12345 + run;
        cr_assert_eq(fix_import(&f, DIRECTORY), CONTROL_DONE);
        for (unsigned sent = 0; sent < CALLS;) {
            struct record r;
            for (unsigned i = 0; i < 7 && sent < CALLS; i++, sent++) {
                char key[16];
                snprintf(key, sizeof key, "call-%u", sent);
                fix_call(&r, feed, NUMBERS[sent % 4], NUMBERS[sent / 4 % 4],
                         T0 + (int64_t)sent * 1000 * US_PER_S, key);
                fix_add(&f, &r);
            }
            cr_assert_eq(fix_commit(&f).status, OK);
            f.now_us += 300 * US_PER_MS; /* a checkpoint now and then */
            cr_assert_eq(vault_tick(f.vault), OK);
            state = state * 1103515245 + 12345;
            if (run > 0 && state % 5 == 0) { /* dies; the source begins again somewhat before */
                fix_reopen(&f, state % 2);
                feed = fix_hello(&f, "asterisk", FEED_ASTERISK_CSV);
                sent = sent > 20 ? sent - 20 : 0;
            }
        }
        struct vault_totals t;
        vault_totals(f.vault, &t);
        char *usage = fix_usage(&f);
        if (run == 0) {
            clean = usage;
            rows_clean = t.records;
        } else {
            cr_expect_str_eq(usage, clean, "run %u:\n%s---\n%s", run, usage, clean);
            cr_expect_eq(t.records, rows_clean, "run %u: %llu rows", run,
                         (unsigned long long)t.records);
            free(usage);
        }
        cr_expect_eq(fix_ask(&f, "verify", "deep", "1", NULL), CONTROL_DONE, "%s",
                     fix_end_text(&f));
        teardown();
        setup();
    }
    free(clean);
}

Test(commit, nothing_of_a_record_is_on_the_disk_in_clear)
{
    static const char *const MARKERS[] = {"+12125550142",   "+12125550143",      "canary-call-id",
                                          "canary-account", "canary-user-agent", "canary-extra"};
    struct record r;
    cr_assert_eq(fix_import(&f, "canary-customer,canary-account,number,+12125550142\n"),
                 CONTROL_DONE);
    fix_call(&r, feed, MARKERS[0], MARKERS[1], T0, MARKERS[2]);
    r.call.sip_call_id = span_str(MARKERS[2]);
    r.call.user_agent = span_str(MARKERS[4]);
    record_extra(&r, 0, span_str("x-canary"), span_str(MARKERS[5]));
    fix_add(&f, &r);
    batch_put_cursor(&f.batch, feed, span_str("canary-cursor"), span_str("canary-path"));
    batch_put_live(&f.batch, feed, span_str("canary-dialog"), span_str("canary-live"));
    cr_assert_eq(fix_commit(&f).accepted, 1);
    char *usage = fix_usage(&f);
    free(usage);
    fix_reopen(&f, true);
    for (size_t i = 0; i < sizeof MARKERS / sizeof MARKERS[0]; i++)
        cr_expect_not(fix_disk_has(&f, span_str(MARKERS[i])), "marker %zu", i);
    cr_expect_not(fix_disk_has(&f, span_str("canary")));
    FILE *planted = fopen("planted", "w"); /* the search finds what is there */
    cr_assert(planted);
    fputs("xx canary-call-id xx", planted);
    fclose(planted);
    cr_expect(fix_disk_has(&f, span_str(MARKERS[2])));
}
