/* offer.c - what the forward role may ask: who may pull, window rows, confirmations. An
 * account leaves as a token made with the consumer's own key, so that two consumers cannot
 * join their data, or as its id where the operator said so. */
#include "proto/core/check.h"
#include "proto/wire/pull.h"
#include "vault/state.h"

enum { CONSUMER_TAG_BYTES = 16, TOKEN_BYTES = 16, FLAG_ACCOUNT_ID = 1 };
static const char STREAM[] = "usage.calls";

struct consumer { /* spans point into the buffer it was opened into */
    struct span name, key;
    uint8_t families, flags;
};

static void consumer_tag(const struct vault *v, struct span key,
                         uint8_t out[static CONSUMER_TAG_BYTES])
{
    keyring_prf(v->keys, PRF_CONSUMER, key, out, CONSUMER_TAG_BYTES);
}

/* Sealed row: lv(name) | [32] CURVE key | [1] families | [1] flags */
static enum err consumer_decode(struct span plain, struct consumer *out)
{
    struct reader r = reader_of(plain);
    out->name = reader_lv(&r);
    out->key = reader_take(&r, CONSUMER_KEY_BYTES);
    out->families = reader_u8(&r);
    out->flags = reader_u8(&r);
    return reader_ok(&r) ? OK : ERR_SYNTAX;
}

enum {
    CONSUMER_PLAIN_BYTES = 16 + CONSUMER_NAME_BYTES_MAX + CONSUMER_KEY_BYTES,
    CONSUMER_ROW_BYTES = CONSUMER_PLAIN_BYTES + SYSTEM_SEAL_OVERHEAD_BYTES
};

/* ERR_NOTFOUND: no such consumer. *out borrows from plain. */
static enum err consumer_get(struct vault *v, struct span key, struct buf *plain,
                             struct consumer *out)
{
    uint8_t tag[CONSUMER_TAG_BYTES], row[CONSUMER_ROW_BYTES];
    struct buf b = buf_of(row, sizeof row);
    if (key.n != CONSUMER_KEY_BYTES)
        return ERR_NOTFOUND;
    consumer_tag(v, key, tag);
    enum err e = store_get(v->store, FAMILY_CONSUMERS, span_of(tag, sizeof tag), &b);
    if (e == OK)
        e = keyring_open_value(v->keys, span_of(tag, sizeof tag), buf_span(&b), plain);
    return e == OK ? consumer_decode(buf_span(plain), out) : e;
}

/* Position that the consumer confirmed: no secret, it numbers rows of the outbox. */
static void confirmed_key(const uint8_t tag[static CONSUMER_TAG_BYTES],
                          uint8_t out[static 1 + CONSUMER_TAG_BYTES])
{
    out[0] = META_CONFIRMED;
    memcpy(out + 1, tag, CONSUMER_TAG_BYTES);
}

static enum err confirmed_get(struct vault *v, const uint8_t tag[static CONSUMER_TAG_BYTES],
                              uint64_t *out)
{
    uint8_t key[1 + CONSUMER_TAG_BYTES], value[8];
    struct buf b = buf_of(value, sizeof value);
    confirmed_key(tag, key);
    enum err e = store_get(v->store, FAMILY_META, span_of(key, sizeof key), &b);
    struct reader r = reader_of(buf_span(&b));
    *out = e == OK ? reader_be64(&r) : 0;
    return e == ERR_NOTFOUND ? OK : e;
}

static enum err refuse(struct session *s, uint32_t id, enum pull_refusal why)
{
    uint8_t code = (uint8_t)why;
    session_reply(s, FRAME_REFUSED, id, span_of(&code, 1));
    return OK;
}

/* --- window rows --- */

struct offer {
    struct vault *vault;
    const struct consumer *consumer;
    struct buf frame;
    uint32_t left;
    uint64_t last;
    enum err e;
};

