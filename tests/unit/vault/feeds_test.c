/* Proves: feeds keep their numbers, cursors and live dialogs come back as they were put, also
 * after a crash, and only to the feed they belong to. */
#include <criterion/criterion.h>

#include "tests/lib/vault_fixture.h"
#include "vault/state.h"

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

TestSuite(feeds, .init = setup, .fini = teardown);

Test(feeds, a_name_keeps_its_number)
{
    uint16_t a = fix_hello(&f, "asterisk", FEED_ASTERISK_CSV);
    uint16_t b = fix_hello(&f, "hep", FEED_HEP);
    cr_expect_neq(a, b);
    fix_reopen(&f, false);
    cr_expect_eq(fix_hello(&f, "hep", FEED_HEP), b);
    cr_expect_eq(fix_hello(&f, "asterisk", FEED_ASTERISK_CSV), a);
}

Test(feeds, kind_zero_asks_and_makes_nothing)
{
    cr_expect_eq(fix_hello(&f, "hep", FEED_UNKNOWN), 0, "unknown: not welcomed");
    cr_expect(fix_find(&f, FRAME_READY));
    uint16_t id = fix_hello(&f, "hep", FEED_HEP);
    cr_expect_eq(fix_hello(&f, "hep", FEED_UNKNOWN), id);
    const struct fix_frame *w = fix_find(&f, FRAME_WELCOME);
    cr_expect_eq(w->p[2], FEED_HEP);
}

static void expect_cursor(const char *key, const char *value)
{
    const struct fix_frame *w = fix_find(&f, FRAME_WELCOME);
    struct reader r = reader_of(span_of(w->p, w->n));
    reader_be16(&r);
    reader_u8(&r);
    reader_lv(&r);
    while (reader_more(&r)) {
        struct span k = reader_lv(&r), v = reader_lv(&r);
        if (span_is(k, key)) {
            cr_expect(span_is(v, value), "%.*s", (int)v.n, (const char *)v.p);
            return;
        }
    }
    cr_expect(value[0] == '\0', "cursor %s is missing", key);
}

Test(feeds, a_cursor_comes_back_after_a_crash_and_only_to_its_feed)
{
    uint16_t id = fix_hello(&f, "asterisk", FEED_ASTERISK_CSV);
    batch_put_cursor(&f.batch, id, span_str("file"), span_str("offset 1"));
    cr_expect_eq(fix_commit(&f).status, OK);
    batch_put_cursor(&f.batch, id, span_str("file"), span_str("offset 2"));
    batch_put_cursor(&f.batch, id, span_str("other"), span_str("offset 9"));
    cr_expect_eq(fix_commit(&f).status, OK);
    fix_reopen(&f, false);
    fix_hello(&f, "asterisk", FEED_ASTERISK_CSV);
    expect_cursor("file", "offset 2");
    expect_cursor("other", "offset 9");
    fix_hello(&f, "second", FEED_ASTERISK_CSV);
    expect_cursor("file", "");
}

Test(feeds, live_dialogs_are_handed_back_until_deleted)
{
    uint16_t id = fix_hello(&f, "hep", FEED_HEP);
    batch_put_live(&f.batch, id, span_str("dialog-a"), span_str("state-a"));
    batch_put_live(&f.batch, id, span_str("dialog-b"), span_str("state-b"));
    cr_expect_eq(fix_commit(&f).status, OK);
    batch_delete_live(&f.batch, id, span_str("dialog-a"));
    cr_expect_eq(fix_commit(&f).status, OK);
    fix_reopen(&f, false);
    fix_hello(&f, "hep", FEED_HEP);
    size_t count = 0;
    for (size_t i = 0; i < f.frames_count; i++)
        if (f.frame[i].type == FRAME_LIVE) {
            struct reader r = reader_of(span_of(f.frame[i].p, f.frame[i].n));
            cr_expect(span_is(reader_lv(&r), "dialog-b"));
            cr_expect(span_is(reader_lv(&r), "state-b"));
            count++;
        }
    cr_expect_eq(count, 1);
    cr_expect_eq(f.frame[f.frames_count - 1].type, FRAME_READY, "READY comes last");
}

/* A checkpoint holds numbers in clear: only a worker gets it, who made it (I6). */
Test(feeds, live_dialogs_are_not_for_people)
{
    uint16_t id = fix_hello(&f, "hep", FEED_HEP);
    batch_put_live(&f.batch, id, span_str("dialog"), span_str("state"));
    cr_expect_eq(fix_commit(&f).status, OK);
    struct peer person = fix_peer_all();
    person.worker = false;
    fix_as(&f, &person);
    cr_expect_eq(fix_hello(&f, "hep", FEED_HEP), id, "he may send records");
    cr_expect_null(fix_find(&f, FRAME_LIVE));
    cr_expect(fix_find(&f, FRAME_READY));
}

