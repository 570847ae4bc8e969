/* Proves: every operation that was put reaches the vault exactly once, in order, whatever the
 * sizes, through withheld receipts, a full socket and restarts of the vault (I2, I3); what
 * waits is bounded, and says so before anything is refused (I9). */
#include "ingest/pipe/outlet.h"

#include <criterion/criterion.h>

#include "ingest/pipe/uplink.h"
#include "proto/core/instant.h"
#include "tests/lib/fake_vault.h"

static void on_welcome(void *arg, size_t feed, uint16_t id, enum feed_kind kind, struct reader *r)
{
    (void)arg, (void)feed, (void)id, (void)kind, (void)r;
}

static void on_live(void *arg, struct span key, struct span value)
{
    (void)arg, (void)key, (void)value;
}

struct bed { /* an outlet as it stands in its uplink, before a fake vault */
    struct fake_vault vault;
    struct uplink *uplink;
    struct outlet *outlet;
};

static const struct uplink_feed FEEDS[] = {{SPAN_LIT("file"), FEED_ASTERISK_CSV},
                                           {SPAN_LIT("other"), FEED_ASTERISK_CSV}};

static void turn(struct bed *b)
{
    cr_assert_eq(uplink_turn(b->uplink), OK);
    cr_assert_eq(b->vault.link.ops->receive(&b->vault.link), OK);
}

static void setup(struct bed *b)
{
    struct uplink_options o = {FEEDS, 2, 0xfffffffeu, {on_welcome, on_live, NULL}};
    fake_vault_init(&b->vault);
    cr_assert_eq(uplink_new(&o, &b->uplink), OK);
    b->vault.link.on_frame = uplink_frame;
    b->vault.link.arg = b->uplink;
    uplink_attach(b->uplink, &b->vault.link);
    b->outlet = uplink_outlet(b->uplink);
    turn(b);
    cr_assert(uplink_ready(b->uplink));
}

static void teardown(struct bed *b)
{
    cr_expect_eq(b->vault.violations, 0);
    uplink_free(b->uplink);
    fake_vault_done(&b->vault);
}

/* A record of about n bytes with the number i as its dedup key. */
static struct span record_of(uint32_t i, size_t n, struct buf *out)
{
    static uint8_t filling[FIELD_BYTES_MAX];
    static struct record r;
    uint8_t key[4];
    struct buf k = buf_of(key, sizeof key);
    buf_be32(&k, i);
    record_reset(&r);
    r.call.feed_id = 1;
    r.dedup = buf_span(&k);
    for (; n > FIELD_BYTES_MAX; n -= FIELD_BYTES_MAX)
        record_extra(&r, 0, span_str("x"), span_of(filling, FIELD_BYTES_MAX));
    record_extra(&r, 0, span_str("y"), span_of(filling, n));
    buf_reset(out);
    cr_assert_eq(record_encode(&r, out), OK);
    return buf_span(out);
}

static uint8_t RECORD_ROOM[RECORD_BYTES_MAX];

static enum err put(struct bed *b, uint32_t i, size_t n)
{
    struct buf room = buf_of(RECORD_ROOM, sizeof RECORD_ROOM);
    return outlet_record(b->outlet, record_of(i, n, &room), 1, SPAN_EMPTY, 0);
}

static void settle(struct bed *b)
{
    outlet_close_batch(b->outlet);
    for (int i = 0; i < 2000 && !outlet_idle(b->outlet); i++)
        turn(b);
    cr_assert(outlet_idle(b->outlet), "%zu batches still wait", outlet_waiting(b->outlet));
}

static uint32_t number_of(const struct fake_record *r)
{
    struct reader in = reader_of(r->dedup);
    return reader_be32(&in);
}

static void expect_exactly(const struct bed *b, uint32_t n)
{
    cr_assert_eq(b->vault.records_count, n);
    for (uint32_t i = 0; i < n; i++)
        cr_expect_eq(number_of(&b->vault.record[i]), i);
}