/* The unassigned account is nobody's: it keeps its name, for every consumer. */
static enum err put_account(struct offer *o, uint32_t account, struct buf *out)
{
    uint8_t id[CUSTOMER_ID_BYTES_MAX + 16], token[TOKEN_BYTES];
    struct buf b = buf_of(id, sizeof id);
    enum err e = directory_account_id(o->vault->directory, account, &b);
    if (e != OK)
        return e;
    if ((o->consumer->flags & FLAG_ACCOUNT_ID) || span_is(buf_span(&b), "unassigned")) {
        buf_put(out, buf_span(&b));
        return OK;
    }
    keyring_prf_labelled(o->vault->keys, PRF_TOKEN, o->consumer->key, buf_span(&b), token,
                         sizeof token);
    buf_hex(out, span_of(token, sizeof token));
    return OK;
}

static struct span enum_text(const char *field, unsigned value)
{
    for (size_t i = 0; i < CALL_FIELDS_COUNT; i++)
        if (strcmp(CALL_FIELDS[i].name, field) == 0)
            return span_str(call_enum_name(&CALL_FIELDS[i], value));
    CHECK(false); /* it is a field of call.def */
    return SPAN_EMPTY;
}

static void put_sums(const struct vault *v, const struct usage_totals *t, struct pull_row *row,
                     struct buf *names)
{
    row->attempts = t->attempts;
    row->answered = t->answered;
    row->duration_ms = t->duration_ms;
    row->incomplete = t->incomplete;
    row->forwarded = t->forwarded;
    for (size_t i = 0; i < v->rules.increments_count; i++) {
        size_t from = names->n;
        increment_text(v->rules.increment[i], names);
        row->billed[row->billed_count++] =
            (struct pull_count){span_of(names->p + from, names->n - from), t->billed_s[i]};
    }
    for (unsigned i = 0; i < DISPOSITION_COUNT && row->failed_count < PULL_FAILED_MAX; i++)
        if (t->failed[i])
            row->failed[row->failed_count++] =
                (struct pull_count){enum_text("disposition", i), t->failed[i]};
}
_Static_assert((int)USAGE_INCREMENTS_MAX <= (int)PULL_INCREMENTS_MAX,
               "a row carries every increment");

static bool offer_row(void *arg, const struct window_row *w)
{
    struct offer *o = arg;
    uint8_t account[CUSTOMER_ID_BYTES_MAX + 16], names[USAGE_INCREMENTS_MAX * 16];
    struct buf a = buf_of(account, sizeof account), n = buf_of(names, sizeof names);
    size_t before = o->frame.n;
    if (o->left == 0)
        return false;
    o->e = put_account(o, w->key.account, &a);
    if (o->e != OK)
        return false;
    struct pull_row row = {.position = w->position,
                           .revision = w->revision,
                           .account = buf_span(&a),
                           .period_start_s = w->key.period_start_s,
                           .period_s = w->key.period_s,
                           .service = enum_text("svc_type", w->key.service),
                           .direction = enum_text("direction", w->key.direction),
                           .call_type = enum_text("call_type", w->key.call_type),
                           .juris = enum_text("juris", w->key.juris),
                           .rate_band = enum_text("rate_band", w->key.rate_band)};
    put_sums(o->vault, &w->totals, &row, &n);
    pull_row_encode(&row, &o->frame);
    if (!buf_ok(&o->frame)) {
        o->frame.n = before; /* the next pull begins with it */
        o->frame.full = false;
        return false;
    }
    o->last = w->position;
    o->left--;
    return true;
}

/* A consumer that has all written rows gets the totals of this moment, the oldest first:
 * whatever was acknowledged has been pulled when a pull comes back empty. */
static enum err freshen(struct vault *v, uint64_t cursor)
{
    enum err e = vault_flush(v); /* rows and outbox must not change while they are read */
    if (e != OK || windows_dirty(v->windows) == 0 || cursor < windows_last_position(v->windows))
        return e;
    uint64_t last = store_next_seq(v->store) - 1;
    e = windows_write(v->windows, vault_txn(v), PULL_ROWS_MAX, last);
    return e == OK ? vault_flush(v) : e;
}

