/* The messages of usage.proto: what is written is what is read; requests are held to their
 * bounds; an answer sent as a request, a prefix or noise is refused; no arena is too small
 * to say so. */
#include <criterion/criterion.h>
#include <stdlib.h>

#include "proto/wire/cu1.h"
#include "proto/wire/frame.h"

static struct arena arena;
static uint8_t message[CU1_ANSWER_BYTES_MAX];
static uint8_t wire_rows[WIRE_FRAME_BYTES_MAX];

static void setup(void)
{
    cr_assert_eq(arena_init(&arena, CU1_READER_ARENA_BYTES), OK);
}

static void teardown(void)
{
    arena_done(&arena);
}

TestSuite(cu1, .init = setup, .fini = teardown);

static struct pull_row sample_row(uint64_t position)
{
    return (struct pull_row){
        .position = position,
        .revision = 3,
        .account = span_str("acct-9"),
        .period_start_s = 1700000000,
        .period_s = 86400,
        .service = span_str("voice"),
        .direction = span_str("originating"),
        .call_type = span_str("national"),
        .juris = span_str("interstate"),
        .rate_band = span_str("flat"),
        .attempts = 10,
        .answered = 9,
        .duration_ms = 60001,
        .incomplete = 1,
        .forwarded = 2,
        .billed_count = 2,
        .billed = {{span_str("1/1"), 60}, {span_str("6/6"), 66}},
        .failed_count = 1,
        .failed = {{span_str("busy"), 1}},
    };
}

static struct span rows_payload(size_t count)
{
    static const uint8_t HASH[32] = {9, 8, 7};
    struct buf b = buf_of(wire_rows, sizeof wire_rows);
    pull_rows_head_encode(&(struct pull_rows_head){100 + count, 5, span_of(HASH, 32)}, &b);
    for (size_t i = 0; i < count; i++) {
        struct pull_row row = sample_row(100 + i);
        pull_row_encode(&row, &b);
    }
    cr_assert(buf_ok(&b));
    return buf_span(&b);
}

Test(cu1, a_request_is_read_as_it_was_written)
{
    const struct cu1_request ROW[] = {
        {CU1_PULL, span_str("usage.calls"), 7, 10, 500},
        {CU1_CONFIRM, span_str("agg.calls"), UINT64_MAX, 0, 0},
    };
    for (size_t i = 0; i < sizeof ROW / sizeof ROW[0]; i++) {
        struct buf b = buf_of(message, sizeof message);
        struct cu1_request q;
        cr_assert_eq(cu1_put_request(&ROW[i], &arena, &b), OK);
        cr_assert_eq(cu1_get_request(buf_span(&b), &arena, &q, NULL), OK);
        cr_expect_eq(q.kind, ROW[i].kind);
        cr_expect(span_eq(q.stream, ROW[i].stream));
        cr_expect_eq(q.cursor, ROW[i].cursor);
        cr_expect_eq(q.max_rows, ROW[i].max_rows);
        cr_expect_eq(q.wait_ms, ROW[i].wait_ms);
    }
}

Test(cu1, a_pull_is_held_to_its_bounds)
{
    const struct {
        uint32_t asked_rows, asked_ms, rows, ms;
    } ROW[] = {{0, 0, CU1_ROWS_DEFAULT, 0},
               {1, 1, 1, 1},
               {PULL_ROWS_MAX, CU1_WAIT_MS_MAX, PULL_ROWS_MAX, CU1_WAIT_MS_MAX},
               {UINT32_MAX, UINT32_MAX, PULL_ROWS_MAX, CU1_WAIT_MS_MAX}};
    for (size_t i = 0; i < sizeof ROW / sizeof ROW[0]; i++) {
        struct buf b = buf_of(message, sizeof message);
        struct cu1_request q = {CU1_PULL, span_str("s"), 0, ROW[i].asked_rows, ROW[i].asked_ms};
        cr_assert_eq(cu1_put_request(&q, &arena, &b), OK);
        cr_assert_eq(cu1_get_request(buf_span(&b), &arena, &q, NULL), OK);
        cr_expect_eq(q.max_rows, ROW[i].rows, "row %zu", i);
        cr_expect_eq(q.wait_ms, ROW[i].ms, "row %zu", i);
    }
}

Test(cu1, what_is_no_request_is_refused)
{
    char long_name[STREAM_BYTES_MAX + 1];
    memset(long_name, 's', sizeof long_name);
    struct cu1_request q = {CU1_PULL, span_of(long_name, sizeof long_name), 0, 1, 0};
    struct diag d = {0};
    struct buf b = buf_of(message, sizeof message);
    cr_assert_eq(cu1_put_request(&q, &arena, &b), OK);
    cr_expect_eq(cu1_get_request(buf_span(&b), &arena, &q, &d), ERR_SYNTAX);
    cr_expect_str_eq(d.what, "stream name");

    buf_reset(&b);
    cr_assert_eq(cu1_put_rows(span_str("s"), rows_payload(2), &arena, &b, NULL), OK);
    cr_expect_eq(cu1_get_request(buf_span(&b), &arena, &q, &d), ERR_SYNTAX, "an answer");
    cr_expect_str_eq(d.what, "not a Pull or Confirm");
    cr_expect_eq(cu1_get_request(SPAN_EMPTY, &arena, &q, NULL), ERR_SYNTAX, "nothing");
    cr_expect_eq(cu1_get_request(span_str("GET / HTTP/1.1"), &arena, &q, NULL), ERR_SYNTAX);
}

