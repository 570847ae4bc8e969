#include "tests/lib/fake_vault.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "proto/core/check.h"
#include "proto/wire/batch.h"

static struct fake_vault *fake_of(const struct vault_link *l)
{
    return (struct fake_vault *)(uintptr_t)l;
}

static void *grown(void *array, size_t count, size_t item_bytes)
{
    if ((count & (count - 1)) != 0)
        return array; /* room up to the next power of two */
    void *p = realloc(array, (count ? 2 * count : 1) * item_bytes);
    CHECK(p);
    return p;
}

static uint8_t *copied(struct span s)
{
    uint8_t *p = malloc(s.n + 1);
    CHECK(p);
    if (s.n)
        memcpy(p, s.p, s.n);
    return p;
}

static void append(struct fake_frame **list, enum frame_type type, uint32_t id, struct span payload)
{
    struct fake_frame *f = malloc(sizeof *f + payload.n);
    CHECK(f);
    *f = (struct fake_frame){NULL, type, id, payload.n};
    if (payload.n)
        memcpy(f->bytes, payload.p, payload.n);
    while (*list)
        list = &(*list)->next;
    *list = f;
}

static struct fake_frame *take(struct fake_frame **list)
{
    struct fake_frame *f = *list;
    if (f)
        *list = f->next;
    return f;
}

static void drop_all(struct fake_frame **list)
{
    for (struct fake_frame *f; (f = take(list)) != NULL;)
        free(f);
}

/* --- cursors and dialogs --- */

static struct fake_pair *pair_find(struct fake_pair *list, size_t n, const struct batch_op *op)
{
    for (size_t i = 0; i < n; i++)
        if (list[i].feed_id == op->feed_id &&
            span_eq(span_of(list[i].key, list[i].key_bytes), op->key))
            return &list[i];
    return NULL;
}

static void pair_remove(struct fake_pair *list, size_t *n, const struct batch_op *op)
{
    struct fake_pair *p = pair_find(list, *n, op);
    if (!p)
        return;
    free(p->key);
    free(p->value);
    *p = list[--*n];
}

static void pair_put(struct fake_pair **list, size_t *n, const struct batch_op *op)
{
    pair_remove(*list, n, op);
    *list = grown(*list, *n, sizeof **list);
    (*list)[(*n)++] =
        (struct fake_pair){op->feed_id, copied(op->key), copied(op->value), op->key.n, op->value.n};
}

/* --- batches --- */

static void put_record(struct fake_vault *v, struct span wire, struct receipt *receipt)
{
    struct record_parts parts;
    struct diag d;
    struct record r;
    record_reset(&r);
    struct fake_record kept = {copied(wire), wire.n, 0, SPAN_EMPTY};
    if (record_split(span_of(kept.wire, wire.n), &parts, &d) != OK ||
        record_decode_items(parts.core, &r, &d) != OK || r.call.feed_id == 0 ||
        r.call.feed_id > v->feeds_count || parts.dedup.n == 0) {
        v->violations++;
        free(kept.wire);
        return;
    }
    kept.feed_id = r.call.feed_id;
    kept.dedup = parts.dedup;
    for (size_t i = 0; i < v->records_count; i++)
        if (v->record[i].feed_id == kept.feed_id && span_eq(v->record[i].dedup, kept.dedup)) {
            receipt->duplicate++;
            v->duplicates++;
            free(kept.wire);
            return;
        }
    v->record = grown(v->record, v->records_count, sizeof *v->record);
    v->record[v->records_count++] = kept;
    receipt->accepted++;
}

static void apply_op(struct fake_vault *v, const struct batch_op *op, struct receipt *receipt)
{
    if (op->kind != BATCH_RECORD && (op->feed_id == 0 || op->feed_id > v->feeds_count))
        v->violations++;
    else if (op->kind == BATCH_RECORD)
        put_record(v, op->value, receipt);
    else if (op->kind == BATCH_CURSOR)
        pair_put(&v->cursor, &v->cursors_count, op);
    else if (op->kind == BATCH_LIVE_PUT)
        pair_put(&v->live, &v->lives_count, op);
    else
        pair_remove(v->live, &v->lives_count, op);
}

static void apply(struct fake_vault *v, struct span batch, struct receipt *receipt)
{
    struct reader r = reader_of(batch);
    struct batch_op op;
    struct diag d;
    while (reader_more(&r)) {
        if (batch_next(&r, &op, &d) != OK) {
            v->violations++;
            return;
        }
        apply_op(v, &op, receipt);
    }
    v->batches++;
}