static enum err send_rows(struct session *s, uint32_t id, const struct consumer *c,
                          const struct pull_ask *ask)
{
    enum { HEAD_ROOM = 128, ROWS_BYTES = WIRE_FRAME_BYTES_MAX - FRAME_HEAD_BYTES - HEAD_ROOM };
    struct vault *v = s->vault;
    uint8_t note[HEAD_NOTE_BYTES];
    struct buf all = buf_of(arena_alloc(&v->scratch, WIRE_FRAME_BYTES_MAX), WIRE_FRAME_BYTES_MAX);
    struct offer o = {.vault = v,
                      .consumer = c,
                      .frame = buf_of(arena_alloc(&v->scratch, ROWS_BYTES), ROWS_BYTES),
                      .left = ask->max_rows ? ask->max_rows : PULL_ROWS_MAX,
                      .last = ask->cursor};
    CHECK(all.p && o.frame.p);
    enum err e = freshen(v, ask->cursor);
    if (e == OK)
        e = windows_walk(v->windows, ask->cursor, offer_row, &o);
    if (e == OK)
        e = o.e;
    audit_note(v->audit, note);
    struct reader r = reader_of(span_of(note, sizeof note));
    struct pull_rows_head head = {.next_cursor = o.last, .chain_seq = reader_be64(&r)};
    head.chain_hash = reader_take(&r, CHAIN_BYTES);
    pull_rows_head_encode(&head, &all);
    buf_put(&all, buf_span(&o.frame));
    if (e == OK)
        session_reply(s, FRAME_ROWS, id, buf_span(&all));
    arena_reset(&v->scratch);
    return e;
}

static enum err confirm(struct session *s, uint32_t id, const struct consumer *c, uint64_t cursor)
{
    struct vault *v = s->vault;
    uint8_t tag[CONSUMER_TAG_BYTES], key[1 + CONSUMER_TAG_BYTES], value[8];
    struct buf b = buf_of(value, sizeof value);
    consumer_tag(v, c->key, tag);
    confirmed_key(tag, key);
    buf_be64(&b, cursor);
    txn_put(vault_txn(v), FAMILY_META, span_of(key, sizeof key), buf_span(&b));
    enum err e = vault_flush(v);
    if (e == OK)
        session_reply(s, FRAME_CONFIRMED, id, buf_span(&b));
    return e;
}

/* One damaged row ends its answer, not the vault (I10); verify tells which. */
static bool damaged(enum err e)
{
    return e == ERR_FORGED || e == ERR_VERSION;
}

static enum err pull(struct session *s, const struct frame *f)
{
    uint8_t plain[CONSUMER_PLAIN_BYTES];
    struct buf b = buf_of(plain, sizeof plain);
    struct pull_ask ask;
    struct consumer c;
    if (pull_ask_decode(f->payload, &ask, NULL) != OK)
        return ERR_SYNTAX;
    enum err e = consumer_get(s->vault, ask.consumer_key, &b, &c);
    if (e == ERR_NOTFOUND)
        return refuse(s, f->id, PULL_DENIED);
    if (e != OK)
        return damaged(e) ? refuse(s, f->id, PULL_DAMAGED) : e;
    if (!span_is(ask.stream, STREAM))
        return refuse(s, f->id, PULL_NO_STREAM);
    if (!(c.families & PULL_USAGE))
        return refuse(s, f->id, PULL_DENIED);
    e = f->type == FRAME_PULL ? send_rows(s, f->id, &c, &ask) : confirm(s, f->id, &c, ask.cursor);
    return damaged(e) ? refuse(s, f->id, PULL_DAMAGED) : e;
}

/* --- greeting, keys, hints --- */

