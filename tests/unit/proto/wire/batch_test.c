/* Proves that operations and receipts come back as they were put, that no cut batch is applied in
 * part without being noticed, and that an operation that does not fit leaves no half of itself. */
#include <criterion/criterion.h>
#include <stdlib.h>

#include "proto/wire/batch.h"
#include "tests/lib/random_record.h"

static uint8_t room[4096];

static void put(struct buf *b, const struct batch_op *op)
{
    switch (op->kind) {
    case BATCH_RECORD:
        batch_put_record(b, op->value);
        break;
    case BATCH_CURSOR:
        batch_put_cursor(b, op->feed_id, op->key, op->value);
        break;
    case BATCH_LIVE_PUT:
        batch_put_live(b, op->feed_id, op->key, op->value);
        break;
    case BATCH_LIVE_DELETE:
        batch_delete_live(b, op->feed_id, op->key);
        break;
    }
}

static struct batch_op any_op(struct seed *s, struct arena *a)
{
    struct batch_op op = {.kind = (enum batch_op_kind)(1 + seed_below(s, 4))};
    if (op.kind != BATCH_RECORD) {
        op.feed_id = (uint16_t)seed_next(s);
        op.key = seed_bytes(s, seed_below(s, 30), a);
    }
    if (op.kind != BATCH_LIVE_DELETE)
        op.value = seed_bytes(s, seed_below(s, 200), a);
    return op;
}

static bool same(const struct batch_op *a, const struct batch_op *b)
{
    return a->kind == b->kind && a->feed_id == b->feed_id && span_eq(a->key, b->key) &&
           span_eq(a->value, b->value);
}

Test(batch, operations_come_back)
{
    struct seed s = {1};
    struct arena a;
    struct batch_op op[8], got;
    cr_assert_eq(arena_init(&a, 64 * 1024), OK);
    for (int round = 0; round < 500; round++) {
        struct buf b = buf_of(room, sizeof room);
        size_t count = seed_below(&s, 9);
        for (size_t i = 0; i < count; i++) {
            op[i] = any_op(&s, &a);
            put(&b, &op[i]);
        }
        struct reader r = reader_of(buf_span(&b));
        for (size_t i = 0; i < count; i++) {
            cr_assert_eq(batch_next(&r, &got, NULL), OK);
            cr_assert(same(&got, &op[i]), "round %d, operation %zu", round, i);
        }
        cr_assert(reader_ok(&r) && !reader_more(&r));
        arena_reset(&a);
    }
    arena_done(&a);
}

Test(batch, every_prefix_of_an_operation_is_refused)
{
    struct seed s = {2};
    struct arena a;
    cr_assert_eq(arena_init(&a, 64 * 1024), OK);
    for (int round = 0; round < 40; round++) {
        struct batch_op op = any_op(&s, &a), got;
        struct buf b = buf_of(room, sizeof room);
        put(&b, &op);
        for (size_t n = 0; n < b.n; n++) {
            uint8_t *exact = malloc(n ? n : 1);
            memcpy(exact, room, n);
            struct reader r = reader_of(span_of(exact, n));
            struct diag d = {0};
            cr_expect_eq(batch_next(&r, &got, &d), ERR_SYNTAX, "kind %d, %zu bytes", op.kind, n);
            cr_expect_leq(d.at, n);
            free(exact);
        }
    }
    arena_done(&a);
}

Test(batch, an_operation_that_does_not_fit_is_left_out_whole)
{
    struct buf b = buf_of(room, 20);
    batch_put_cursor(&b, 1, span_str("file"), span_str("17"));
    size_t before = b.n;
    batch_put_cursor(&b, 1, span_str("another file"), span_str("17"));
    cr_expect(!buf_ok(&b));
    cr_expect_eq(b.n, before);
}

Test(batch, unknown_kinds_are_refused)
{
    static const uint8_t KINDS[] = {0, 5, 255};
    for (size_t i = 0; i < sizeof KINDS; i++) {
        uint8_t bytes[] = {KINDS[i], 0, 0, 0, 0};
        struct reader r = reader_of(span_of(bytes, sizeof bytes));
        struct batch_op op;
        cr_expect_eq(batch_next(&r, &op, NULL), ERR_SYNTAX, "kind %u", KINDS[i]);
    }
}

Test(receipt, comes_back)
{
    struct seed s = {3};
    for (int round = 0; round < 500; round++) {
        struct receipt in = {(enum err)seed_below(&s, ERR_COUNT), (uint32_t)seed_next(&s),
                             (uint32_t)seed_below(&s, 4096), (uint32_t)seed_below(&s, 3), 0};
        struct receipt out = {0};
        struct buf b = buf_of(room, sizeof room);
        receipt_encode(&in, &b);
        cr_assert_eq(receipt_decode(buf_span(&b), &out, NULL), OK);
        cr_assert_eq(in.status, out.status);
        cr_assert_eq(in.accepted, out.accepted);
        cr_assert_eq(in.duplicate, out.duplicate);
        cr_assert_eq(in.unassigned, out.unassigned);
        cr_assert_eq(in.refused, out.refused);
        for (size_t n = 0; n < b.n; n++)
            cr_assert_eq(receipt_decode(span_of(room, n), &out, NULL), ERR_SYNTAX);
    }
}

Test(receipt, what_nobody_writes_is_refused)
{
    static const struct {
        const char *name;
        uint8_t bytes[12];
        size_t n;
    } ROW[] = {
        {"status out of range", {ERR_COUNT, 0, 0, 0, 0}, 5},
        {"a byte behind it", {OK, 0, 0, 0, 0, 0}, 6},
        {"a count over 32 bits", {OK, 0x80, 0x80, 0x80, 0x80, 0x10, 0, 0, 0}, 9},
        {"zero in two bytes", {OK, 0x80, 0, 0, 0, 0}, 6},
    };
    for (size_t i = 0; i < sizeof ROW / sizeof ROW[0]; i++) {
        struct receipt r;
        cr_expect_eq(receipt_decode(span_of(ROW[i].bytes, ROW[i].n), &r, NULL), ERR_SYNTAX, "%s",
                     ROW[i].name);
    }
}
