#include "ingest/forward/desk.h"

#include <stdlib.h>

#include "proto/core/check.h"

enum seat_state { SEAT_FREE, SEAT_ASKED, SEAT_PARKED, SEAT_LAST /* asked, and no more waiting */ };

struct seat {
    enum seat_state state;
    enum cu1_kind kind; /* CU1_PULL or CU1_CONFIRM */
    uint32_t id;        /* of the question to the vault */
    uint32_t max_rows;
    uint64_t cursor;
    int64_t wait_until_ms; /* of a pull: when an empty answer is due */
    int64_t due_ms;        /* when desk_tick() has something to do */
    size_t peer_bytes, stream_bytes;
    uint8_t peer[DESK_PEER_BYTES_MAX], stream[STREAM_BYTES_MAX], key[CONSUMER_KEY_BYTES];
};

struct stream { /* for the lag of the consumers */
    size_t name_bytes;
    uint8_t name[STREAM_BYTES_MAX];
    uint64_t position;
};

struct consumer {
    uint8_t key[CONSUMER_KEY_BYTES];
    bool heard[DESK_STREAMS]; /* since this process started */
    uint64_t confirmed[DESK_STREAMS];
};

struct desk {
    struct desk_ops ops;
    const struct metrics *metrics;
    uint32_t next_id;
    size_t streams_count, consumers_count;
    struct stream stream[DESK_STREAMS];
    struct consumer consumer[METRIC_CONSUMERS_MAX];
    struct seat seat[DESK_SEATS];
    struct arena arena;
    uint8_t out[CU1_ANSWER_BYTES_MAX];
};

enum err desk_new(const struct desk_ops *ops, uint32_t first_id, const struct metrics *m,
                  struct desk **out)
{
    struct desk *k = calloc(1, sizeof *k);
    if (!k || arena_init(&k->arena, CU1_ARENA_BYTES) != OK) {
        free(k);
        return ERR_NOMEM;
    }
    k->ops = *ops;
    k->metrics = m;
    k->next_id = first_id;
    *out = k;
    return OK;
}

struct desk *desk_free(struct desk *k)
{
    if (k)
        arena_done(&k->arena);
    free(k);
    return NULL;
}

/* --- consumers and streams, for the metrics only --- */

static size_t consumer_index(const struct desk *k, const uint8_t key[static CONSUMER_KEY_BYTES])
{
    for (size_t i = 0; i < k->consumers_count; i++)
        if (memcmp(k->consumer[i].key, key, CONSUMER_KEY_BYTES) == 0)
            return i;
    return METRIC_CONSUMERS_MAX; /* ignored by metric_add_at() */
}

void desk_consumer(struct desk *k, struct span key, struct span name)
{
    CHECK(key.n == CONSUMER_KEY_BYTES);
    size_t i = consumer_index(k, key.p);
    if (i == METRIC_CONSUMERS_MAX && k->consumers_count < METRIC_CONSUMERS_MAX) {
        i = k->consumers_count++;
        memcpy(k->consumer[i].key, key.p, CONSUMER_KEY_BYTES);
    }
    if (i < METRIC_CONSUMERS_MAX)
        metrics_name(k->metrics, METRIC_BY_CONSUMER, (unsigned)i, name);
}

static size_t stream_index(struct desk *k, struct span name)
{
    size_t i = 0;
    while (i < k->streams_count &&
           !span_eq(span_of(k->stream[i].name, k->stream[i].name_bytes), name))
        i++;
    return i;
}

static void show_lag(const struct desk *k, size_t consumer)
{
    uint64_t lag = 0;
    for (size_t s = 0; s < k->streams_count; s++) {
        uint64_t confirmed = k->consumer[consumer].confirmed[s];
        if (k->consumer[consumer].heard[s] && k->stream[s].position > confirmed)
            lag += k->stream[s].position - confirmed;
    }
    metric_set_at(k->metrics, METRIC_CONSUMER_LAG, (unsigned)consumer, lag);
}

