/* Proves: the handshake; that answers to a predecessor's HELLO and dialogs older than ours are
 * ignored; that nothing is sent before READY; that what the vault may not say is an error. */
#include "ingest/pipe/uplink.h"

#include <criterion/criterion.h>

#include "tests/lib/fake_vault.h"

static const struct uplink_feed FEEDS[] = {{SPAN_LIT("hep"), FEED_HEP},
                                           {SPAN_LIT("file"), FEED_ASTERISK_CSV}};

struct bed {
    struct fake_vault vault;
    struct uplink *uplink;
    uint16_t id[2];
    enum feed_kind kind[2];
    unsigned cursors, lives;
};

static void on_welcome(void *arg, size_t feed, uint16_t id, enum feed_kind kind, struct reader *r)
{
    struct bed *b = arg;
    b->id[feed] = id;
    b->kind[feed] = kind;
    while (reader_more(r)) {
        cr_expect(span_is(reader_lv(r), "key"));
        cr_expect(span_is(reader_lv(r), "value"));
        b->cursors++;
    }
}

static void on_live(void *arg, struct span key, struct span value)
{
    cr_expect(span_is(key, "k") && span_is(value, "v"));
    ((struct bed *)arg)->lives++;
}

static void setup(struct bed *b)
{
    struct uplink_options o = {FEEDS, 2, 1000, {on_welcome, on_live, b}};
    memset(b, 0, sizeof *b);
    fake_vault_init(&b->vault);
    cr_assert_eq(uplink_new(&o, &b->uplink), OK);
    b->vault.link.on_frame = uplink_frame;
    b->vault.link.arg = b->uplink;
    uplink_attach(b->uplink, &b->vault.link);
}

static enum err turn(struct bed *b)
{
    enum err e = uplink_turn(b->uplink);
    cr_assert_eq(b->vault.link.ops->receive(&b->vault.link), OK);
    return e;
}

static void teardown(struct bed *b)
{
    cr_expect_eq(b->vault.violations, 0);
    uplink_free(b->uplink);
    fake_vault_done(&b->vault);
}

static void say(struct bed *b, enum frame_type type, uint32_t id, struct span payload)
{
    struct frame f = {type, id, payload};
    uplink_frame(b->uplink, &f);
}

Test(uplink, hello_welcome_ready)
{
    struct bed b;
    setup(&b);
    cr_expect_not(uplink_started(b.uplink));
    cr_assert_eq(turn(&b), OK);
    cr_expect(uplink_ready(b.uplink) && uplink_started(b.uplink));
    cr_expect_eq(b.id[0], 1);
    cr_expect_eq(b.id[1], 2);
    cr_expect_eq(b.kind[1], FEED_ASTERISK_CSV);
    teardown(&b);
}

Test(uplink, nothing_is_sent_before_ready_and_all_of_it_behind)
{
    struct bed b;
    setup(&b);
    struct outlet *o = uplink_outlet(b.uplink);
    cr_assert_eq(outlet_live(o, 1, span_str("k"), span_str("v"), 0), OK);
    cr_assert_eq(outlet_cursor(o, 2, span_str("key"), span_str("value"), 0), OK);
    outlet_close_batch(o);
    cr_assert_eq(uplink_turn(b.uplink), OK); /* HELLO is out, READY not read */
    cr_expect_null(b.vault.pending);
    cr_assert_eq(turn(&b), OK);
    cr_assert_eq(turn(&b), OK);
    cr_expect(outlet_idle(o));
    cr_expect_eq(b.vault.lives_count, 1);
    teardown(&b);
}

Test(uplink, hands_back_cursors_and_dialogs_once)
{
    struct bed b;
    setup(&b);
    cr_assert_eq(turn(&b), OK);
    struct outlet *o = uplink_outlet(b.uplink);
    cr_assert_eq(outlet_live(o, 1, span_str("k"), span_str("v"), 0), OK);
    cr_assert_eq(outlet_cursor(o, 2, span_str("key"), span_str("value"), 0), OK);
    outlet_close_batch(o);
    cr_assert_eq(turn(&b), OK);
    fake_vault_restart(&b.vault);
    cr_assert_eq(turn(&b), OK); /* GREETING */
    cr_expect_not(uplink_ready(b.uplink));
    cr_expect(uplink_started(b.uplink));
    cr_assert_eq(turn(&b), OK);
    cr_expect(uplink_ready(b.uplink));
    cr_expect_eq(b.lives, 0, "ours are newer");
    cr_expect_eq(b.cursors, 1);

    struct uplink *successor;
    struct uplink_options options = {FEEDS, 2, 2000, {on_welcome, on_live, &b}};
    cr_assert_eq(uplink_new(&options, &successor), OK);
    uplink_free(b.uplink);
    b.uplink = b.vault.link.arg = successor;
    uplink_attach(successor, &b.vault.link);
    cr_assert_eq(turn(&b), OK);
    cr_expect_eq(b.lives, 1);
    cr_expect_eq(b.cursors, 2);
    teardown(&b);
}

Test(uplink, answers_to_a_predecessor_are_ignored)
{
    struct bed b;
    uint8_t room[64];
    struct buf w = buf_of(room, sizeof room);
    setup(&b);
    buf_be16(&w, 77);
    buf_u8(&w, FEED_HEP);
    buf_lv(&w, span_str("hep"));
    cr_assert_eq(uplink_turn(b.uplink), OK);
    say(&b, FRAME_WELCOME, 999, buf_span(&w));
    say(&b, FRAME_READY, 999, SPAN_EMPTY);
    cr_expect_eq(b.id[0], 0);
    cr_expect_not(uplink_ready(b.uplink));
    cr_assert_eq(turn(&b), OK);
    cr_expect(uplink_ready(b.uplink));
    cr_expect_eq(b.id[0], 1);
    teardown(&b);
}

Test(uplink, hello_waits_for_the_socket)
{
    struct bed b;
    setup(&b);
    b.vault.full = true;
    cr_assert_eq(turn(&b), OK);
    cr_expect(uplink_blocked(b.uplink));
    cr_expect_eq(b.vault.hellos, 0);
    b.vault.full = false;
    cr_assert_eq(turn(&b), OK);
    cr_expect_eq(b.vault.hellos, 1);
    teardown(&b);
}

Test(uplink, what_the_vault_may_not_say)
{
    static const struct {
        const char *name;
        enum frame_type type;
        struct span payload;
    } ROWS[] = {
        {"a frame of another conversation", FRAME_ROW, SPAN_LIT("x")},
        {"our own word", FRAME_HELLO, SPAN_LIT("")},
        {"a welcome cut short", FRAME_WELCOME, SPAN_LIT("\0\1")},
        {"a welcome of a feed we did not name", FRAME_WELCOME, SPAN_LIT("\0\1\1\1x")},
        {"a dialog cut short", FRAME_LIVE, SPAN_LIT("\1k\5v")},
        {"no receipt", FRAME_RECEIPT, SPAN_LIT("\xff")},
    };
    for (size_t i = 0; i < sizeof ROWS / sizeof ROWS[0]; i++) {
        struct bed b;
        setup(&b);
        cr_assert_eq(uplink_turn(b.uplink), OK);
        say(&b, ROWS[i].type, 1001, ROWS[i].payload);
        cr_expect_eq(uplink_turn(b.uplink), ERR_SYNTAX, "%s", ROWS[i].name);
        teardown(&b);
    }
}
