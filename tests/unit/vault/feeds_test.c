/* Proves: feeds keep their numbers, cursors and live dialogs come back as they were put, also
 * after a crash, and only to the feed they belong to. */
#include <criterion/criterion.h>

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

Test(feeds, another_feeds_cursor_is_refused)
{
    uint16_t id = fix_hello(&f, "asterisk", FEED_ASTERISK_CSV);
    batch_put_cursor(&f.batch, (uint16_t)(id + 1), span_str("file"), span_str("x"));
    cr_expect_eq(fix_send(&f, FRAME_BATCH, buf_span(&f.batch)), ERR_SYNTAX);
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
