/* Proves: only registered consumers get rows; tokens of two consumers cannot be joined; rows
 * come in order, each once from a cursor, again with a higher revision when they changed;
 * whatever was acknowledged can be pulled; a consumer that was removed is a stranger. */
#include <criterion/criterion.h>

#include "proto/core/instant.h"
#include "proto/wire/pull.h"
#include "tests/lib/vault_fixture.h"
#include "vault/state.h"

static struct fix f;
static uint16_t feed;
static const int64_t T0 = 1795219200 * (int64_t)US_PER_S;
static const uint8_t KEY_A[CONSUMER_KEY_BYTES] = {1}, KEY_B[CONSUMER_KEY_BYTES] = {2},
                     KEY_C[CONSUMER_KEY_BYTES] = {3};

static enum control_status add_consumer(const char *name, const uint8_t *key, const char *family,
                                        bool id)
{
    uint8_t bytes[256];
    struct buf b = buf_of(bytes, sizeof bytes);
    control_put_verb(&b, "usage consumer add");
    control_put_arg(&b, "name", span_str(name));
    control_put_arg(&b, "public-key", span_of(key, CONSUMER_KEY_BYTES));
    control_put_arg(&b, "family", span_str(family));
    if (id)
        control_put_arg(&b, "account-id", span_str("1"));
    cr_assert_eq(fix_send(&f, FRAME_REQUEST, buf_span(&b)), OK);
    return (enum control_status)fix_find(&f, FRAME_END)->p[0];
}

static void setup(void)
{
    struct peer all = fix_peer_all();
    fix_init(&f, &all);
    feed = fix_hello(&f, "asterisk", FEED_ASTERISK_CSV);
    cr_assert_eq(
        fix_import(&f, "alpha,acct-a,number,+12125550101\nbeta,acct-b,number,+12125550103\n"),
        CONTROL_DONE);
    cr_assert_eq(add_consumer("a", KEY_A, "usage", false), CONTROL_DONE);
    cr_assert_eq(add_consumer("b", KEY_B, "usage", false), CONTROL_DONE);
}

static void teardown(void)
{
    fix_done(&f);
}

TestSuite(offer, .init = setup, .fini = teardown);

static void call(const char *from, const char *key)
{
    struct record r;
    fix_call(&r, feed, from, "+12125550199", T0, key);
    fix_add(&f, &r);
    cr_assert_eq(fix_commit(&f).accepted, 1);
}

static const struct fix_frame *ask(enum frame_type type, const uint8_t *key, const char *stream,
                                   uint64_t cursor, uint32_t max)
{
    uint8_t bytes[256];
    struct buf b = buf_of(bytes, sizeof bytes);
    struct pull_ask a = {span_of(key, CONSUMER_KEY_BYTES), span_str(stream), cursor, max};
    pull_ask_encode(&a, &b);
    cr_assert_eq(fix_send(&f, type, buf_span(&b)), OK);
    return &f.frame[f.frames_count - 1];
}

struct pulled {
    size_t count;
    uint64_t next;
    struct pull_row row[16];
};

static struct pulled pull(const uint8_t *key, uint64_t cursor, uint32_t max)
{
    struct pulled p = {0};
    struct pull_rows_head head;
    const struct fix_frame *rows = ask(FRAME_PULL, key, "usage.calls", cursor, max);
    cr_assert_eq(rows->type, FRAME_ROWS);
    struct reader r = reader_of(span_of(rows->p, rows->n));
    cr_assert_eq(pull_rows_head_decode(&r, &head, NULL), OK);
    p.next = head.next_cursor;
    while (reader_more(&r))
        cr_assert_eq(pull_row_next(&r, &p.row[p.count++], NULL), OK);
    return p;
}

