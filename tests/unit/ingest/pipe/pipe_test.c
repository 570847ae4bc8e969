/* Proves: a record reaches the batch once and is counted, a full queue is said and changes
 * nothing, a tool that may wait does; refusals and classes are counted where they belong. */
#include "ingest/pipe/pipe.h"

#include <criterion/criterion.h>

#include "tests/lib/pipe_fixture.h"

static struct record R;

static void some_record(const struct pipe_fixture *x, const char *key)
{
    record_reset(&R);
    R.call.feed_id = x->feed.id;
    R.dedup = span_str(key);
}

Test(pipe, puts_and_counts)
{
    struct pipe_fixture x;
    pipe_fixture_init(&x, FEED_HEP);
    some_record(&x, "a");
    cr_assert_eq(pipe_put(&x.pipe, &x.feed, &R, SPAN_EMPTY), OK);
    pipe_received(&x.pipe, &x.feed, 100);
    pipe_fixture_settle(&x);
    cr_expect_eq(x.vault.records_count, 1);
    cr_expect_eq(x.pipe.records, 1);
    cr_expect_eq(pipe_fixture_count(&x, METRIC_RECORDS, (enum reason)0), 1);
    cr_expect_eq(pipe_fixture_count(&x, METRIC_RECEIVED_BYTES, (enum reason)0), 100);
    pipe_fixture_done(&x);
}

static bool wait_one(void *arg)
{
    struct pipe_fixture *x = arg;
    pipe_fixture_settle(x);
    return true;
}

static bool wait_gives_up(void *arg)
{
    (void)arg;
    return false;
}

Test(pipe, full_queue)
{
    struct pipe_fixture x;
    pipe_fixture_init(&x, FEED_HEP);
    some_record(&x, "a");
    struct outlet *o = uplink_outlet(x.uplink);
    x.vault.withhold = true;
    while (outlet_room(o)) {
        cr_assert_eq(pipe_put(&x.pipe, &x.feed, &R, SPAN_EMPTY), OK);
        outlet_close_batch(o);
    }
    cr_expect_not(pipe_room(&x.pipe));
    uint64_t records = x.pipe.records;
    x.pipe.wait = wait_gives_up;
    cr_expect_eq(pipe_put(&x.pipe, &x.feed, &R, SPAN_EMPTY), ERR_SHUTDOWN);
    cr_expect_eq(x.pipe.records, records);
    x.vault.withhold = false;
    x.pipe.wait = wait_one;
    x.pipe.wait_arg = &x;
    cr_expect(pipe_room(&x.pipe), "who waits always has room");
    cr_expect_eq(pipe_put(&x.pipe, &x.feed, &R, SPAN_EMPTY), OK);
    pipe_fixture_settle(&x);
    pipe_fixture_done(&x);
}

Test(pipe, refusals_and_classes)
{
    struct pipe_fixture x;
    struct classify_counts c = {.unknown = 2, .cut = 1};
    pipe_fixture_init(&x, FEED_HEP);
    pipe_refuse(&x.pipe, &x.feed, METRIC_MALFORMED, REASON_SIP, &(struct diag){"why", 7});
    cr_expect_eq(x.last.at, 7);
    pipe_refuse(&x.pipe, &x.feed, METRIC_MALFORMED, REASON_SIP, NULL);
    cr_expect_eq(x.refusals, 2);
    cr_expect_eq(pipe_fixture_count(&x, METRIC_MALFORMED, REASON_SIP), 2);
    c.by_handling[HANDLE_DROP] = 4;
    pipe_classified(&x.pipe, &x.feed, &c);
    pipe_classified(&x.pipe, &x.feed, &c); /* emptied by the first one */
    cr_expect_eq(pipe_fixture_count(&x, METRIC_FIELDS_DROPPED, (enum reason)0), 5);
    cr_expect_eq(pipe_fixture_count(&x, METRIC_FIELDS_UNKNOWN, (enum reason)0), 2);
    pipe_fixture_done(&x);
}