static enum err secret(struct session *s, uint32_t id)
{
    uint8_t keys[2 * CURVE_KEY_BYTES];
    keyring_curve(s->vault->keys, keys, keys + CURVE_KEY_BYTES);
    s->forward = true;
    session_reply(s, FRAME_FORWARD_SECRET, id, span_of(keys, sizeof keys));
    explicit_bzero(keys, sizeof keys);
    return OK;
}

static enum err ask_consumer(struct session *s, uint32_t id, struct span key)
{
    uint8_t plain[CONSUMER_PLAIN_BYTES], answer[CONSUMER_NAME_BYTES_MAX + 8];
    struct buf b = buf_of(plain, sizeof plain), out = buf_of(answer, sizeof answer);
    struct consumer c;
    enum err e = consumer_get(s->vault, key, &b, &c);
    if (e != OK && e != ERR_NOTFOUND && !damaged(e))
        return e;
    if (e == OK) {
        buf_lv(&out, c.name);
        buf_u8(&out, c.families);
    }
    session_reply(s, FRAME_CONSUMER, id, buf_span(&out));
    return OK;
}

enum err offer_frame(struct session *s, const struct frame *f)
{
    switch ((int)f->type) {
    case FRAME_FORWARD_HELLO:
        return secret(s, f->id);
    case FRAME_CONSUMER_ASK:
        return ask_consumer(s, f->id, f->payload);
    case FRAME_PULL:
    case FRAME_CONFIRM:
        return pull(s, f);
    default:
        return ERR_SYNTAX;
    }
}

static void tell_forward(struct vault *v, enum frame_type type, struct span payload)
{
    for (struct session *s = v->sessions; s; s = s->next)
        if (s->forward)
            session_reply(s, type, 0, payload);
}

void offer_hint(struct vault *v)
{
    uint8_t bytes[64];
    struct buf b = buf_of(bytes, sizeof bytes);
    uint64_t position = windows_last_position(v->windows);
    if (position == v->hinted_position)
        return;
    v->hinted_position = position;
    buf_lv(&b, span_str(STREAM));
    buf_be64(&b, position);
    tell_forward(v, FRAME_POSITION, buf_span(&b));
}

/* --- administration --- */

struct named {
    struct vault *vault;
    struct span name;
    bool found;
    uint8_t key[CONSUMER_KEY_BYTES]; /* if found: its CURVE key */
};

static bool same_name(void *arg, struct span key, struct span value)
{
    struct named *n = arg;
    uint8_t plain[CONSUMER_PLAIN_BYTES];
    struct buf b = buf_of(plain, sizeof plain);
    struct consumer c;
    if (keyring_open_value(n->vault->keys, key, value, &b) == OK &&
        consumer_decode(buf_span(&b), &c) == OK && span_eq(c.name, n->name)) {
        memcpy(n->key, c.key.p, sizeof n->key);
        n->found = true;
    }
    return !n->found;
}

static enum err key_known(struct vault *v, struct span key, bool *out)
{
    uint8_t plain[CONSUMER_PLAIN_BYTES];
    struct buf b = buf_of(plain, sizeof plain);
    struct consumer c;
    enum err e = consumer_get(v, key, &b, &c);
    *out = e == OK;
    return e == ERR_NOTFOUND ? OK : e;
}

static enum err put_consumer(struct vault *v, const struct consumer *c)
{
    uint8_t tag[CONSUMER_TAG_BYTES], plain[CONSUMER_PLAIN_BYTES], row[CONSUMER_ROW_BYTES];
    struct buf p = buf_of(plain, sizeof plain), b = buf_of(row, sizeof row);
    consumer_tag(v, c->key, tag);
    buf_lv(&p, c->name);
    buf_put(&p, c->key);
    buf_u8(&p, c->families);
    buf_u8(&p, c->flags);
    enum err e = keyring_seal(v->keys, span_of(tag, sizeof tag), buf_span(&p), &b);
    if (e == OK)
        txn_put(vault_txn(v), FAMILY_CONSUMERS, span_of(tag, sizeof tag), buf_span(&b));
    return e;
}

