/* The desk without sockets and clock: every way of a request through its states, to the
 * millisecond; bounds of seats; late, doubled and damaged answers; the numbers it shows. */
#include <criterion/criterion.h>
#include <stdio.h>

#include "ingest/forward/desk.h"

enum { FIRST_ID = 77, QUESTIONS = 2048, T0 = 1000 };

static struct {
    struct desk *desk;
    struct metrics metrics;
    struct arena arena;
    enum err vault; /* what asking gives */
    size_t asked, answered;
    struct {
        enum frame_type type;
        uint32_t id;
        uint64_t cursor;
    } question[QUESTIONS];
    char last_peer[DESK_PEER_BYTES_MAX + 1];
    struct cu1_answer answer; /* the last one, in the arena */
} t;

static enum err ask(void *arg, enum frame_type type, uint32_t id, struct span payload)
{
    struct pull_ask a;
    (void)arg;
    if (t.vault != OK)
        return t.vault;
    cr_assert_lt(t.asked, QUESTIONS);
    cr_assert_eq(pull_ask_decode(payload, &a, NULL), OK);
    t.question[t.asked].type = type;
    t.question[t.asked].id = id;
    t.question[t.asked++].cursor = a.cursor;
    return OK;
}

static void answer(void *arg, struct span peer, struct span envelope)
{
    (void)arg;
    memcpy(t.last_peer, peer.p, peer.n);
    t.last_peer[peer.n] = 0;
    t.answered++;
    arena_reset(&t.arena);
    cr_assert_eq(cu1_get_answer(envelope, &t.arena, &t.answer, NULL), OK);
}

static void setup(void)
{
    struct desk_ops ops = {ask, answer, NULL};
    cr_assert_eq(metrics_init(&t.metrics), OK);
    cr_assert_eq(arena_init(&t.arena, CU1_READER_ARENA_BYTES), OK);
    cr_assert_eq(desk_new(&ops, FIRST_ID, &t.metrics, &t.desk), OK);
}

static void teardown(void)
{
    desk_free(t.desk);
    arena_done(&t.arena);
    metrics_done(&t.metrics);
}

TestSuite(desk, .init = setup, .fini = teardown);

static const uint8_t KEY[2][CONSUMER_KEY_BYTES] = {{1}, {2}};

static void request_as(size_t key, const char *peer, const struct cu1_request *q, int64_t now)
{
    uint8_t room[128];
    struct buf b = buf_of(room, sizeof room);
    struct desk_caller c = {span_str(peer), span_of(KEY[key], CONSUMER_KEY_BYTES)};
    cr_assert_eq(cu1_put_request(q, &t.arena, &b), OK);
    desk_request(t.desk, &c, span_str("CU1"), buf_span(&b), now);
}

static void pull(const char *peer, uint64_t cursor, uint32_t wait_ms, int64_t now)
{
    struct cu1_request q = {CU1_PULL, span_str("usage.calls"), cursor, 10, wait_ms};
    request_as(0, peer, &q, now);
}

static void say(enum frame_type type, uint32_t id, struct span payload, int64_t now)
{
    struct frame f = {type, id, payload};
    desk_answer(t.desk, &f, now);
}

static uint32_t last_id(void)
{
    return t.question[t.asked - 1].id;
}

static void say_rows(uint32_t id, uint64_t next, size_t rows, int64_t now)
{
    static uint8_t room[WIRE_FRAME_BYTES_MAX];
    struct buf b = buf_of(room, sizeof room);
    pull_rows_head_encode(&(struct pull_rows_head){.next_cursor = next}, &b);
    for (size_t i = 0; i < rows; i++)
        pull_row_encode(&(struct pull_row){.position = next - rows + 1 + i}, &b);
    say(FRAME_ROWS, id, buf_span(&b), now);
}

static void position(uint64_t p, int64_t now)
{
    desk_position(t.desk, &(struct pull_position){span_str("usage.calls"), p}, now);
}

static void expect_fault(enum cu1_fault fault)
{
    cr_expect_eq(t.answered, 1);
    cr_expect_eq(t.answer.kind, CU1_ERROR);
    cr_expect_eq(t.answer.fault, fault);
}