Test(offer, what_was_acknowledged_can_be_pulled_at_once)
{
    call("+12125550101", "1");
    struct pulled p = pull(KEY_A, 0, 0);
    cr_assert_eq(p.count, 1);
    cr_expect_eq(p.row[0].attempts, 1);
    cr_expect_eq(p.row[0].duration_ms, 61500);
    cr_expect_eq(p.row[0].billed_count, 4);
    cr_expect(span_is(p.row[0].billed[3].name, "60/60"));
    cr_expect_eq(p.row[0].billed[3].value, 120);
    cr_expect_eq(p.next, p.row[0].position);
    cr_expect_eq(pull(KEY_A, p.next, 0).count, 0, "and only once from a cursor");
}

Test(offer, a_changed_row_comes_again_with_a_higher_revision)
{
    call("+12125550101", "1");
    struct pulled first = pull(KEY_A, 0, 0);
    uint32_t revision = first.row[0].revision;
    call("+12125550101", "2");
    struct pulled second = pull(KEY_A, first.next, 0);
    cr_assert_eq(second.count, 1);
    cr_expect_eq(second.row[0].attempts, 2, "rewritten, not patched");
    cr_expect_gt(second.row[0].revision, revision);
    cr_expect_eq(pull(KEY_A, 0, 0).count, 1, "the old place is gone");
}

Test(offer, rows_come_in_order_a_few_at_a_time)
{
    call("+12125550101", "1");
    call("+12125550103", "2");
    struct pulled one = pull(KEY_A, 0, 1);
    cr_assert_eq(one.count, 1);
    struct pulled two = pull(KEY_A, one.next, 1);
    cr_assert_eq(two.count, 1);
    cr_expect_gt(two.row[0].position, one.next - 1);
    cr_expect_eq(pull(KEY_A, two.next, 1).count, 0);
}

Test(offer, tokens_of_two_consumers_do_not_join)
{
    uint8_t a[64], b[64];
    call("+12125550101", "1");
    struct pulled p = pull(KEY_A, 0, 0);
    size_t n = p.row[0].account.n;
    memcpy(a, p.row[0].account.p, n);
    p = pull(KEY_B, 0, 0);
    cr_assert_eq(p.row[0].account.n, n);
    memcpy(b, p.row[0].account.p, n);
    cr_expect(memcmp(a, b, n) != 0);
    cr_expect_eq(span_find_span(p.row[0].account, span_str("acct")), n, "no id in a token");
    p = pull(KEY_A, 0, 0);
    cr_expect(memcmp(a, p.row[0].account.p, n) == 0, "a token is stable");
    cr_assert_eq(add_consumer("c", KEY_C, "usage", true), CONTROL_DONE);
    p = pull(KEY_C, 0, 0);
    cr_expect(span_is(p.row[0].account, "acct-a"), "unless the operator said so");
}

/* I10: one damaged row ends the answer that needs it, and nothing else. */
Test(offer, a_damaged_row_refuses_its_pull)
{
    static const uint8_t POSITION[8] = {0, 0, 0, 0, 0, 0, 0, 1}, NO_TAG[16];
    call("+12125550101", "1");
    cr_expect_eq(ask(FRAME_PULL, KEY_A, "usage.calls", 0, 0)->type, FRAME_ROWS);
    txn_put(vault_txn(f.vault), FAMILY_OUTBOX, span_of(POSITION, sizeof POSITION),
            span_of(NO_TAG, sizeof NO_TAG));
    cr_assert_eq(vault_flush(f.vault), OK);
    const struct fix_frame *r = ask(FRAME_PULL, KEY_A, "usage.calls", 0, 0);
    cr_expect(r->type == FRAME_REFUSED && r->p[0] == PULL_DAMAGED);
    cr_expect_eq(ask(FRAME_PULL, KEY_A, "usage.calls", 1, 0)->type, FRAME_ROWS, "behind it");
}