/* Arguments: name, public-key (32 bytes), family "usage" or "agg", account-id if set.
 * Answers with the server's public key, which the consumer's certificate needs. */
static const char *consumer_args(const struct control_request *q, struct consumer *out)
{
    struct span family = control_arg(q, "family");
    *out = (struct consumer){.name = control_arg(q, "name"), .key = control_arg(q, "public-key")};
    if (out->name.n == 0 || out->name.n > CONSUMER_NAME_BYTES_MAX)
        return "a consumer needs a name of at most 64 bytes";
    if (out->key.n != CONSUMER_KEY_BYTES)
        return "the public key must be a CURVE key";
    if (span_is(family, "usage"))
        out->families = PULL_USAGE;
    else if (span_is(family, "agg"))
        out->families = PULL_AGG;
    else
        return "--family must be usage or agg";
    out->flags = control_arg(q, "account-id").n ? FLAG_ACCOUNT_ID : 0;
    return NULL;
}

enum err offer_consumer_add(struct session *s, uint32_t id, const struct control_request *q,
                            const struct decision *d)
{
    struct vault *v = s->vault;
    struct consumer c;
    uint64_t seq;
    const char *wrong = consumer_args(q, &c);
    if (wrong) {
        answer_end(s, id, CONTROL_USAGE, wrong);
        return OK;
    }
    struct named n = {.vault = v, .name = c.name};
    enum err e = vault_flush(v);
    if (e == OK)
        e = store_walk(v->store, FAMILY_CONSUMERS, SPAN_EMPTY, same_name, &n);
    if (e == OK && !n.found)
        e = key_known(v, c.key, &n.found);
    if (e == OK && n.found) {
        answer_end(s, id, CONTROL_FAILED, "there is a consumer of that name or key");
        return OK;
    }
    struct audit_event event = {.action = ACTION_CONSUMER_WRITE,
                                .role = d->role,
                                .outcome = AUDIT_DONE,
                                .rule = span_str(d->rule),
                                .detail = c.name};
    if (e == OK)
        e = put_consumer(v, &c);
    if (e == OK)
        e = answer_audit(s, &event, &seq);
    if (e == OK)
        e = vault_flush(v);
    if (e != OK)
        return e;
    uint8_t keys[2 * CURVE_KEY_BYTES], bytes[128];
    struct buf b = buf_of(bytes, sizeof bytes);
    keyring_curve(v->keys, keys, keys + CURVE_KEY_BYTES);
    control_put_column(&b, COLUMN_TEXT, "server_key");
    session_reply(s, FRAME_COLUMNS, id, buf_span(&b));
    buf_reset(&b);
    buf_lv(&b, span_of(keys, CURVE_KEY_BYTES));
    session_reply(s, FRAME_ROW, id, buf_span(&b));
    explicit_bzero(keys, sizeof keys);
    answer_end(s, id, CONTROL_DONE, "");
    return OK;
}

/* Its row, and what it confirmed: nothing waits for it any more. */
static void forget_consumer(struct vault *v, struct span key)
{
    uint8_t tag[CONSUMER_TAG_BYTES], confirmed[1 + CONSUMER_TAG_BYTES];
    consumer_tag(v, key, tag);
    confirmed_key(tag, confirmed);
    txn_delete(vault_txn(v), FAMILY_CONSUMERS, span_of(tag, sizeof tag));
    txn_delete(vault_txn(v), FAMILY_META, span_of(confirmed, sizeof confirmed));
}

