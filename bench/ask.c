#include "bench/ask.h"

#include <errno.h>
#include <poll.h>

#include "proto/wire/control.h"

enum { REQUEST_BYTES = 48 * 1024, ROWS_BYTES = 32 * 1024, ROW_BYTES_MAX = 160 };

static void end(struct ask *a, enum err result)
{
    a->done = true;
    a->result = result;
}

void ask_frame(void *ask, const struct frame *f)
{
    struct ask *a = ask;
    if (f->id != a->id || a->done)
        return; /* GREETING */
    if ((f->type == FRAME_ROW || f->type == FRAME_ROWS) && a->row)
        a->row(a->arg, f->payload);
    if (f->type == FRAME_END)
        end(a, f->payload.n && f->payload.p[0] == CONTROL_DONE ? OK : ERR_DENIED);
    else if (f->type == FRAME_ROWS)
        end(a, OK);
    else if (f->type == FRAME_REFUSED)
        end(a, ERR_DENIED);
}

/* A link without a descriptor has answered already. */
static enum err wait_for(struct ask *a, short events)
{
    struct pollfd p = {.fd = a->link->ops->fd(a->link), .events = events};
    if (p.fd >= 0 && poll(&p, 1, -1) < 0 && errno != EINTR)
        return ERR_NET;
    return a->link->ops->receive(a->link);
}

enum err ask_send(struct ask *a, enum frame_type type, struct span payload)
{
    a->id++;
    a->done = false;
    enum err e = vault_send(a->link, type, a->id, payload);
    while (e == ERR_FULL) {
        e = wait_for(a, POLLIN | POLLOUT);
        if (e == OK)
            e = vault_send(a->link, type, a->id, payload);
    }
    while (e == OK && !a->done)
        e = wait_for(a, POLLIN);
    return e == OK ? a->result : ERR_NET;
}

static enum err request(struct ask *a, const char *verb, const char *name, struct span value)
{
    uint8_t room[REQUEST_BYTES];
    struct buf b = buf_of(room, sizeof room);
    control_put_verb(&b, verb);
    if (value.n)
        control_put_arg(&b, name, value);
    return buf_ok(&b) ? ask_send(a, FRAME_REQUEST, buf_span(&b)) : ERR_LIMIT;
}

/* --- the directory --- */

/* be64 line, lv customer id, lv account id, [1] kind, lv value */
static void put_entry(uint32_t customers, uint64_t i, struct buf *b)
{
    struct population_entry e = population_entry(customers, i);
    char text[POPULATION_ID_BYTES];
    buf_be64(b, i + 2); /* line of the file, were it one: behind the header */
    population_customer(e.customer, text);
    buf_lv(b, span_str(text));
    population_account(e.customer, text);
    buf_lv(b, span_str(text));
    buf_u8(b, (uint8_t)e.kind);
    buf_lv(b, span_str(e.value));
}

enum err ask_import(struct ask *a, uint32_t customers)
{
    uint8_t room[ROWS_BYTES];
    struct buf rows = buf_of(room, sizeof room);
    uint64_t count = population_entries(customers);
    enum err e = request(a, "customer import-begin", "", SPAN_EMPTY);
    for (uint64_t i = 0; e == OK && i < count; i++) {
        put_entry(customers, i, &rows);
        if (i + 1 < count && rows.cap - rows.n >= ROW_BYTES_MAX)
            continue;
        e = request(a, "customer import-rows", "rows", buf_span(&rows));
        buf_reset(&rows);
    }
    return e == OK ? request(a, "customer import-commit", "", SPAN_EMPTY) : e;
}

/* --- totals --- */

static void on_server_key(void *arg, struct span payload)
{
    struct key_file *key = arg;
    struct reader r = reader_of(payload);
    struct span server = reader_lv(&r);
    if (reader_ok(&r) && server.n == CONSUMER_KEY_BYTES)
        key_text_encode(server.p, key->server_key);
}

enum err ask_consumer(struct ask *a, struct key_file *key)
{
    uint8_t room[512], public_key[CONSUMER_KEY_BYTES];
    struct buf b = buf_of(room, sizeof room);
    key_file_generate(key);
    enum err e = key_text_decode(span_str(key->public_key), public_key);
    control_put_verb(&b, "usage consumer add");
    control_put_arg(&b, "name", span_str("bench"));
    control_put_arg(&b, "public-key", span_of(public_key, sizeof public_key));
    control_put_arg(&b, "family", span_str("usage"));
    control_put_arg(&b, "account-id", span_str("1"));
    a->row = on_server_key;
    a->arg = key;
    if (e == OK)
        e = ask_send(a, FRAME_REQUEST, buf_span(&b));
    a->row = NULL;
    return e == OK && !key->server_key[0] ? ERR_SYNTAX : e;
}

struct pulling {
    struct rows *out;
    uint64_t cursor, rows;
    enum err e;
};

static void on_rows(void *arg, struct span payload)
{
    struct pulling *p = arg;
    struct reader r = reader_of(payload);
    struct pull_rows_head head;
    struct pull_row row;
    p->rows = 0;
    p->e = pull_rows_head_decode(&r, &head, NULL);
    while (p->e == OK && reader_more(&r)) {
        p->e = pull_row_next(&r, &row, NULL);
        if (p->e == OK)
            p->e = rows_take(p->out, &row);
        p->rows++;
    }
    if (p->e == OK)
        p->cursor = head.next_cursor;
}

enum err ask_totals(struct ask *a, const struct key_file *key, struct rows *out)
{
    uint8_t room[256], public_key[CONSUMER_KEY_BYTES];
    struct pulling p = {.out = out, .rows = 1};
    enum err e = key_text_decode(span_str(key->public_key), public_key);
    a->row = on_rows;
    a->arg = &p;
    while (e == OK && p.rows > 0) {
        struct buf b = buf_of(room, sizeof room);
        struct pull_ask ask = {span_of(public_key, sizeof public_key), span_str("usage.calls"),
                               p.cursor, PULL_ROWS_MAX};
        pull_ask_encode(&ask, &b);
        e = ask_send(a, FRAME_PULL, buf_span(&b));
        e = e == OK ? p.e : e;
    }
    a->row = NULL;
    return e;
}