Test(outlet, everything_arrives_once_and_in_order)
{
    struct bed b;
    setup(&b);
    static const size_t SIZES[] = {10, 200, 4000, 30000, 46000, 1, 65000 / 3};
    for (uint32_t i = 0; i < 500; i++) {
        cr_assert_eq(put(&b, i, SIZES[i % 7]), OK);
        turn(&b);
    }
    settle(&b);
    expect_exactly(&b, 500);
    cr_expect_eq(outlet_counts(b.outlet)->accepted, 500);
    cr_expect_eq(b.vault.duplicates, 0);
    teardown(&b);
}

Test(outlet, cursor_travels_behind_the_records_it_covers)
{
    struct bed b;
    setup(&b);
    b.vault.withhold = true;
    for (uint32_t i = 0; i < 40; i++) { /* large ones: a batch holds three */
        uint8_t at[4];
        struct buf value = buf_of(at, sizeof at);
        buf_be32(&value, i);
        cr_assert_eq(put(&b, i, 20000), OK);
        cr_assert_eq(outlet_cursor(b.outlet, 1, span_str("k"), buf_span(&value), 0), OK);
        cr_assert_eq(outlet_cursor(b.outlet, 2, span_str("k"), buf_span(&value), 0), OK);
        turn(&b);
        fake_vault_commit(&b.vault);
        if (b.vault.records_count == 0)
            continue;
        cr_assert_eq(b.vault.cursors_count, 2);
        struct reader r = reader_of(span_of(b.vault.cursor[0].value, 4));
        cr_expect_eq(reader_be32(&r) + 1, b.vault.records_count);
    }
    b.vault.withhold = false;
    settle(&b);
    expect_exactly(&b, 40);
    teardown(&b);
}

Test(outlet, waits_then_is_crowded_then_refuses)
{
    struct bed b;
    setup(&b);
    b.vault.withhold = true;
    uint32_t i = 0;
    while (outlet_room(b.outlet)) {
        cr_assert_eq(put(&b, i++, 40000), OK);
        turn(&b);
    }
    cr_expect_eq(outlet_waiting(b.outlet), BATCHES_IN_FLIGHT_MAX);
    cr_expect_not(outlet_crowded(b.outlet));
    while (!outlet_crowded(b.outlet))
        cr_assert_eq(put(&b, i++, 40000), OK);
    cr_expect_eq(outlet_waiting(b.outlet), OUTLET_QUEUE_MAX / 2);
    enum err e;
    while ((e = put(&b, i, 40000)) == OK)
        i++;
    cr_expect_eq(e, ERR_FULL);
    cr_expect_eq(outlet_waiting(b.outlet), OUTLET_QUEUE_MAX);
    b.vault.withhold = false;
    settle(&b);
    expect_exactly(&b, i);
    teardown(&b);
}

Test(outlet, durable_is_a_prefix)
{
    struct bed b;
    setup(&b);
    b.vault.withhold = true;
    cr_assert_eq(put(&b, 0, 10), OK);
    uint64_t first = outlet_seq(b.outlet);
    outlet_close_batch(b.outlet);
    cr_assert_eq(put(&b, 1, 10), OK);
    uint64_t second = outlet_seq(b.outlet);
    cr_expect_eq(second, first + 1);
    outlet_close_batch(b.outlet);
    cr_expect_eq(outlet_seq(b.outlet), second, "of the batch that the last operation went to");
    turn(&b);
    cr_expect_lt(outlet_durable(b.outlet), first);

    uint8_t bytes[16]; /* the receipt of the second one comes first: nothing may rely on it */
    struct buf r = buf_of(bytes, sizeof bytes);
    struct diag d;
    receipt_encode(&(struct receipt){.status = OK, .accepted = 1}, &r);
    uint32_t id = b.vault.last_id;
    cr_assert_eq(outlet_receipt(b.outlet, id, buf_span(&r), &d), OK);
    cr_expect_lt(outlet_durable(b.outlet), first);
    cr_assert_eq(outlet_receipt(b.outlet, id - 1, buf_span(&r), &d), OK);
    cr_expect_eq(outlet_durable(b.outlet), second);
    cr_assert_eq(outlet_receipt(b.outlet, id, buf_span(&r), &d), OK, "again: ignored");
    cr_expect_eq(outlet_counts(b.outlet)->accepted, 2);
    teardown(&b);
}