Test(feeds, a_damaged_dialog_stops_no_other)
{
    uint16_t id = fix_hello(&f, "hep", FEED_HEP);
    batch_put_live(&f.batch, id, span_str("dialog"), span_str("state"));
    cr_expect_eq(fix_commit(&f).status, OK);
    uint8_t row[LIVE_KEY_BYTES] = {(uint8_t)(id >> 8), (uint8_t)id};
    txn_put(vault_txn(f.vault), FAMILY_LIVE, span_of(row, sizeof row), span_str("torn"));
    cr_assert_eq(vault_flush(f.vault), OK);
    cr_expect_eq(fix_hello(&f, "hep", FEED_HEP), id);
    cr_expect(fix_find(&f, FRAME_LIVE));
    cr_expect(fix_find(&f, FRAME_READY));
}

struct slow { /* a worker whose socket takes so many frames */
    struct session *session;
    unsigned room, live, ready;
};

static void take_slowly(void *arg, const struct frame *in)
{
    struct slow *w = arg;
    w->live += in->type == FRAME_LIVE;
    w->ready += in->type == FRAME_READY;
    if (w->room == 0 || --w->room == 0)
        session_congested(w->session, true);
}

/* A million calls do not fit any queue: they are handed over as fast as they are read. */
Test(feeds, live_dialogs_wait_for_a_worker_that_reads_slowly)
{
    enum { DIALOGS = 3000 };
    uint16_t id = fix_hello(&f, "hep", FEED_HEP);
    for (unsigned i = 0; i < DIALOGS; i++) {
        uint8_t key[4] = {(uint8_t)(i >> 8), (uint8_t)i, 1, 1};
        batch_put_live(&f.batch, id, span_of(key, sizeof key), span_str("state"));
    }
    cr_assert_eq(fix_commit(&f).status, OK);
    struct peer worker = fix_peer_all();
    struct slow w = {.room = 10};
    cr_assert_eq(session_new(f.vault, &worker, take_slowly, &w, &w.session), OK);
    struct frame hello = {FRAME_HELLO, 1,
                          span_str("\x03"
                                   "hep\x01")};
    cr_assert_eq(session_frame(w.session, &hello), OK);
    bool more = true;
    while (more)
        cr_assert_eq(vault_work(f.vault, &more), OK);
    cr_expect_lt(w.live, DIALOGS / 4, "%u were pushed", w.live);
    cr_expect_eq(w.ready, 0);
    for (unsigned turns = 0; w.ready == 0 && turns < 10 * DIALOGS; turns++) {
        w.room = 10;
        session_congested(w.session, false);
        for (more = true; more;)
            cr_assert_eq(vault_work(f.vault, &more), OK);
    }
    cr_expect_eq(w.live, DIALOGS);
    cr_expect_eq(w.ready, 1);
    session_free(w.session);
}

Test(feeds, another_feeds_cursor_is_refused)
{
    uint16_t id = fix_hello(&f, "asterisk", FEED_ASTERISK_CSV);
    batch_put_cursor(&f.batch, (uint16_t)(id + 1), span_str("file"), span_str("x"));
    cr_expect_eq(fix_commit(&f).status, ERR_SYNTAX);
}

/* Whatever a worker sent, the next HELLO must work: it is how everything starts. */
Test(feeds, more_than_can_be_handed_back_stops_no_feed)
{
    static const uint8_t LONG[CURSOR_BYTES_MAX];
    uint16_t id = fix_hello(&f, "asterisk", FEED_ASTERISK_CSV);
    for (unsigned i = 0; i < 900; i++) {
        batch_put_cursor(&f.batch, id, span_of(&i, sizeof i), span_of(LONG, sizeof LONG));
        if (i % 300 == 299)
            cr_assert_eq(fix_commit(&f).status, OK);
    }
    cr_expect_eq(fix_hello(&f, "asterisk", FEED_ASTERISK_CSV), id);
    cr_expect(fix_find(&f, FRAME_READY));
}

Test(feeds, a_dialog_longer_than_any_of_ours_is_refused)
{
    static const uint8_t LONG[4 * DIALOG_BYTES_MAX];
    uint16_t id = fix_hello(&f, "hep", FEED_HEP);
    batch_put_live(&f.batch, id, span_str("dialog"), span_of(LONG, sizeof LONG));
    cr_expect_eq(fix_commit(&f).status, ERR_SYNTAX);
}