/* The vault keeps what was confirmed; this process learns it from the first pull that it
 * sees (a consumer pulls from what it confirmed), and from then on by confirmations. */
static void note_cursor(struct desk *k, const struct seat *s, uint64_t cursor)
{
    size_t i = consumer_index(k, s->key);
    size_t stream = stream_index(k, span_of(s->stream, s->stream_bytes));
    if (i == METRIC_CONSUMERS_MAX || stream == k->streams_count)
        return;
    struct consumer *c = &k->consumer[i];
    if (s->kind == CU1_CONFIRM || !c->heard[stream])
        c->confirmed[stream] = cursor;
    c->heard[stream] = true;
    show_lag(k, i);
}

static void note_position(struct desk *k, const struct pull_position *p)
{
    size_t i = stream_index(k, p->stream);
    if (i == k->streams_count && i < DESK_STREAMS) {
        memcpy(k->stream[i].name, p->stream.p, p->stream.n);
        k->stream[i].name_bytes = p->stream.n;
        k->streams_count++;
    }
    if (i == k->streams_count)
        return;
    k->stream[i].position = p->position;
    for (size_t c = 0; c < k->consumers_count; c++)
        show_lag(k, c);
}

/* --- answers --- */

static void refuse(struct desk *k, struct span peer, enum cu1_fault fault)
{
    static const enum reason REASON[CU1_FAULT_COUNT] = {
        [CU1_FAULT_UNKNOWN] = REASON_UNAVAILABLE, [CU1_FAULT_STREAM] = REASON_UNKNOWN_STREAM,
        [CU1_FAULT_CURSOR_OLD] = REASON_TOO_OLD,  [CU1_FAULT_DENIED] = REASON_UNKNOWN_STREAM,
        [CU1_FAULT_PROTOCOL] = REASON_PROTOCOL,   [CU1_FAULT_BUSY] = REASON_BUSY,
    };
    struct buf b = buf_of(k->out, sizeof k->out);
    metric_inc_reason(k->metrics, METRIC_PULLS_REFUSED, 0, REASON[fault]);
    if (cu1_put_fault(fault, &b) == OK)
        k->ops.answer(k->ops.arg, peer, buf_span(&b));
}

/* Frees the seat first: an answer may make the consumer ask again at once. */
static struct span leave(struct seat *s)
{
    s->state = SEAT_FREE;
    return span_of(s->peer, s->peer_bytes);
}

static void ask(struct desk *k, struct seat *s, enum seat_state state, int64_t now_ms)
{
    uint8_t room[CONSUMER_KEY_BYTES + STREAM_BYTES_MAX + 32];
    struct buf b = buf_of(room, sizeof room);
    struct pull_ask a = {span_of(s->key, sizeof s->key), span_of(s->stream, s->stream_bytes),
                         s->cursor, s->max_rows};
    pull_ask_encode(&a, &b);
    CHECK(buf_ok(&b));
    s->id = DESK_ID_BIT | (k->next_id++ & (DESK_ID_BIT - 1));
    s->state = state;
    s->due_ms = now_ms + DESK_VAULT_MS;
    enum frame_type type = s->kind == CU1_PULL ? FRAME_PULL : FRAME_CONFIRM;
    if (k->ops.ask(k->ops.arg, type, s->id, buf_span(&b)) != OK)
        refuse(k, leave(s), CU1_FAULT_BUSY);
}

/* --- requests --- */

struct census {
    struct seat *free;
    bool peer_sits;
    size_t of_consumer;
};

static struct census look_around(struct desk *k, const struct desk_caller *c)
{
    struct census n = {NULL, false, 0};
    for (size_t i = 0; i < DESK_SEATS; i++) {
        struct seat *s = &k->seat[i];
        if (s->state == SEAT_FREE) {
            n.free = n.free ? n.free : s;
            continue;
        }
        n.peer_sits |= span_eq(span_of(s->peer, s->peer_bytes), c->peer);
        n.of_consumer += memcmp(s->key, c->consumer_key.p, CONSUMER_KEY_BYTES) == 0;
    }
    return n;
}

