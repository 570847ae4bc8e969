#include "proto/wire/pull.h"

/* The peer is our own program, so bytes behind the end are a defect, not a later version. */
static enum err finish(const struct reader *r, struct diag *d, const char *what)
{
    if (!reader_ok(r) || reader_more(r))
        return diag_set(d, ERR_SYNTAX, what, reader_at(r));
    return OK;
}

void pull_ask_encode(const struct pull_ask *a, struct buf *b)
{
    buf_put(b, a->consumer_key);
    buf_lv(b, a->stream);
    buf_be64(b, a->cursor);
    buf_be32(b, a->max_rows);
}

enum err pull_ask_decode(struct span in, struct pull_ask *out, struct diag *d)
{
    struct reader r = reader_of(in);
    struct pull_ask a;
    a.consumer_key = reader_take(&r, CONSUMER_KEY_BYTES);
    a.stream = reader_lv(&r);
    a.cursor = reader_be64(&r);
    a.max_rows = reader_be32(&r);
    enum err e = finish(&r, d, "pull request");
    if (e == OK && (a.stream.n > STREAM_BYTES_MAX || a.max_rows > PULL_ROWS_MAX))
        e = diag_set(d, ERR_LIMIT, "pull request", 0);
    if (e == OK)
        *out = a;
    return e;
}

void pull_rows_head_encode(const struct pull_rows_head *h, struct buf *b)
{
    buf_be64(b, h->next_cursor);
    buf_be64(b, h->chain_seq);
    buf_lv(b, h->chain_hash);
}

enum err pull_rows_head_decode(struct reader *r, struct pull_rows_head *out, struct diag *d)
{
    size_t at = reader_at(r);
    struct pull_rows_head h;
    h.next_cursor = reader_be64(r);
    h.chain_seq = reader_be64(r);
    h.chain_hash = reader_lv(r);
    if (!reader_ok(r))
        return diag_set(d, ERR_SYNTAX, "head of rows", at);
    *out = h;
    return OK;
}

static void put_counts(struct buf *b, const struct pull_count *count, size_t n)
{
    buf_u8(b, (uint8_t)n);
    for (size_t i = 0; i < n; i++) {
        buf_lv(b, count[i].name);
        buf_varint(b, count[i].value);
    }
}

void pull_row_encode(const struct pull_row *row, struct buf *b)
{
    uint8_t room[PULL_ROW_BYTES_MAX];
    struct buf t = buf_of(room, sizeof room);
    buf_be64(&t, row->position);
    buf_be32(&t, row->revision);
    buf_lv(&t, row->account);
    buf_be64(&t, (uint64_t)row->period_start_s);
    buf_be32(&t, row->period_s);
    buf_lv(&t, row->service);
    buf_lv(&t, row->direction);
    buf_lv(&t, row->call_type);
    buf_lv(&t, row->juris);
    buf_lv(&t, row->rate_band);
    buf_varint(&t, row->attempts);
    buf_varint(&t, row->answered);
    buf_varint(&t, row->duration_ms);
    buf_varint(&t, row->incomplete);
    buf_varint(&t, row->forwarded);
    put_counts(&t, row->billed, row->billed_count);
    put_counts(&t, row->failed, row->failed_count);
    if (buf_ok(&t))
        buf_lv(b, buf_span(&t));
    else
        b->full = true;
}

static size_t read_counts(struct reader *r, struct pull_count *count, size_t max)
{
    size_t n = reader_u8(r);
    if (n > max)
        r->failed = true;
    for (size_t i = 0; i < n && reader_ok(r); i++) {
        count[i].name = reader_lv(r);
        count[i].value = reader_varint(r);
    }
    return reader_ok(r) ? n : 0;
}

enum err pull_row_next(struct reader *r, struct pull_row *out, struct diag *d)
{
    size_t at = reader_at(r);
    struct span bytes = reader_lv(r);
    if (!reader_ok(r))
        return diag_set(d, ERR_SYNTAX, "row runs past the answer", at);
    struct reader in = reader_of(bytes);
    struct pull_row row;
    row.position = reader_be64(&in);
    row.revision = reader_be32(&in);
    row.account = reader_lv(&in);
    row.period_start_s = (int64_t)reader_be64(&in);
    row.period_s = reader_be32(&in);
    row.service = reader_lv(&in);
    row.direction = reader_lv(&in);
    row.call_type = reader_lv(&in);
    row.juris = reader_lv(&in);
    row.rate_band = reader_lv(&in);
    row.attempts = reader_varint(&in);
    row.answered = reader_varint(&in);
    row.duration_ms = reader_varint(&in);
    row.incomplete = reader_varint(&in);
    row.forwarded = reader_varint(&in);
    row.billed_count = read_counts(&in, row.billed, PULL_INCREMENTS_MAX);
    row.failed_count = read_counts(&in, row.failed, PULL_FAILED_MAX);
    if (!reader_ok(&in) || reader_more(&in))
        return diag_set(d, ERR_SYNTAX, "row", at);
    *out = row;
    return OK;
}

void pull_consumer_encode(const struct pull_consumer *c, struct buf *b)
{
    buf_lv(b, c->name);
    buf_u8(b, (uint8_t)c->families);
}

enum err pull_consumer_decode(struct span in, struct pull_consumer *out, struct diag *d)
{
    struct reader r = reader_of(in);
    struct pull_consumer c = {SPAN_EMPTY, 0};
    if (in.n) {
        c.name = reader_lv(&r);
        c.families = reader_u8(&r);
    }
    enum err e = finish(&r, d, "consumer");
    if (e == OK && c.name.n > CONSUMER_NAME_BYTES_MAX)
        e = diag_set(d, ERR_LIMIT, "consumer name", 0);
    if (e == OK)
        *out = c;
    return e;
}

void pull_position_encode(const struct pull_position *p, struct buf *b)
{
    buf_lv(b, p->stream);
    buf_be64(b, p->position);
}

enum err pull_position_decode(struct span in, struct pull_position *out, struct diag *d)
{
    struct reader r = reader_of(in);
    struct pull_position p;
    p.stream = reader_lv(&r);
    p.position = reader_be64(&r);
    enum err e = finish(&r, d, "position");
    if (e == OK && p.stream.n > STREAM_BYTES_MAX)
        e = diag_set(d, ERR_LIMIT, "stream name", 0);
    if (e == OK)
        *out = p;
    return e;
}