static void expect_row(const struct pull_row *got, const struct pull_row *want)
{
    struct buf a = buf_of(wire_rows, PULL_ROW_BYTES_MAX);
    struct buf b = buf_of(wire_rows + PULL_ROW_BYTES_MAX, PULL_ROW_BYTES_MAX);
    pull_row_encode(got, &a);
    pull_row_encode(want, &b);
    cr_expect(span_eq(buf_span(&a), buf_span(&b)), "row %u", (unsigned)want->position);
}

Test(cu1, rows_of_the_vault_reach_the_consumer)
{
    struct buf b = buf_of(message, sizeof message);
    struct cu1_answer got;
    cr_assert_eq(cu1_put_rows(span_str("usage.calls"), rows_payload(3), &arena, &b, NULL), OK);
    cr_assert_eq(cu1_get_answer(buf_span(&b), &arena, &got, NULL), OK);
    cr_expect_eq(got.kind, CU1_ROWS);
    cr_expect(span_is(got.stream, "usage.calls"));
    cr_expect_eq(got.cursor, 103);
    cr_expect_eq(got.head.chain_seq, 5);
    cr_expect_eq(got.head.chain_hash.n, 32);
    cr_assert_eq(got.rows_count, 3);
    for (size_t i = 0; i < 3; i++) {
        struct pull_row want = sample_row(100 + i);
        expect_row(&got.row[i], &want);
    }
}

Test(cu1, the_fullest_frame_of_the_vault_fits)
{
    struct pull_row row = {.billed_count = PULL_INCREMENTS_MAX, .failed_count = PULL_FAILED_MAX};
    for (size_t i = 0; i < PULL_INCREMENTS_MAX; i++)
        row.billed[i] = row.failed[i] = (struct pull_count){span_str("x"), 1};
    struct buf rows = buf_of(wire_rows, WIRE_FRAME_BYTES_MAX - FRAME_HEAD_BYTES);
    pull_rows_head_encode(&(struct pull_rows_head){0}, &rows);
    while (buf_ok(&rows))
        pull_row_encode(&row, &rows);
    struct arena server;
    struct buf b = buf_of(message, sizeof message);
    struct cu1_answer got;
    cr_assert_eq(arena_init(&server, CU1_ARENA_BYTES), OK);
    cr_expect_eq(cu1_put_rows(span_str("s"), buf_span(&rows), &server, &b, NULL), OK);
    cr_expect_eq(cu1_get_answer(buf_span(&b), &arena, &got, NULL), OK);
    cr_expect_gt(got.rows_count, 500);
    arena_done(&server);
}

Test(cu1, damaged_rows_of_the_vault_are_not_passed_on)
{
    struct span rows = rows_payload(2);
    for (size_t n = 0; n < rows.n; n++) {
        struct buf b = buf_of(message, sizeof message);
        enum err e = cu1_put_rows(span_str("s"), span_of(rows.p, n), &arena, &b, NULL);
        arena_reset(&arena);
        if (e == OK) { /* cut between two rows: a shorter answer, whole */
            struct cu1_answer got;
            cr_assert_eq(cu1_get_answer(buf_span(&b), &arena, &got, NULL), OK);
            cr_expect_lt(got.rows_count, 2);
        } else {
            cr_expect_eq(e, ERR_SYNTAX);
            cr_expect_eq(b.n, 0);
        }
    }
}

Test(cu1, short_answers)
{
    struct buf b = buf_of(message, sizeof message);
    struct cu1_answer got;
    cr_assert_eq(cu1_put_confirmed(span_str("usage.calls"), 9, &arena, &b), OK);
    cr_assert_eq(cu1_get_answer(buf_span(&b), &arena, &got, NULL), OK);
    cr_expect(got.kind == CU1_CONFIRMED && got.cursor == 9 && span_is(got.stream, "usage.calls"));

    buf_reset(&b);
    struct pull_position p = {span_str("agg.calls"), 12};
    cr_assert_eq(cu1_put_hint(&p, &arena, &b), OK);
    cr_assert_eq(cu1_get_answer(buf_span(&b), &arena, &got, NULL), OK);
    cr_expect(got.kind == CU1_HINT && got.cursor == 12 && span_is(got.stream, "agg.calls"));

    for (int f = 0; f < CU1_FAULT_COUNT; f++) {
        buf_reset(&b);
        cr_assert_eq(cu1_put_fault((enum cu1_fault)f, &b), OK);
        cr_assert_eq(cu1_get_answer(buf_span(&b), &arena, &got, NULL), OK);
        cr_expect(got.kind == CU1_ERROR && (int)got.fault == f);
        cr_expect_gt(strlen(cu1_fault_text((enum cu1_fault)f)), 3);
    }
}

Test(cu1, a_request_is_no_answer)
{
    struct buf b = buf_of(message, sizeof message);
    struct cu1_request q = {CU1_PULL, span_str("usage.calls"), 7, 10, 500};
    struct cu1_answer got;
    cr_assert_eq(cu1_put_request(&q, &arena, &b), OK);
    cr_expect_eq(cu1_get_answer(buf_span(&b), &arena, &got, NULL), ERR_SYNTAX);
}

Test(cu1, the_nth_allocation_fails_until_it_does_not)
{
    struct span rows = rows_payload(2);
    enum err e = ERR_NOMEM;
    for (size_t n = 1; e != OK; n++) {
        struct buf b = buf_of(message, sizeof message);
        arena_reset(&arena);
        arena.fail_at = n;
        e = cu1_put_rows(span_str("usage.calls"), rows, &arena, &b, NULL);
        cr_expect(e == OK || (e == ERR_NOMEM && b.n == 0), "allocation %zu", n);
        cr_assert_lt(n, 100);
    }
    struct buf small = buf_of(message, 10);
    arena.fail_at = 0;
    cr_expect_eq(cu1_put_rows(span_str("usage.calls"), rows, &arena, &small, NULL), ERR_LIMIT);
}