static void sit(struct seat *s, const struct desk_caller *c, const struct cu1_request *q,
                int64_t now_ms)
{
    s->kind = q->kind;
    s->max_rows = q->max_rows;
    s->cursor = q->cursor;
    s->wait_until_ms = now_ms + q->wait_ms;
    s->peer_bytes = c->peer.n;
    s->stream_bytes = q->stream.n;
    memcpy(s->peer, c->peer.p, c->peer.n);
    memcpy(s->stream, q->stream.p, q->stream.n);
    memcpy(s->key, c->consumer_key.p, CONSUMER_KEY_BYTES);
}

void desk_request(struct desk *k, const struct desk_caller *c, struct span version,
                  struct span envelope, int64_t now_ms)
{
    struct cu1_request q;
    CHECK(c->peer.n <= DESK_PEER_BYTES_MAX && c->consumer_key.n == CONSUMER_KEY_BYTES);
    bool bad = !span_is(version, CU1_VERSION) || envelope.n > CU1_REQUEST_BYTES_MAX ||
               cu1_get_request(envelope, &k->arena, &q, NULL) != OK;
    if (bad) {
        refuse(k, c->peer, CU1_FAULT_PROTOCOL);
    } else {
        struct census n = look_around(k, c);
        if (!n.free || n.peer_sits || n.of_consumer >= DESK_SEATS_A_CONSUMER) {
            refuse(k, c->peer, CU1_FAULT_BUSY);
        } else {
            sit(n.free, c, &q, now_ms);
            ask(k, n.free, q.wait_ms ? SEAT_ASKED : SEAT_LAST, now_ms);
        }
    }
    arena_reset(&k->arena);
}

/* --- what the vault says --- */

static size_t rows_in(struct span payload, struct pull_rows_head *head)
{
    struct reader r = reader_of(payload);
    size_t n = 0;
    if (pull_rows_head_decode(&r, head, NULL) != OK)
        return 0;
    for (; reader_more(&r); n++)
        reader_lv(&r);
    return n;
}

static void give_rows(struct desk *k, struct seat *s, struct span payload, int64_t now_ms)
{
    struct pull_rows_head head = {0};
    size_t rows = rows_in(payload, &head);
    if (rows == 0 && s->state == SEAT_ASKED && now_ms < s->wait_until_ms) {
        s->state = SEAT_PARKED;
        s->due_ms = s->wait_until_ms;
        return;
    }
    struct buf b = buf_of(k->out, sizeof k->out);
    struct span stream = span_of(s->stream, s->stream_bytes);
    struct span peer = leave(s);
    if (cu1_put_rows(stream, payload, &k->arena, &b, NULL) != OK) {
        refuse(k, peer, CU1_FAULT_UNKNOWN);
        return;
    }
    unsigned consumer = (unsigned)consumer_index(k, s->key);
    note_cursor(k, s, s->cursor);
    metric_inc_at(k->metrics, METRIC_PULLS, consumer);
    metric_add_at(k->metrics, METRIC_PULLED_ROWS, consumer, (enum reason)0, rows);
    k->ops.answer(k->ops.arg, peer, buf_span(&b));
}

static void give_confirmed(struct desk *k, struct seat *s, struct span payload)
{
    struct reader r = reader_of(payload);
    uint64_t cursor = reader_be64(&r);
    struct buf b = buf_of(k->out, sizeof k->out);
    struct span stream = span_of(s->stream, s->stream_bytes);
    struct span peer = leave(s);
    note_cursor(k, s, cursor);
    if (!reader_ok(&r) || cu1_put_confirmed(stream, cursor, &k->arena, &b) != OK)
        refuse(k, peer, CU1_FAULT_UNKNOWN);
    else
        k->ops.answer(k->ops.arg, peer, buf_span(&b));
}