void fake_vault_commit(struct fake_vault *v)
{
    for (struct fake_frame *f; (f = take(&v->pending)) != NULL; free(f)) {
        uint8_t bytes[64];
        struct buf b = buf_of(bytes, sizeof bytes);
        struct receipt r = {.status = v->refuse};
        if (v->refuse == OK)
            apply(v, span_of(f->bytes, f->n), &r);
        receipt_encode(&r, &b);
        append(&v->answers, FRAME_RECEIPT, f->id, buf_span(&b));
    }
}

static size_t pending_count(const struct fake_vault *v)
{
    size_t n = 0;
    for (const struct fake_frame *f = v->pending; f; f = f->next)
        n++;
    return n;
}

/* Before its HELLO a client's batches are left over from a vault that died: dropped. */
static void take_batch(struct fake_vault *v, uint32_t id, struct span payload)
{
    if (!v->greeted)
        return;
    if (v->last_id && id != v->last_id + 1)
        v->violations++;
    if (pending_count(v) >= BATCHES_IN_FLIGHT_MAX)
        v->violations++;
    v->last_id = id;
    append(&v->pending, FRAME_BATCH, id, payload);
}

/* --- HELLO --- */

uint16_t fake_vault_feed(const struct fake_vault *v, const char *name)
{
    for (size_t i = 0; i < v->feeds_count; i++)
        if (strcmp(v->feed[i], name) == 0)
            return (uint16_t)(i + 1);
    return 0;
}

static uint16_t feed_number(struct fake_vault *v, struct span name, uint8_t kind)
{
    char text[FEED_NAME_BYTES_MAX + 1] = {0};
    memcpy(text, name.p, name.n);
    uint16_t id = fake_vault_feed(v, text);
    if (kind == FEED_UNKNOWN)
        kind = (uint8_t)v->known_kind;
    if (id == 0 && kind != FEED_UNKNOWN && v->feeds_count < FEEDS_MAX) {
        memcpy(v->feed[v->feeds_count], text, sizeof text);
        v->feed_kind[v->feeds_count] = kind;
        id = (uint16_t)++v->feeds_count;
    }
    return id;
}

static void welcome(struct fake_vault *v, uint32_t hello, uint16_t feed)
{
    static uint8_t bytes[WIRE_FRAME_BYTES_MAX];
    struct buf b = buf_of(bytes, sizeof bytes);
    buf_be16(&b, feed);
    buf_u8(&b, v->feed_kind[feed - 1]);
    buf_lv(&b, span_str(v->feed[feed - 1]));
    for (size_t i = 0; i < v->cursors_count; i++) {
        if (v->cursor[i].feed_id != feed)
            continue;
        buf_lv(&b, span_of(v->cursor[i].key, v->cursor[i].key_bytes));
        buf_lv(&b, span_of(v->cursor[i].value, v->cursor[i].value_bytes));
    }
    append(&v->answers, FRAME_WELCOME, hello, buf_span(&b));
}

static void hand_back(struct fake_vault *v, uint32_t hello)
{
    static uint8_t bytes[WIRE_FRAME_BYTES_MAX];
    for (size_t i = 0; i < v->lives_count; i++) {
        struct buf b = buf_of(bytes, sizeof bytes);
        buf_lv(&b, span_of(v->live[i].key, v->live[i].key_bytes));
        buf_lv(&b, span_of(v->live[i].value, v->live[i].value_bytes));
        append(&v->answers, FRAME_LIVE, hello, buf_span(&b));
    }
}

static void take_hello(struct fake_vault *v, uint32_t id, struct span payload)
{
    uint16_t feed[FEEDS_MAX];
    size_t n = 0;
    fake_vault_commit(v);
    v->greeted = true;
    v->last_id = 0;
    v->hellos++;
    for (struct reader r = reader_of(payload); reader_more(&r);) {
        struct span name = reader_lv(&r);
        uint8_t kind = reader_u8(&r);
        if (!reader_ok(&r) || n == FEEDS_MAX || name.n == 0 || name.n > FEED_NAME_BYTES_MAX) {
            v->violations++;
            return;
        }
        uint16_t number = feed_number(v, name, kind);
        if (number)
            feed[n++] = number;
    }
    for (size_t i = 0; i < n; i++)
        welcome(v, id, feed[i]);
    hand_back(v, id);
    append(&v->answers, FRAME_READY, id, SPAN_EMPTY);
}