enum err offer_consumer_remove(struct session *s, uint32_t id, const struct control_request *q,
                               const struct decision *d)
{
    struct vault *v = s->vault;
    struct named n = {.vault = v, .name = control_arg(q, "name")};
    uint8_t text[16 + CONSUMER_NAME_BYTES_MAX];
    struct buf detail = buf_of(text, sizeof text);
    uint64_t seq;
    enum err e = vault_flush(v);
    if (e == OK)
        e = store_walk(v->store, FAMILY_CONSUMERS, SPAN_EMPTY, same_name, &n);
    if (e == OK && !n.found) {
        answer_end(s, id, CONTROL_NOTFOUND, "no such consumer");
        return OK;
    }
    buf_str(&detail, "removed ");
    buf_put(&detail, n.name);
    struct audit_event event = {.action = ACTION_CONSUMER_WRITE,
                                .role = d->role,
                                .outcome = AUDIT_DONE,
                                .rule = span_str(d->rule),
                                .detail = buf_span(&detail)};
    if (e == OK) {
        forget_consumer(v, span_of(n.key, sizeof n.key));
        e = answer_audit(s, &event, &seq);
    }
    if (e == OK)
        e = vault_flush(v);
    if (e != OK)
        return e;
    tell_forward(v, FRAME_CONSUMER_GONE, span_of(n.key, sizeof n.key));
    answer_end(s, id, CONTROL_DONE, "");
    return OK;
}

struct consumers_walk {
    struct vault *vault;
    consumer_fn *fn;
    void *arg;
    enum err e;
};

static bool give_consumer(void *arg, struct span key, struct span value)
{
    struct consumers_walk *w = arg;
    struct vault *v = w->vault;
    uint8_t plain[CONSUMER_PLAIN_BYTES];
    struct buf b = buf_of(plain, sizeof plain);
    struct consumer c;
    uint64_t confirmed, last = windows_last_position(v->windows);
    w->e = keyring_open_value(v->keys, key, value, &b);
    if (w->e == OK)
        w->e = consumer_decode(buf_span(&b), &c);
    if (w->e == OK)
        w->e = confirmed_get(v, key.p, &confirmed);
    if (w->e != OK)
        return false;
    struct consumer_info info = {.name = c.name,
                                 .usage = c.families & PULL_USAGE,
                                 .by_id = c.flags & FLAG_ACCOUNT_ID,
                                 .confirmed = confirmed,
                                 .lag = last > confirmed ? last - confirmed : 0};
    w->fn(w->arg, &info);
    return true;
}

enum err offer_consumers(struct vault *v, consumer_fn *fn, void *arg)
{
    struct consumers_walk w = {v, fn, arg, OK};
    enum err e = store_walk(v->store, FAMILY_CONSUMERS, SPAN_EMPTY, give_consumer, &w);
    return e == OK ? w.e : e;
}

struct listing {
    struct session *session;
    uint32_t id;
};

static void list_consumer(void *arg, const struct consumer_info *c)
{
    struct listing *l = arg;
    uint8_t bytes[512], digits[20];
    struct buf row = buf_of(bytes, sizeof bytes);
    const uint64_t numbers[] = {c->confirmed, c->lag};
    buf_lv(&row, c->name);
    buf_lv(&row, span_str(c->usage ? "usage" : "agg"));
    buf_lv(&row, span_str(c->by_id ? "id" : "token"));
    for (size_t i = 0; i < 2; i++) {
        struct buf n = buf_of(digits, sizeof digits);
        buf_dec(&n, numbers[i]);
        buf_lv(&row, buf_span(&n));
    }
    session_reply(l->session, FRAME_ROW, l->id, buf_span(&row));
}

enum err offer_consumer_list(struct session *s, uint32_t id)
{
    struct listing l = {s, id};
    uint8_t bytes[256];
    struct buf b = buf_of(bytes, sizeof bytes);
    control_put_column(&b, COLUMN_TEXT, "name");
    control_put_column(&b, COLUMN_TEXT, "family");
    control_put_column(&b, COLUMN_TEXT, "account_as");
    control_put_column(&b, COLUMN_NUMBER, "confirmed");
    control_put_column(&b, COLUMN_NUMBER, "lag");
    session_reply(s, FRAME_COLUMNS, id, buf_span(&b));
    enum err e = offer_consumers(s->vault, list_consumer, &l);
    if (e == OK)
        answer_end(s, id, CONTROL_DONE, "");
    return e;
}
