/* Proves: a record goes to whom the directory says, once, however often it is sent and
 * wherever the process dies; totals are a function of the records (I2, I3); nothing of a
 * record stands on the disk in clear (I4). */
#include <criterion/criterion.h>

#include "proto/core/instant.h"
#include "proto/wire/record_wire.h"
#include "tests/lib/vault_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

static struct fix f;
static uint16_t feed;
static const int64_t T0 = 1795219200 * (int64_t)US_PER_S; /* 2026-11-21 00:00 UTC */

static const char DIRECTORY[] = "alpha,acct-a,number,+12125550101\n"
                                "beta,acct-b,number,+12125550102\n"
                                "gamma,acct-c,account_code,code-7\n";

/* A slow disk: the database's call comes here. */
static useconds_t disk_us;
int fdatasync(int fd);
int fdatasync(int fd)
{
    usleep(disk_us);
    return (int)syscall(SYS_fdatasync, fd);
}

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

/* What is accepted must open again, or the next recovery would stop at it. */
Test(commit, a_record_with_a_broken_location_part_is_refused)
{
    static const char *const PARTS[] = {"\x01\x05", "\x0a\x01\x07" /* tag 10: claims an account */};
    for (size_t i = 0; i < sizeof PARTS / sizeof PARTS[0]; i++) {
        struct record r;
        struct record_parts parts;
        static uint8_t wire[RECORD_BYTES_MAX], broken[RECORD_BYTES_MAX];
        struct buf w = buf_of(wire, sizeof wire), b = buf_of(broken, sizeof broken);
        fix_call(&r, feed, "+12125550101", "+12125550102", T0, PARTS[i]);
        cr_assert_eq(record_encode(&r, &w), OK);
        cr_assert_eq(record_split(buf_span(&w), &parts, NULL), OK);
        buf_lv(&b, parts.core);
        buf_lv(&b, span_str(PARTS[i]));
        buf_lv(&b, parts.dedup);
        batch_put_record(&f.batch, buf_span(&b));
        struct receipt receipt = fix_commit(&f);
        cr_expect_eq(receipt.refused, 1, "part %zu", i);
        cr_expect_eq(receipt.accepted, 0, "part %zu", i);
    }
    fix_reopen(&f, false);
}

static void ignore_frame(void *arg, const struct frame *in)
{
    (void)arg, (void)in;
}

/* A worker that says what it has before anything is durable. */
static struct session *worker_with(vault_frame_fn *reply)
{
    struct peer worker = fix_peer_all();
    struct session *s;
    uint8_t bytes[64];
    struct buf b = buf_of(bytes, sizeof bytes);
    cr_assert_eq(session_new(f.vault, &worker, reply, NULL, &s), OK);
    buf_lv(&b, span_str("asterisk"));
    buf_u8(&b, FEED_ASTERISK_CSV);
    struct frame hello = {FRAME_HELLO, 1, buf_span(&b)};
    cr_assert_eq(session_frame(s, &hello), OK);
    return s;
}

static void send_batch(struct session *s, uint32_t id)
{
    struct frame batch = {FRAME_BATCH, id, buf_span(&f.batch)};
    cr_assert_eq(session_frame(s, &batch), OK);
    buf_reset(&f.batch);
}

/* Its first call makes a feed's unassigned customer; a call of another month needs the key
 * again while the batch that stores it is on its way to the disk. */
Test(commit, the_key_of_a_customer_is_there_before_its_row_is)
{
    struct session *s = worker_with(ignore_frame);
    struct record r;
    fix_call(&r, feed, "+12125550111", "+12125550112", T0, "1");
    fix_add(&f, &r);
    send_batch(s, 1);
    disk_us = 200000;
    cr_assert_eq(vault_flush_some(f.vault, false), OK);
    fix_call(&r, feed, "+12125550111", "+12125550112", T0 - 40 * S_PER_DAY * (int64_t)US_PER_S,
             "2");
    fix_add(&f, &r);
    send_batch(s, 2);
    disk_us = 0;
    cr_assert_eq(vault_flush(f.vault), OK);
    struct vault_totals t;
    vault_totals(f.vault, &t);
    cr_expect_eq(t.unassigned, 2);
    session_free(s);
    cr_expect_eq(fix_ask(&f, "verify", "deep", "1", NULL), CONTROL_DONE, "%s", fix_end_text(&f));
}

static size_t receipts;

static void count_receipts(void *arg, const struct frame *in)
{
    (void)arg;
    receipts += in->type == FRAME_RECEIPT;
}

/* I2: a receipt comes behind the disk, and its batch's own. */
Test(commit, receipts_come_when_their_batch_is_durable)
{
    struct session *s = worker_with(count_receipts);
    struct record r;
    for (uint32_t id = 1; id <= 3; id++) {
        char key[2] = {(char)('0' + id), 0};
        fix_call(&r, feed, "+12125550111", "+12125550112", T0, key);
        fix_add(&f, &r);
        send_batch(s, id);
        if (id == 1)
            cr_assert_eq(vault_flush_some(f.vault, false), OK);
    }
    cr_expect_eq(receipts, 0, "nothing is durable, as far as we know");
    cr_assert_eq(vault_flush_some(f.vault, false), OK);
    cr_expect_eq(receipts, 0);
    cr_assert_eq(vault_flush_some(f.vault, true), OK);
    cr_expect_eq(receipts, 1, "the first one's, not those that were gathered meanwhile");
    cr_assert_eq(vault_flush_some(f.vault, true), OK);
    cr_expect_eq(receipts, 3);
    session_free(s);
}

/* Workers send again at once what has no receipt when the vault was restarted: more than one
 * batch of the store takes. */