Test(outlet, what_has_no_receipt_is_sent_again_after_a_restart)
{
    struct bed b;
    setup(&b);
    b.vault.withhold = true;
    for (uint32_t i = 0; i < 100; i++) {
        cr_assert_eq(put(&b, i, 30000), OK);
        cr_assert_eq(uplink_turn(b.uplink), OK);
        if (i == 10)
            fake_vault_commit(&b.vault); /* durable, but the receipts die with the vault */
    }
    size_t durable = b.vault.records_count;
    cr_expect_gt(durable, 0);
    fake_vault_restart(&b.vault);
    b.vault.withhold = false;
    turn(&b);
    turn(&b);
    settle(&b);
    expect_exactly(&b, 100);
    cr_expect_eq(b.vault.duplicates, durable);
    cr_expect_gt(outlet_counts(b.outlet)->resent, 0);
    cr_expect_eq(b.vault.hellos, 2);
    teardown(&b);
}

/* Receipts between GREETING and READY are of a vault that did not know our feeds. */
Test(outlet, receipt_while_held_is_ignored)
{
    struct bed b;
    uint8_t bytes[16];
    struct buf r = buf_of(bytes, sizeof bytes);
    struct diag d;
    setup(&b);
    b.vault.withhold = true;
    cr_assert_eq(put(&b, 0, 10), OK);
    outlet_close_batch(b.outlet);
    turn(&b);
    receipt_encode(&(struct receipt){.status = OK, .refused = 1}, &r);
    outlet_hold(b.outlet);
    cr_assert_eq(outlet_receipt(b.outlet, b.vault.last_id, buf_span(&r), &d), OK);
    cr_expect_eq(outlet_waiting(b.outlet), 1);
    fake_vault_restart(&b.vault);
    b.vault.withhold = false;
    turn(&b);
    settle(&b);
    expect_exactly(&b, 1);
    teardown(&b);
}

Test(outlet, full_socket_is_waited_for)
{
    struct bed b;
    setup(&b);
    b.vault.full = true;
    cr_assert_eq(put(&b, 0, 10), OK);
    outlet_close_batch(b.outlet);
    cr_assert_eq(outlet_pump(b.outlet), OK);
    cr_expect(outlet_blocked(b.outlet));
    cr_expect(uplink_blocked(b.uplink));
    b.vault.full = false;
    settle(&b);
    cr_expect_not(outlet_blocked(b.outlet));
    expect_exactly(&b, 1);
    teardown(&b);
}

Test(outlet, refused_batch_is_the_callers_to_decide)
{
    struct bed b;
    setup(&b);
    b.vault.refuse = ERR_STORE;
    cr_assert_eq(put(&b, 0, 10), OK);
    outlet_close_batch(b.outlet);
    turn(&b);
    cr_expect_eq(uplink_turn(b.uplink), ERR_STORE);
    cr_expect_eq(outlet_waiting(b.outlet), 1, "kept");
    teardown(&b);
}

Test(outlet, due_by_the_age_of_the_batch)
{
    struct bed b;
    struct buf room = buf_of(RECORD_ROOM, sizeof RECORD_ROOM);
    setup(&b);
    cr_expect_eq(outlet_due_us(b.outlet, 5000, 1), UINT64_MAX);
    cr_assert_eq(outlet_record(b.outlet, record_of(0, 10, &room), 1, SPAN_EMPTY, 1000), OK);
    cr_assert_eq(outlet_record(b.outlet, record_of(1, 10, &room), 1, SPAN_EMPTY, 4000), OK);
    cr_expect_eq(outlet_due_us(b.outlet, 5000, 4000), 2000);
    cr_expect_eq(outlet_due_us(b.outlet, 5000, 9000), 0);
    settle(&b);
    teardown(&b);
}