Test(offer, strangers_streams_and_families_are_refused)
{
    static const uint8_t STRANGER[CONSUMER_KEY_BYTES] = {9};
    const struct fix_frame *r = ask(FRAME_PULL, STRANGER, "usage.calls", 0, 0);
    cr_expect(r->type == FRAME_REFUSED && r->p[0] == PULL_DENIED);
    r = ask(FRAME_CONFIRM, STRANGER, "usage.calls", 1, 0);
    cr_expect(r->type == FRAME_REFUSED && r->p[0] == PULL_DENIED);
    r = ask(FRAME_PULL, KEY_A, "calls", 0, 0);
    cr_expect(r->type == FRAME_REFUSED && r->p[0] == PULL_NO_STREAM);
    cr_assert_eq(add_consumer("agg", KEY_C, "agg", false), CONTROL_DONE);
    r = ask(FRAME_PULL, KEY_C, "usage.calls", 0, 0);
    cr_expect(r->type == FRAME_REFUSED && r->p[0] == PULL_DENIED);
    cr_assert_eq(fix_send(&f, FRAME_CONSUMER_ASK, span_of(STRANGER, sizeof STRANGER)), OK);
    cr_expect_eq(fix_find(&f, FRAME_CONSUMER)->n, 0);
    cr_assert_eq(fix_send(&f, FRAME_CONSUMER_ASK, span_of(KEY_A, sizeof KEY_A)), OK);
    cr_expect_gt(fix_find(&f, FRAME_CONSUMER)->n, 0);
}

Test(offer, only_forward_may_ask)
{
    struct peer person = fix_peer_all();
    person.forward = false;
    fix_as(&f, &person);
    cr_expect_eq(fix_send(&f, FRAME_FORWARD_HELLO, SPAN_EMPTY), ERR_DENIED);
    cr_expect_eq(fix_send(&f, FRAME_PULL, SPAN_EMPTY), ERR_DENIED);
}

Test(offer, confirmations_outlive_a_crash_and_show_the_lag)
{
    call("+12125550101", "1");
    struct pulled p = pull(KEY_A, 0, 0);
    cr_expect_eq(ask(FRAME_CONFIRM, KEY_A, "usage.calls", p.next, 0)->type, FRAME_CONFIRMED);
    fix_reopen(&f, false);
    cr_assert_eq(fix_ask(&f, "usage consumer list", NULL), CONTROL_DONE);
    cr_assert_eq(fix_rows(&f), 2);
    size_t a = strcmp(fix_cell(&f, 0, "name"), "a") == 0 ? 0 : 1;
    cr_expect_str_eq(fix_cell(&f, a, "lag"), "0");
    cr_expect_str_neq(fix_cell(&f, 1 - a, "lag"), "0");
}

Test(offer, a_name_is_taken_once_and_arguments_are_checked)
{
    cr_expect_eq(add_consumer("a", KEY_C, "usage", false), CONTROL_FAILED);
    cr_expect_eq(add_consumer("again", KEY_A, "usage", true), CONTROL_FAILED,
                 "a key is one name's");
    cr_expect_eq(add_consumer("", KEY_C, "usage", false), CONTROL_USAGE);
    cr_expect_eq(add_consumer("d", KEY_C, "calls", false), CONTROL_USAGE);
    struct peer operator_ = fix_peer_all();
    operator_.roles = (role_set)1 << ROLE_OPERATOR;
    fix_as(&f, &operator_);
    cr_expect_eq(add_consumer("e", KEY_C, "usage", false), CONTROL_DENIED);
}

static enum control_status remove_consumer(const char *name)
{
    return fix_ask(&f, "usage consumer remove", "name", name, NULL);
}