Test(commit, a_turn_may_bring_more_than_the_store_takes_in_one_batch)
{
    struct session *s = worker_with(ignore_frame);
    unsigned sent = 0;
    for (uint32_t id = 1; id <= BATCHES_IN_FLIGHT_MAX; id++) {
        for (unsigned i = 0; i < 1100; i++) {
            struct record r;
            char key[16];
            record_reset(&r);
            r.call.feed_id = feed;
            r.call.t_start = T0;
            snprintf(key, sizeof key, "%u", sent++);
            r.dedup = span_str(key);
            fix_add(&f, &r);
        }
        send_batch(s, id);
    }
    cr_assert_eq(vault_flush(f.vault), OK);
    struct vault_totals t;
    vault_totals(f.vault, &t);
    cr_expect_eq(t.accepted, sent);
    session_free(s);
}

/* More accounts in one batch than there are totals in memory: rows are dropped and read again
 * while their newest state is in a batch that is not on the disk. */
Test(commit, totals_that_do_not_fit_the_memory_are_right)
{
    enum { ACCOUNTS = 12, ROUNDS = 5 };
    char lines[1024] = "";
    for (int i = 0; i < ACCOUNTS; i++)
        snprintf(lines + strlen(lines), sizeof lines - strlen(lines),
                 "customer-%d,account-%d,number,+121255501%02d\n", i, i, i);
    cr_assert_eq(fix_import(&f, lines), CONTROL_DONE);
    f.options.usage_rows_max = 4;
    fix_reopen(&f, true);
    struct session *s = worker_with(ignore_frame);
    for (uint32_t i = 0; i < ACCOUNTS * ROUNDS; i++) {
        struct record r;
        char from[16], key[16];
        snprintf(from, sizeof from, "+121255501%02d", i % ACCOUNTS);
        snprintf(key, sizeof key, "%d", i);
        /* Every third one is of two customers. */
        fix_call(&r, feed, from, i % 3 ? "+12125550199" : "+12125550101", T0, key);
        fix_add(&f, &r);
        if (i % 2 == 1)
            send_batch(s, i);
    }
    cr_assert_eq(vault_flush(f.vault), OK);
    session_free(s);
    cr_expect_eq(fix_ask(&f, "verify", "deep", "1", NULL), CONTROL_DONE, "%s", fix_end_text(&f));
    char *usage = fix_usage(&f);
    fix_reopen(&f, false);
    char *after = fix_usage(&f);
    cr_expect_str_eq(after, usage, "the totals survive a crash");
    cr_expect_eq(fix_ask(&f, "verify", "deep", "1", NULL), CONTROL_DONE, "%s", fix_end_text(&f));
    free(usage);
    free(after);
}

/* I3: where the room for totals ends in a batch, it is made in front of the batch. */
Test(commit, a_batch_is_durable_whole_or_not_at_all)
{
    enum { BATCHES = 7 };
    f.options.usage_rows_max = 4;
    for (uint32_t sent = 1; sent <= BATCHES; sent++) {
        fix_reopen(&f, true);
        struct session *s = worker_with(ignore_frame);
        for (uint32_t i = 0; i < 2 * sent; i++) {
            struct record r;
            char key[16];
            snprintf(key, sizeof key, "%u-%u", sent, i);
            fix_call(&r, feed, "+12125550111", "+12125550112",
                     T0 - i * S_PER_DAY * (int64_t)US_PER_S, key);
            fix_add(&f, &r);
            if (i % 2 == 1)
                send_batch(s, i);
        }
        session_free(s);
        fix_reopen(&f, false); /* before the newest were made durable */
        struct vault_totals t;
        vault_totals(f.vault, &t);
        cr_expect_eq(t.records % 2, 0, "%lu records of batches of two", t.records);
    }
}

/* Longer than any of ours: it would not fit the room for sealing. */
Test(commit, a_record_over_the_limit_is_refused_alone)
{
    static uint8_t text[RECORD_BYTES_MAX], core[WIRE_FRAME_BYTES_MAX], wire[WIRE_FRAME_BYTES_MAX];
    for (int location = 0; location < 2; location++) {
        struct buf c = buf_of(core, sizeof core), w = buf_of(wire, sizeof wire);
        record_put_uint(&c, 1, feed);
        struct buf more = buf_of(core + c.n, sizeof core - c.n);
        buf_varint(&more, location ? 103 : 33);
        buf_lv(&more, span_of(text, sizeof text));
        if (!location)
            c.n += more.n;
        buf_lv(&w, buf_span(&c));
        buf_lv(&w, location ? buf_span(&more) : SPAN_EMPTY);
        buf_lv(&w, span_str("long"));
        cr_assert(buf_ok(&c) && buf_ok(&more) && buf_ok(&w));
        batch_put_record(&f.batch, buf_span(&w));
        cr_expect_eq(fix_commit(&f).refused, 1);
    }
    cr_expect_eq(send_call("+12125550101", "+12125550102", "good").accepted, 1);
}

Test(commit, a_broken_batch_is_refused_whole)
{
    struct record r;
    fix_call(&r, feed, "+12125550101", "+12125550102", T0, "never");
    fix_add(&f, &r);
    buf_u8(&f.batch, 99); /* no such operation */
    cr_expect_eq(fix_commit(&f).status, ERR_SYNTAX, "a worker is told");
    struct peer person = fix_peer_all();
    person.worker = false;
    fix_as(&f, &person);
    feed = fix_hello(&f, "asterisk", FEED_ASTERISK_CSV);
    buf_u8(&f.batch, 99);
    cr_expect_eq(fix_send(&f, FRAME_BATCH, buf_span(&f.batch)), ERR_SYNTAX, "others are closed");
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