Test(outlet, limits)
{
    static uint8_t big[OUTLET_BATCH_BYTES_MAX];
    struct bed b;
    setup(&b);
    struct span key = span_str("k");
    cr_expect_eq(outlet_record(b.outlet, span_of(big, RECORD_BYTES_MAX + 1), 1, SPAN_EMPTY, 0),
                 ERR_LIMIT);
    cr_expect_eq(outlet_live(b.outlet, 1, key, span_of(big, sizeof big), 0), ERR_LIMIT);
    cr_expect_eq(outlet_cursor(b.outlet, 1, key, span_of(big, CURSOR_BYTES_MAX + 1), 0), ERR_LIMIT);
    for (uint16_t i = 0; i < FEEDS_MAX; i++)
        cr_expect_eq(outlet_cursor(b.outlet, (uint16_t)(i % 2 + 1), span_of(&i, 2), key, 0), OK);
    cr_expect_eq(outlet_cursor(b.outlet, 1, key, key, 0), ERR_LIMIT);
    cr_expect_eq(put(&b, 0, 45000), OK, "the largest record fits behind any cursors");
    settle(&b);
    cr_expect_eq(b.vault.cursors_count, FEEDS_MAX);
    teardown(&b);
}

/* However full the batch becomes, the cursors of the longest kind still go into it. */
Test(outlet, cursors_have_their_room)
{
    static uint8_t long_one[CURSOR_BYTES_MAX];
    struct bed b;
    setup(&b);
    for (uint8_t i = 0; i < FEEDS_MAX; i++) {
        long_one[0] = i;
        struct span text = span_of(long_one, sizeof long_one);
        cr_assert_eq(outlet_cursor(b.outlet, 1, text, text, 0), OK);
    }
    for (uint32_t i = 0; i < 1000; i++)
        cr_assert_eq(put(&b, i, 100), OK);
    cr_expect_gt(outlet_waiting(b.outlet), 0);
    settle(&b);
    expect_exactly(&b, 1000);
    cr_expect_eq(b.vault.cursors_count, FEEDS_MAX);
    teardown(&b);
}

Test(outlet, dialogs_are_put_and_deleted)
{
    struct bed b;
    setup(&b);
    cr_assert_eq(outlet_live(b.outlet, 1, span_str("a"), span_str("1"), 0), OK);
    cr_assert_eq(outlet_live(b.outlet, 1, span_str("b"), span_str("2"), 0), OK);
    cr_assert_eq(outlet_live(b.outlet, 1, span_str("a"), SPAN_EMPTY, 0), OK);
    settle(&b);
    cr_expect_eq(b.vault.lives_count, 1);
    teardown(&b);
}

/* Property: whatever happens to the vault, in whatever order, the records are 0..n-1. */
Test(outlet, random_weather)
{
    for (unsigned seed = 1; seed <= 40; seed++) {
        struct bed b;
        uint32_t n = 0;
        unsigned rnd = seed;
        setup(&b);
        for (int step = 0; step < 400; step++) {
            unsigned dice = (unsigned)rand_r(&rnd) % 100;
            if (dice < 60 && outlet_room(b.outlet))
                cr_assert_eq(put(&b, n++, (size_t)rand_r(&rnd) % 46000), OK);
            else if (dice < 70)
                outlet_close_batch(b.outlet);
            else if (dice < 75)
                b.vault.withhold = !b.vault.withhold;
            else if (dice < 80)
                b.vault.full = !b.vault.full;
            else if (dice < 84)
                fake_vault_restart(&b.vault);
            else if (dice < 90)
                fake_vault_commit(&b.vault);
            else
                turn(&b);
        }
        b.vault.withhold = b.vault.full = false;
        settle(&b);
        expect_exactly(&b, n);
        teardown(&b);
    }
}