Test(desk, rows_are_given_to_who_asked)
{
    pull("peer-a", 5, 0, T0);
    pull("peer-b", 6, 0, T0);
    cr_assert_eq(t.asked, 2);
    cr_expect_eq(t.question[0].type, FRAME_PULL);
    cr_expect_eq(t.question[0].cursor, 5);
    cr_expect_eq(t.question[0].id, (uint32_t)DESK_ID_BIT + FIRST_ID);
    say_rows(t.question[1].id, 8, 2, T0);
    cr_expect_str_eq(t.last_peer, "peer-b");
    cr_expect_eq(t.answer.rows_count, 2);
    cr_expect_eq(t.answer.cursor, 8);
    say_rows(t.question[0].id, 6, 1, T0);
    cr_expect_str_eq(t.last_peer, "peer-a");
    cr_expect_eq(t.answered, 2);
    cr_expect_eq(desk_tick(t.desk, T0), INT64_MAX);
}

Test(desk, without_waiting_an_empty_answer_is_given_at_once)
{
    pull("p", 5, 0, T0);
    say_rows(last_id(), 5, 0, T0);
    cr_expect_eq(t.answered, 1);
    cr_expect_eq(t.answer.rows_count, 0);
}

Test(desk, a_pull_waits_is_woken_and_asked_again)
{
    pull("p", 5, 1000, T0);
    say_rows(last_id(), 5, 0, T0 + 10);
    cr_expect_eq(t.answered, 0);
    cr_expect_eq(desk_tick(t.desk, T0 + 20), T0 + 1000);
    position(5, T0 + 30); /* not behind its cursor */
    cr_expect_eq(t.asked, 1);
    desk_position(t.desk, &(struct pull_position){span_str("agg.calls"), 9}, T0 + 30);
    cr_expect_eq(t.asked, 1, "another stream");
    position(6, T0 + 40);
    cr_expect_eq(t.asked, 2);
    say_rows(last_id(), 5, 0, T0 + 50); /* nothing for this consumer: it waits on */
    cr_expect_eq(t.answered, 0);
    position(7, T0 + 60);
    say_rows(last_id(), 7, 1, T0 + 70);
    cr_expect_eq(t.answered, 1);
    cr_expect_eq(t.answer.cursor, 7);
}

Test(desk, at_the_end_of_its_wait_a_pull_is_asked_a_last_time)
{
    pull("p", 5, 1000, T0);
    say_rows(last_id(), 5, 0, T0);
    cr_expect_eq(desk_tick(t.desk, T0 + 999), T0 + 1000);
    cr_expect_eq(t.asked, 1);
    cr_expect_eq(desk_tick(t.desk, T0 + 1000), T0 + 1000 + DESK_VAULT_MS);
    cr_expect_eq(t.asked, 2);
    say_rows(last_id(), 5, 0, T0 + 1001);
    cr_expect_eq(t.answered, 1);
    cr_expect_eq(t.answer.kind, CU1_ROWS);
}

Test(desk, an_answer_that_comes_when_the_wait_is_over_is_not_kept)
{
    pull("p", 5, 100, T0);
    say_rows(last_id(), 5, 0, T0 + 100);
    cr_expect_eq(t.answered, 1);
}

Test(desk, a_vault_that_does_not_answer_is_busy)
{
    pull("p", 5, 0, T0);
    cr_expect_eq(desk_tick(t.desk, T0 + DESK_VAULT_MS - 1), T0 + DESK_VAULT_MS);
    cr_expect_eq(t.answered, 0);
    uint32_t id = last_id();
    cr_expect_eq(desk_tick(t.desk, T0 + DESK_VAULT_MS), INT64_MAX);
    expect_fault(CU1_FAULT_BUSY);
    say_rows(id, 6, 1, T0 + DESK_VAULT_MS + 1); /* too late: nobody sits there */
    cr_expect_eq(t.answered, 1);
}

Test(desk, a_vault_that_takes_no_question_is_busy)
{
    t.vault = ERR_FULL;
    pull("p", 5, 0, T0);
    expect_fault(CU1_FAULT_BUSY);
    cr_expect_eq(desk_tick(t.desk, T0), INT64_MAX);
}