/* People bring records; they move no cursor and end no call of a worker. */
Test(feeds, cursors_and_dialogs_are_not_moved_by_people)
{
    struct peer person = fix_peer_all();
    person.worker = false;
    uint16_t id = fix_hello(&f, "asterisk", FEED_ASTERISK_CSV);
    batch_put_cursor(&f.batch, id, span_str("file"), span_str("offset 1"));
    cr_assert_eq(fix_commit(&f).status, OK);
    fix_as(&f, &person);
    cr_assert_eq(fix_hello(&f, "asterisk", FEED_ASTERISK_CSV), id);
    expect_cursor("file", "");
    cr_expect_eq(fix_ask(&f, "audit list", NULL), CONTROL_DONE);
    cr_expect_str_eq(fix_cell(&f, 0, "action"), "ingest");
    batch_put_cursor(&f.batch, id, span_str("file"), span_str("offset 9"));
    cr_expect_eq(fix_send(&f, FRAME_BATCH, buf_span(&f.batch)), ERR_SYNTAX);
    buf_reset(&f.batch);
    batch_delete_live(&f.batch, id, span_str("dialog"));
    cr_expect_eq(fix_send(&f, FRAME_BATCH, buf_span(&f.batch)), ERR_SYNTAX);
}

struct copied {
    size_t key_bytes, value_bytes;
    uint8_t key[64], value[512];
};

static bool copy_row(void *arg, struct span key, struct span value)
{
    struct copied *c = arg;
    if (key.p[0] != META_FEED)
        return false;
    memcpy(c->key, key.p, c->key_bytes = key.n);
    memcpy(c->value, value.p, c->value_bytes = value.n);
    return false;
}

static struct copied first_feed_row(void)
{
    static const uint8_t FROM[] = {META_FEED};
    struct copied c = {0};
    cr_assert_eq(store_walk(f.vault->store, FAMILY_META, span_of(FROM, 1), copy_row, &c), OK);
    cr_assert_gt(c.key_bytes, 0);
    return c;
}

/* Another feed must never get the number of one whose row is gone or damaged: what it sends
 * again would be new, and be billed again. */
Test(feeds, a_lost_row_lends_its_number_to_nobody)
{
    uint16_t id[3];
    const char *const NAME[] = {"a", "b", "c"};
    for (int i = 0; i < 3; i++)
        id[i] = fix_hello(&f, NAME[i], FEED_ASTERISK_CSV);
    uint8_t key[9] = {META_FEED};
    keyring_prf(f.vault->keys, PRF_FEED, span_str("b"), key + 1, 8); /* not the last number */
    txn_delete(vault_txn(f.vault), FAMILY_META, span_of(key, sizeof key));
    cr_assert_eq(vault_flush(f.vault), OK);
    fix_reopen(&f, false);
    uint16_t now[4];
    for (int i = 0; i < 3; i++)
        now[i] = fix_hello(&f, NAME[i], FEED_ASTERISK_CSV);
    now[3] = fix_hello(&f, "d", FEED_ASTERISK_CSV);
    for (int i = 0; i < 4; i++)
        for (int k = 0; k < i; k++)
            cr_expect_neq(now[i], now[k], "%d %d", i, k);
    cr_expect_neq(id[0], id[1]);
}

Test(feeds, a_damaged_row_is_not_passed_over)
{
    fix_hello(&f, "a", FEED_ASTERISK_CSV);
    struct copied row = first_feed_row();
    row.value[row.value_bytes - 1] ^= 1;
    txn_put(vault_txn(f.vault), FAMILY_META, span_of(row.key, row.key_bytes),
            span_of(row.value, row.value_bytes));
    cr_assert_eq(vault_flush(f.vault), OK);
    f.link = vault_link_free(f.link);
    f.vault = vault_close(f.vault, false);
    struct diag d = {0};
    cr_expect_eq(vault_open(&f.options, &f.vault, &d), ERR_FORGED);
}

Test(feeds, a_malformed_hello_is_refused)
{
    cr_expect_eq(fix_send(&f, FRAME_HELLO,
                          span_str("\x05"
                                   "abc")),
                 ERR_SYNTAX);
    cr_expect_eq(fix_send(&f, FRAME_HELLO,
                          span_str("\x01"
                                   "a\x77")),
                 ERR_SYNTAX);
    struct peer person = fix_peer_all();
    person.ingest = false;
    fix_as(&f, &person);
    cr_expect_eq(fix_send(&f, FRAME_HELLO,
                          span_str("\x01"
                                   "a\x01")),
                 ERR_DENIED);
    cr_expect_eq(fix_send(&f, FRAME_BATCH, SPAN_EMPTY), ERR_DENIED);
}