static enum cu1_fault fault_of(struct span payload)
{
    static const enum cu1_fault FAULT[] = {
        [PULL_NO_STREAM] = CU1_FAULT_STREAM,
        [PULL_CURSOR_OLD] = CU1_FAULT_CURSOR_OLD,
        [PULL_DENIED] = CU1_FAULT_DENIED,
        [PULL_BUSY] = CU1_FAULT_BUSY,
    };
    struct reader r = reader_of(payload);
    unsigned refusal = reader_u8(&r);
    return refusal < sizeof FAULT / sizeof FAULT[0] ? FAULT[refusal] : CU1_FAULT_UNKNOWN;
}

static struct seat *seat_by_id(struct desk *k, uint32_t id)
{
    for (size_t i = 0; i < DESK_SEATS; i++) {
        struct seat *s = &k->seat[i];
        if ((s->state == SEAT_ASKED || s->state == SEAT_LAST) && s->id == id)
            return s;
    }
    return NULL;
}

void desk_answer(struct desk *k, const struct frame *f, int64_t now_ms)
{
    struct seat *s = seat_by_id(k, f->id);
    if (!s)
        return;
    if (f->type == FRAME_ROWS && s->kind == CU1_PULL)
        give_rows(k, s, f->payload, now_ms);
    else if (f->type == FRAME_CONFIRMED && s->kind == CU1_CONFIRM)
        give_confirmed(k, s, f->payload);
    else
        refuse(k, leave(s), f->type == FRAME_REFUSED ? fault_of(f->payload) : CU1_FAULT_UNKNOWN);
    arena_reset(&k->arena);
}

void desk_position(struct desk *k, const struct pull_position *p, int64_t now_ms)
{
    note_position(k, p);
    for (size_t i = 0; i < DESK_SEATS; i++) {
        struct seat *s = &k->seat[i];
        if (s->state == SEAT_PARKED && p->position > s->cursor &&
            span_eq(span_of(s->stream, s->stream_bytes), p->stream))
            ask(k, s, SEAT_ASKED, now_ms);
    }
}

void desk_consumer_gone(struct desk *k, struct span key, int64_t now_ms)
{
    CHECK(key.n == CONSUMER_KEY_BYTES);
    size_t c = consumer_index(k, key.p);
    if (c < METRIC_CONSUMERS_MAX) { /* its counters stay */
        memset(k->consumer[c].heard, 0, sizeof k->consumer[c].heard);
        show_lag(k, c);
    }
    for (size_t i = 0; i < DESK_SEATS; i++) {
        struct seat *s = &k->seat[i];
        if (s->state == SEAT_PARKED && memcmp(s->key, key.p, CONSUMER_KEY_BYTES) == 0)
            ask(k, s, SEAT_LAST, now_ms);
    }
}

void desk_ask_again(struct desk *k, int64_t now_ms)
{
    for (size_t i = 0; i < DESK_SEATS; i++) {
        struct seat *s = &k->seat[i];
        if (s->state == SEAT_ASKED || s->state == SEAT_LAST)
            ask(k, s, s->state, now_ms);
        else if (s->state == SEAT_PARKED) /* the new vault does not repeat its last position */
            ask(k, s, SEAT_ASKED, now_ms);
    }
}

int64_t desk_tick(struct desk *k, int64_t now_ms)
{
    int64_t next = INT64_MAX;
    for (size_t i = 0; i < DESK_SEATS; i++) {
        struct seat *s = &k->seat[i];
        if (s->state == SEAT_PARKED && s->due_ms <= now_ms)
            ask(k, s, SEAT_LAST, now_ms);
        else if (s->state != SEAT_FREE && s->due_ms <= now_ms)
            refuse(k, leave(s), CU1_FAULT_BUSY);
        if (s->state != SEAT_FREE && s->due_ms < next)
            next = s->due_ms;
    }
    return next;
}