static void take_frame(struct fake_vault *v, enum frame_type type, uint32_t id, struct span payload)
{
    if (type == FRAME_HELLO)
        take_hello(v, id, payload);
    else if (type == FRAME_BATCH)
        take_batch(v, id, payload);
    else
        v->violations++;
}

/* --- as a link in this process --- */

static enum err fake_send(struct vault_link *l, enum frame_type type, uint32_t id,
                          struct span payload)
{
    struct fake_vault *v = fake_of(l);
    if (v->full)
        return ERR_FULL;
    take_frame(v, type, id, payload);
    return OK;
}

static enum err fake_receive(struct vault_link *l)
{
    struct fake_vault *v = fake_of(l);
    if (!v->withhold)
        fake_vault_commit(v);
    for (struct fake_frame *f; (f = take(&v->answers)) != NULL; free(f)) {
        struct frame given = {f->type, f->id, span_of(f->bytes, f->n)};
        l->on_frame(l->arg, &given);
    }
    return OK;
}

static int fake_fd(const struct vault_link *l)
{
    (void)l;
    return -1;
}

static void fake_free(struct vault_link *l)
{
    (void)l;
}

static const struct vault_link_ops FAKE = {fake_send, fake_receive, fake_fd, fake_free};

/* --- as the peer of another process --- */

static bool answer(struct fake_vault *v, int fd)
{
    for (struct fake_frame *f; (f = take(&v->answers)) != NULL; free(f)) {
        uint8_t head[FRAME_HEAD_BYTES];
        frame_head(head, f->type, f->id, f->n);
        struct iovec part[] = {{head, sizeof head}, {f->bytes, f->n}};
        struct msghdr m = {.msg_iov = part, .msg_iovlen = 2};
        if (sendmsg(fd, &m, MSG_NOSIGNAL) < 0) {
            free(f);
            return false;
        }
    }
    return true;
}

bool fake_vault_serve(struct fake_vault *v, int fd, int timeout_ms)
{
    static uint8_t in[WIRE_FRAME_BYTES_MAX];
    if (!answer(v, fd))
        return false;
    for (;;) {
        struct pollfd p = {fd, POLLIN, 0};
        if (poll(&p, 1, timeout_ms) <= 0)
            break;
        timeout_ms = 0;
        ssize_t n = recv(fd, in, sizeof in, MSG_DONTWAIT);
        if (n == 0 || (n < 0 && errno != EAGAIN))
            return false;
        struct frame f;
        size_t used;
        if (frame_next(span_of(in, (size_t)n), &f, &used, NULL) == OK)
            take_frame(v, f.type, f.id, f.payload);
        else
            v->violations++;
    }
    if (!v->withhold)
        fake_vault_commit(v);
    return answer(v, fd);
}

/* --- --- */

void fake_vault_init(struct fake_vault *v)
{
    memset(v, 0, sizeof *v);
    v->link.ops = &FAKE;
}

void fake_vault_done(struct fake_vault *v)
{
    drop_all(&v->pending);
    drop_all(&v->answers);
    for (size_t i = 0; i < v->records_count; i++)
        free(v->record[i].wire);
    struct fake_pair *lists[] = {v->cursor, v->live};
    size_t counts[] = {v->cursors_count, v->lives_count};
    for (size_t l = 0; l < 2; l++) {
        for (size_t i = 0; i < counts[l]; i++) {
            free(lists[l][i].key);
            free(lists[l][i].value);
        }
        free(lists[l]);
    }
    free(v->record);
}

void fake_vault_restart(struct fake_vault *v)
{
    drop_all(&v->pending);
    drop_all(&v->answers);
    v->greeted = false;
    v->last_id = 0;
    append(&v->answers, FRAME_GREETING, 0, SPAN_EMPTY);
}

void fake_vault_record(const struct fake_vault *v, size_t i, struct record *out)
{
    struct record_parts parts;
    struct diag d;
    const struct fake_record *r = &v->record[i];
    record_reset(out);
    CHECK(record_split(span_of(r->wire, r->bytes), &parts, &d) == OK);
    CHECK(record_decode_items(parts.core, out, &d) == OK);
    CHECK(record_decode_items(parts.location, out, &d) == OK);
    out->dedup = parts.dedup;
}

size_t fake_vault_count(const struct fake_vault *v, struct span dedup)
{
    size_t n = 0;
    for (size_t i = 0; i < v->records_count; i++)
        n += span_eq(v->record[i].dedup, dedup);
    return n;
}