Test(desk, refusals_are_translated)
{
    const struct {
        uint8_t refusal;
        enum cu1_fault fault;
    } ROW[] = {{PULL_NO_STREAM, CU1_FAULT_STREAM},
               {PULL_CURSOR_OLD, CU1_FAULT_CURSOR_OLD},
               {PULL_DENIED, CU1_FAULT_DENIED},
               {PULL_BUSY, CU1_FAULT_BUSY},
               {0, CU1_FAULT_UNKNOWN},
               {200, CU1_FAULT_UNKNOWN}};
    for (size_t i = 0; i < sizeof ROW / sizeof ROW[0]; i++) {
        t.answered = 0;
        pull("p", 5, 60000, T0);
        say(FRAME_REFUSED, last_id(), span_of(&ROW[i].refusal, 1), T0);
        expect_fault(ROW[i].fault);
    }
}

Test(desk, confirmations_and_pulls_are_not_mixed_up)
{
    struct cu1_request q = {CU1_CONFIRM, span_str("usage.calls"), 9, 0, 0};
    uint8_t nine[8] = {0, 0, 0, 0, 0, 0, 0, 9};
    request_as(0, "p", &q, T0);
    cr_expect_eq(t.question[0].type, FRAME_CONFIRM);
    say(FRAME_CONFIRMED, last_id(), span_of(nine, 8), T0);
    cr_expect_eq(t.answer.kind, CU1_CONFIRMED);
    cr_expect_eq(t.answer.cursor, 9);

    t.answered = 0;
    request_as(0, "p", &q, T0);
    say_rows(last_id(), 9, 0, T0);
    expect_fault(CU1_FAULT_UNKNOWN);
    t.answered = 0;
    pull("p", 0, 0, T0);
    say(FRAME_CONFIRMED, last_id(), span_of(nine, 8), T0);
    expect_fault(CU1_FAULT_UNKNOWN);
    t.answered = 0;
    request_as(0, "p", &q, T0);
    say(FRAME_CONFIRMED, last_id(), span_of(nine, 7), T0); /* cut */
    expect_fault(CU1_FAULT_UNKNOWN);
}

Test(desk, rows_that_are_damaged_are_not_passed_on)
{
    pull("p", 5, 0, T0);
    say(FRAME_ROWS, last_id(), span_str("no rows"), T0);
    expect_fault(CU1_FAULT_UNKNOWN);
}

Test(desk, a_restarted_vault_is_asked_everything_again_under_new_ids)
{
    pull("asked", 5, 0, T0);
    pull("parked", 6, 60000, T0);
    say_rows(last_id(), 6, 0, T0);
    uint32_t old = t.question[0].id;
    desk_ask_again(t.desk, T0 + 100);
    cr_expect_eq(t.asked, 4);
    say_rows(old, 7, 1, T0 + 110); /* the old vault's answer, in the socket since then */
    cr_expect_eq(t.answered, 0);
    say_rows(t.question[2].id, 6, 1, T0 + 120);
    cr_expect_str_eq(t.last_peer, "asked");
    say_rows(t.question[3].id, 7, 1, T0 + 120);
    cr_expect_str_eq(t.last_peer, "parked");
}

Test(desk, one_request_a_connection_a_few_a_consumer)
{
    char peer[16];
    pull("peer-0", 0, 0, T0);
    pull("peer-0", 0, 0, T0);
    expect_fault(CU1_FAULT_BUSY);
    for (int i = 1; i < DESK_SEATS_A_CONSUMER; i++) {
        snprintf(peer, sizeof peer, "peer-%d", i);
        pull(peer, 0, 0, T0);
    }
    cr_expect_eq(t.asked, DESK_SEATS_A_CONSUMER);
    t.answered = 0;
    pull("one too many", 0, 0, T0);
    expect_fault(CU1_FAULT_BUSY);
    struct cu1_request q = {CU1_PULL, span_str("usage.calls"), 0, 10, 0};
    request_as(1, "another consumer", &q, T0);
    cr_expect_eq(t.asked, DESK_SEATS_A_CONSUMER + 1, "is not kept waiting (I10)");
    cr_expect_eq(metric_get_at(&t.metrics, METRIC_PULLS_REFUSED, 0, REASON_BUSY), 2);
}

