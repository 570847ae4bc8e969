#include "proto/wire/batch.h"

/* An operation that does not fit is left out whole: half of one would make the batch
 * unreadable, and the writer goes on with the next batch. */
static void put_op(struct buf *b, const struct batch_op *op)
{
    size_t before = b->n;
    buf_u8(b, (uint8_t)op->kind);
    if (op->kind != BATCH_RECORD) {
        buf_be16(b, op->feed_id);
        buf_lv(b, op->key);
    }
    if (op->kind != BATCH_LIVE_DELETE)
        buf_lv(b, op->value);
    if (b->full)
        b->n = before;
}

void batch_put_record(struct buf *b, struct span record)
{
    put_op(b, &(struct batch_op){.kind = BATCH_RECORD, .value = record});
}

void batch_put_cursor(struct buf *b, uint16_t feed_id, struct span key, struct span value)
{
    put_op(b, &(struct batch_op){BATCH_CURSOR, feed_id, key, value});
}

void batch_put_live(struct buf *b, uint16_t feed_id, struct span key, struct span value)
{
    put_op(b, &(struct batch_op){BATCH_LIVE_PUT, feed_id, key, value});
}

void batch_delete_live(struct buf *b, uint16_t feed_id, struct span key)
{
    put_op(b, &(struct batch_op){BATCH_LIVE_DELETE, feed_id, key, SPAN_EMPTY});
}

enum err batch_next(struct reader *r, struct batch_op *out, struct diag *d)
{
    size_t at = reader_at(r);
    unsigned kind = reader_u8(r);
    if (!reader_ok(r) || kind < BATCH_RECORD || kind > BATCH_LIVE_DELETE)
        return diag_set(d, ERR_SYNTAX, "operation kind", at);
    struct batch_op op = {.kind = (enum batch_op_kind)kind};
    if (kind != BATCH_RECORD) {
        op.feed_id = reader_be16(r);
        op.key = reader_lv(r);
    }
    if (kind != BATCH_LIVE_DELETE)
        op.value = reader_lv(r);
    if (!reader_ok(r))
        return diag_set(d, ERR_SYNTAX, "operation runs past the batch", at);
    *out = op;
    return OK;
}

void receipt_encode(const struct receipt *r, struct buf *b)
{
    buf_u8(b, (uint8_t)r->status);
    buf_varint(b, r->accepted);
    buf_varint(b, r->duplicate);
    buf_varint(b, r->unassigned);
    buf_varint(b, r->refused);
}

/* A larger number fails the reader: counts of one batch are far below 2^32. */
static uint32_t read_count(struct reader *r)
{
    uint64_t v = reader_varint(r);
    if (v > UINT32_MAX)
        r->failed = true;
    return (uint32_t)v;
}

enum err receipt_decode(struct span in, struct receipt *out, struct diag *d)
{
    struct reader r = reader_of(in);
    unsigned status = reader_u8(&r);
    struct receipt got = {.status = (enum err)status};
    uint32_t *const COUNT[] = {&got.accepted, &got.duplicate, &got.unassigned, &got.refused};
    for (size_t i = 0; i < sizeof COUNT / sizeof COUNT[0]; i++)
        *COUNT[i] = read_count(&r);
    if (!reader_ok(&r) || reader_more(&r))
        return diag_set(d, ERR_SYNTAX, "receipt", reader_at(&r));
    if (status >= ERR_COUNT)
        return diag_set(d, ERR_SYNTAX, "receipt status", 0);
    *out = got;
    return OK;
}