Test(offer, a_removed_consumer_is_a_stranger)
{
    call("+12125550101", "1");
    struct pulled p = pull(KEY_A, 0, 0);
    cr_expect_eq(ask(FRAME_CONFIRM, KEY_A, "usage.calls", p.next, 0)->type, FRAME_CONFIRMED);
    cr_assert_eq(remove_consumer("a"), CONTROL_DONE, "%s", fix_end_text(&f));
    fix_reopen(&f, false);
    cr_expect_eq(ask(FRAME_PULL, KEY_A, "usage.calls", 0, 0)->type, FRAME_REFUSED);
    cr_expect_eq(ask(FRAME_CONFIRM, KEY_A, "usage.calls", p.next, 0)->type, FRAME_REFUSED);
    cr_expect_eq(fix_send(&f, FRAME_CONSUMER_ASK, span_of(KEY_A, sizeof KEY_A)), OK);
    cr_expect_eq(fix_find(&f, FRAME_CONSUMER)->n, 0);
    cr_expect_gt(pull(KEY_B, 0, 0).count, 0, "the other one is as before");
    cr_assert_eq(fix_ask(&f, "usage consumer list", NULL), CONTROL_DONE);
    cr_assert_eq(fix_rows(&f), 1);
    cr_expect_str_eq(fix_cell(&f, 0, "name"), "b");
    cr_expect_eq(remove_consumer("a"), CONTROL_NOTFOUND);
}

Test(offer, forward_is_told_who_was_removed)
{
    cr_assert_eq(fix_send(&f, FRAME_FORWARD_HELLO, SPAN_EMPTY), OK);
    cr_assert_eq(remove_consumer("b"), CONTROL_DONE);
    const struct fix_frame *gone = fix_find(&f, FRAME_CONSUMER_GONE);
    cr_assert_not_null(gone);
    cr_expect(span_eq(span_of(gone->p, gone->n), span_of(KEY_B, sizeof KEY_B)));
}

Test(offer, who_is_added_again_begins_again)
{
    call("+12125550101", "1");
    struct pulled p = pull(KEY_A, 0, 0);
    cr_expect_eq(ask(FRAME_CONFIRM, KEY_A, "usage.calls", p.next, 0)->type, FRAME_CONFIRMED);
    cr_assert_eq(remove_consumer("b"), CONTROL_DONE);
    cr_assert_eq(remove_consumer("a"), CONTROL_DONE);
    cr_assert_eq(add_consumer("again", KEY_A, "usage", false), CONTROL_DONE);
    cr_assert_eq(fix_ask(&f, "usage consumer list", NULL), CONTROL_DONE);
    cr_assert_eq(fix_rows(&f), 1);
    cr_expect_str_eq(fix_cell(&f, 0, "confirmed"), "0");
}

Test(offer, removing_wants_the_right_and_leaves_a_line)
{
    struct peer operator_ = fix_peer_all(), all = fix_peer_all();
    operator_.roles = (role_set)1 << ROLE_OPERATOR;
    fix_as(&f, &operator_);
    cr_expect_eq(remove_consumer("a"), CONTROL_DENIED);
    cr_expect_eq(remove_consumer("nobody"), CONTROL_DENIED, "nor does he learn who there is");
    fix_as(&f, &all);
    cr_expect_eq(remove_consumer(""), CONTROL_NOTFOUND);
    cr_assert_eq(remove_consumer("a"), CONTROL_DONE);
    cr_assert_eq(fix_ask(&f, "audit list", NULL), CONTROL_DONE);
    size_t last = fix_rows(&f) - 1;
    cr_expect_str_eq(fix_cell(&f, last, "action"), "consumer write");
    cr_expect_str_eq(fix_cell(&f, last, "outcome"), "done");
    cr_expect_str_eq(fix_cell(&f, last, "detail"), "removed a");
}

Test(offer, forward_is_given_the_curve_key_and_hints)
{
    cr_assert_eq(fix_send(&f, FRAME_FORWARD_HELLO, SPAN_EMPTY), OK);
    cr_expect_eq(fix_find(&f, FRAME_FORWARD_SECRET)->n, 64);
    call("+12125550101", "1");
    f.now_us += 2 * US_PER_S;
    cr_assert_eq(vault_tick(f.vault), OK);
    cr_expect(fix_find(&f, FRAME_POSITION), "a position behind the receipt of the call");
}