Test(desk, all_seats_taken_is_busy)
{
    for (int i = 0; i < DESK_SEATS; i++) {
        uint8_t key[CONSUMER_KEY_BYTES] = {(uint8_t)(i / 8), 9};
        uint8_t room[128];
        char peer[16];
        struct buf b = buf_of(room, sizeof room);
        struct cu1_request q = {CU1_PULL, span_str("usage.calls"), 0, 10, 0};
        snprintf(peer, sizeof peer, "peer-%d", i);
        struct desk_caller c = {span_str(peer), span_of(key, sizeof key)};
        cr_assert_eq(cu1_put_request(&q, &t.arena, &b), OK);
        desk_request(t.desk, &c, span_str("CU1"), buf_span(&b), T0);
    }
    cr_expect_eq(t.asked, DESK_SEATS);
    pull("late", 0, 0, T0);
    expect_fault(CU1_FAULT_BUSY);
}

Test(desk, a_removed_consumer_lags_no_more_and_waits_no_more)
{
    const uint8_t denied = PULL_DENIED;
    desk_consumer(t.desk, span_of(KEY[0], 32), span_str("billing"));
    desk_consumer(t.desk, span_of(KEY[1], 32), span_str("fraud"));
    struct cu1_request q = {CU1_PULL, span_str("usage.calls"), 20, 10, 60000};
    position(100, T0);
    for (size_t i = 0; i < 2; i++) {
        request_as(i, i ? "other" : "gone", &q, T0);
        say_rows(last_id(), 50, 3, T0);
    }
    for (size_t i = 0; i < 2; i++) {
        request_as(i, i ? "other" : "gone", &q, T0);
        say_rows(last_id(), 20, 0, T0); /* parked */
    }
    size_t asked = t.asked, answered = t.answered;
    desk_consumer_gone(t.desk, span_of(KEY[0], 32), T0 + 5);
    cr_expect_eq(t.asked, asked + 1);
    say(FRAME_REFUSED, last_id(), span_of(&denied, 1), T0 + 6);
    cr_expect_eq(t.answered, answered + 1);
    cr_expect_str_eq(t.last_peer, "gone");
    cr_expect_eq(t.answer.fault, CU1_FAULT_DENIED);
    position(130, T0 + 7);
    cr_expect_eq(metric_get_at(&t.metrics, METRIC_CONSUMER_LAG, 0, (enum reason)0), 0);
    cr_expect_eq(metric_get_at(&t.metrics, METRIC_CONSUMER_LAG, 1, (enum reason)0), 110);
    cr_expect_eq(metric_get_at(&t.metrics, METRIC_PULLED_ROWS, 0, (enum reason)0), 3);
}

Test(desk, lag_is_counted_from_what_was_confirmed)
{
    struct cu1_request q = {CU1_CONFIRM, span_str("usage.calls"), 30, 0, 0};
    uint8_t thirty[8] = {0, 0, 0, 0, 0, 0, 0, 30};
    desk_consumer(t.desk, span_of(KEY[0], 32), span_str("billing"));
    position(100, T0);
    cr_expect_eq(metric_get_at(&t.metrics, METRIC_CONSUMER_LAG, 0, (enum reason)0), 0,
                 "nothing is known of it yet");
    pull("p", 20, 0, T0);
    say_rows(last_id(), 50, 3, T0);
    cr_expect_eq(metric_get_at(&t.metrics, METRIC_CONSUMER_LAG, 0, (enum reason)0), 80,
                 "a pull confirms nothing, but tells where it stood");
    request_as(0, "p", &q, T0);
    say(FRAME_CONFIRMED, last_id(), span_of(thirty, 8), T0);
    cr_expect_eq(metric_get_at(&t.metrics, METRIC_CONSUMER_LAG, 0, (enum reason)0), 70);
    position(130, T0);
    cr_expect_eq(metric_get_at(&t.metrics, METRIC_CONSUMER_LAG, 0, (enum reason)0), 100);
    cr_expect_eq(metric_get_at(&t.metrics, METRIC_PULLED_ROWS, 0, (enum reason)0), 3);
}
