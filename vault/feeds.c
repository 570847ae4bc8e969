/* feeds.c - feed numbers, the cursors of ordered sources, and the dialogs that outlive a
 * restart of their worker. All of it is sealed: a file's path or a dialog's Call-ID must
 * not stand on the disk in clear (I4). */
#include "proto/core/check.h"
#include "vault/state.h"

enum {
    FEED_KEY_BYTES = 1 + 8,
    CURSOR_KEY_BYTES = 1 + 2 + 16,
    HANDOVER_STEP = 64 /* dialogs between two commits */
};

struct span feed_name(const struct feed *f)
{
    return span_of(f->name, f->name_bytes);
}

static void feed_key(const struct vault *v, struct span name, uint8_t out[static FEED_KEY_BYTES])
{
    out[0] = META_FEED;
    keyring_prf(v->keys, PRF_FEED, name, out + 1, FEED_KEY_BYTES - 1);
}

/* Sealed feed row: be16 id | [1] kind | lv(name) */
static enum err feed_open_row(struct vault *v, struct span key, struct span value, struct feed *out)
{
    uint8_t plain[64 + FEED_NAME_BYTES_MAX];
    struct buf b = buf_of(plain, sizeof plain);
    if (keyring_open_value(v->keys, key, value, &b) != OK)
        return ERR_FORGED;
    struct reader r = reader_of(buf_span(&b));
    struct feed f = {.id = reader_be16(&r), .kind = reader_u8(&r)};
    struct span name = reader_lv(&r);
    if (!reader_ok(&r) || name.n > FEED_NAME_BYTES_MAX)
        return ERR_FORGED;
    f.name_bytes = name.n;
    memcpy(f.name, name.p, name.n);
    *out = f;
    return OK;
}

struct feeds_walk {
    struct vault *vault;
    enum err e;
};

/* A row that does not open is not passed over: its feed would get another's number, and what
 * it sends again would be counted again. */
static bool load_feed(void *arg, struct span key, struct span value)
{
    struct feeds_walk *w = arg;
    struct vault *v = w->vault;
    if (key.n != FEED_KEY_BYTES || key.p[0] != META_FEED)
        return key.n > 0 && key.p[0] < META_FEED;
    w->e = v->feeds_count < FEEDS_MAX ? feed_open_row(v, key, value, &v->feed[v->feeds_count])
                                      : ERR_FORGED;
    v->feeds_count += w->e == OK;
    return w->e == OK;
}

enum err feeds_open(struct vault *v, struct diag *d)
{
    static const uint8_t FROM[] = {META_FEED};
    struct feeds_walk w = {v, OK};
    enum err e = store_walk(v->store, FAMILY_META, span_of(FROM, 1), load_feed, &w);
    if (e == OK && w.e != OK)
        e = diag_set(d, w.e, "the row of a feed is damaged: restore a backup", 0);
    return e;
}

/* Behind the highest, not the count: a row that is gone must not lend its place. */
static uint16_t next_feed_id(const struct vault *v)
{
    uint16_t highest = 0;
    for (size_t i = 0; i < v->feeds_count; i++)
        if (v->feed[i].id > highest)
            highest = v->feed[i].id;
    return (uint16_t)(highest + 1);
}

struct feed *feed_by_id(struct vault *v, uint16_t id)
{
    for (size_t i = 0; i < v->feeds_count; i++)
        if (v->feed[i].id == id)
            return &v->feed[i];
    return NULL;
}

static struct feed *feed_by_name(struct vault *v, struct span name)
{
    for (size_t i = 0; i < v->feeds_count; i++)
        if (span_eq(feed_name(&v->feed[i]), name))
            return &v->feed[i];
    return NULL;
}

static enum err put_feed(struct vault *v, const struct feed *f)
{
    uint8_t key[FEED_KEY_BYTES], plain[64 + FEED_NAME_BYTES_MAX];
    uint8_t sealed[sizeof plain + SYSTEM_SEAL_OVERHEAD_BYTES];
    struct buf b = buf_of(plain, sizeof plain), out = buf_of(sealed, sizeof sealed);
    feed_key(v, feed_name(f), key);
    buf_be16(&b, f->id);
    buf_u8(&b, f->kind);
    buf_lv(&b, feed_name(f));
    enum err e = keyring_seal(v->keys, span_of(key, sizeof key), buf_span(&b), &out);
    if (e == OK)
        txn_put(vault_txn(v), FAMILY_META, span_of(key, sizeof key), buf_span(&out));
    return e;
}

/* The feed of that name, numbered now if it is new. A feed that changed its kind keeps its
 * number: its records and cursors stay its own. */
static enum err ensure_feed(struct vault *v, struct span name, uint8_t kind, struct feed **out)
{
    struct feed *f = feed_by_name(v, name);
    if (f && (f->kind == kind || kind == FEED_UNKNOWN)) {
        *out = f;
        return OK;
    }
    if (!f) {
        if (kind == FEED_UNKNOWN)
            return ERR_NOTFOUND;
        if (v->feeds_count == FEEDS_MAX)
            return ERR_LIMIT;
        uint16_t id = next_feed_id(v);
        f = &v->feed[v->feeds_count++];
        *f = (struct feed){.id = id, .name_bytes = name.n};
        memcpy(f->name, name.p, name.n);
    }
    f->kind = kind;
    *out = f;
    return put_feed(v, f);
}

enum err feed_unassigned(struct vault *v, struct feed *f, struct owner *out)
{
    enum err e = OK;
    if (f->unassigned.customer == 0)
        e = directory_unassigned(v->directory, vault_txn(v), feed_name(f), &f->unassigned);
    *out = f->unassigned;
    return e;
}

enum err feeds_load_unassigned(struct vault *v)
{
    enum err e = OK;
    struct owner owner;
    for (size_t i = 0; e == OK && i < v->feeds_count; i++)
        e = feed_unassigned(v, &v->feed[i], &owner);
    return e;
}

bool feed_unassigned_customer(const struct vault *v, uint64_t customer)
{
    for (size_t i = 0; i < v->feeds_count; i++)
        if (v->feed[i].unassigned.customer == customer)
            return true;
    return false;
}

struct send {
    struct session *session;
    struct buf frame;
    struct span prefix;
    enum err e;
};

/* Sealed cursor row: lv(key) | lv(value), which is also its form in WELCOME. */
static bool add_cursor(void *arg, struct span key, struct span value)
{
    struct send *w = arg;
    if (!span_starts(key, w->prefix))
        return false;
    w->e = keyring_open_value(w->session->vault->keys, key, value, &w->frame);
    if (w->e == ERR_LIMIT) { /* a feed has one cursor: so many are not of a sound worker */
        w->e = OK;           /* what is left out is read again and found to be duplicates */
        w->frame.full = false;
        return false;
    }
    return w->e == OK;
}

static enum err welcome_feed(struct session *s, uint32_t id, const struct feed *f)
{
    struct vault *v = s->vault;
    uint8_t prefix[3] = {META_CURSOR, (uint8_t)(f->id >> 8), (uint8_t)f->id};
    uint8_t *room = arena_alloc(&v->scratch, WIRE_FRAME_BYTES_MAX);
    if (!room)
        return ERR_NOMEM;
    struct send w = {.session = s,
                     .frame = buf_of(room, WIRE_FRAME_BYTES_MAX - FRAME_HEAD_BYTES),
                     .prefix = span_of(prefix, sizeof prefix)};
    buf_be16(&w.frame, f->id);
    buf_u8(&w.frame, f->kind);
    buf_lv(&w.frame, feed_name(f));
    enum err e = s->peer.worker ? store_walk(v->store, FAMILY_META, w.prefix, add_cursor, &w) : OK;
    if (e == OK)
        e = w.e;
    if (e == OK)
        session_reply(s, FRAME_WELCOME, id, buf_span(&w.frame));
    arena_reset(&v->scratch);
    return e;
}

/* --- live dialogs, as fast as their worker reads --- */

static void handover_feed(struct session *s, size_t feed)
{
    struct handover *h = &s->handover;
    h->feed = feed;
    h->on = feed < s->feeds_count;
    if (!h->on)
        return;
    struct buf key = buf_of(h->key, sizeof h->key);
    buf_be16(&key, s->feed_id[feed]);
    h->key_bytes = key.n;
}

static void handover_begin(struct session *s, uint32_t id)
{
    s->handover.id = id;
    handover_feed(s, s->peer.worker ? 0 : s->feeds_count);
    if (!s->handover.on)
        session_reply(s, FRAME_READY, id, SPAN_EMPTY);
}

struct live {
    struct session *session;
    struct buf frame;
    size_t left;
    bool paused; /* there may be more of this feed */
};

static bool send_live(void *arg, struct span key, struct span value)
{
    struct live *w = arg;
    struct session *s = w->session;
    struct handover *h = &s->handover;
    const uint8_t feed[2] = {(uint8_t)(s->feed_id[h->feed] >> 8), (uint8_t)s->feed_id[h->feed]};
    if (!span_starts(key, span_of(feed, sizeof feed)) || key.n != LIVE_KEY_BYTES)
        return false;
    w->paused = w->left == 0 || s->congested;
    if (w->paused)
        return false;
    w->left--;
    buf_reset(&w->frame);
    memcpy(h->key, key.p, key.n);
    h->key[key.n] = 0; /* what comes directly behind it */
    h->key_bytes = key.n + 1;
    /* One that does not open is passed over, as if it had never been saved: no feed would
     * start again otherwise. */
    if (keyring_open_value(s->vault->keys, key, value, &w->frame) == OK)
        session_reply(s, FRAME_LIVE, h->id, buf_span(&w->frame));
    return true;
}

enum err feeds_handover(struct session *s)
{
    struct vault *v = s->vault;
    struct handover *h = &s->handover;
    uint8_t *room = arena_alloc(&v->scratch, WIRE_FRAME_BYTES_MAX);
    CHECK(room); /* the scratch is sized for more */
    struct live w = {.session = s,
                     .frame = buf_of(room, WIRE_FRAME_BYTES_MAX - FRAME_HEAD_BYTES),
                     .left = HANDOVER_STEP};
    uint8_t from[sizeof h->key];
    memcpy(from, h->key, h->key_bytes); /* send_live() moves it on */
    enum err e = store_walk(v->store, FAMILY_LIVE, span_of(from, h->key_bytes), send_live, &w);
    arena_reset(&v->scratch);
    if (e != OK || w.paused)
        return e;
    handover_feed(s, h->feed + 1);
    if (!h->on)
        session_reply(s, FRAME_READY, h->id, SPAN_EMPTY);
    return OK;
}

/* A person who brings records is on the log; our own workers are not persons. */
static enum err note_person(struct session *s)
{
    struct policy_request ask = {.roles = s->peer.roles, .action = ACTION_INGEST};
    struct decision d = policy_decide(&ask);
    struct audit_event event = {.action = ACTION_INGEST,
                                .role = d.role,
                                .outcome = AUDIT_ALLOWED,
                                .rule = span_str(d.rule)};
    uint64_t seq;
    return s->peer.worker ? OK : answer_audit(s, &event, &seq);
}

enum err feeds_hello(struct session *s, uint32_t id, struct span payload)
{
    struct vault *v = s->vault;
    struct reader r = reader_of(payload);
    s->feeds_count = 0;
    s->handover.on = false; /* what an earlier HELLO asked for */
    s->greeted = true;
    while (reader_more(&r)) {
        struct span name = reader_lv(&r);
        uint8_t kind = reader_u8(&r);
        struct feed *f;
        if (!reader_ok(&r) || name.n == 0 || name.n > FEED_NAME_BYTES_MAX ||
            kind >= FEED_KIND_COUNT || s->feeds_count == FEEDS_MAX)
            return ERR_SYNTAX;
        enum err e = ensure_feed(v, name, kind, &f);
        if (e == ERR_NOTFOUND || e == ERR_LIMIT)
            continue; /* not welcomed: the client sees that its feed is missing */
        if (e != OK)
            return e;
        s->feed_id[s->feeds_count++] = f->id;
    }
    /* Numbers first become durable, then they are told. Cursors and dialogs of the open
     * batch must be seen, too: this flush comes before the walk. */
    enum err e = note_person(s);
    if (e == OK)
        e = vault_flush(v);
    for (size_t i = 0; e == OK && i < s->feeds_count; i++)
        e = welcome_feed(s, id, feed_by_id(v, s->feed_id[i]));
    if (e == OK)
        handover_begin(s, id);
    return e;
}

/* lv(key) | lv(value), sealed under the row's place. The scratch is wiped as far as it was used,
 * so no more is taken than these need: the calls of a busy proxy are saved tens of thousands of
 * times a second. */
static enum err put_pair(struct vault *v, enum family family, struct span row,
                         const struct batch_op *op)
{
    enum { LENGTHS_BYTES = 8 }; /* of both; neither needs more than three */
    size_t plain_bytes = op->key.n + op->value.n + LENGTHS_BYTES;
    struct buf plain = buf_of(arena_alloc(&v->scratch, plain_bytes), plain_bytes);
    size_t cap = plain.cap + SYSTEM_SEAL_OVERHEAD_BYTES;
    struct buf sealed = buf_of(arena_alloc(&v->scratch, cap), cap);
    CHECK(plain.p && sealed.p); /* the scratch is sized for more */
    buf_lv(&plain, op->key);
    buf_lv(&plain, op->value);
    CHECK(buf_ok(&plain)); /* commit.c has looked at both lengths */
    enum err e = keyring_seal(v->keys, row, buf_span(&plain), &sealed);
    if (e == OK)
        txn_put(vault_txn(v), family, row, buf_span(&sealed));
    arena_reset(&v->scratch);
    return e;
}

enum err feed_cursor(struct vault *v, const struct batch_op *op)
{
    uint8_t row[CURSOR_KEY_BYTES] = {META_CURSOR, (uint8_t)(op->feed_id >> 8),
                                     (uint8_t)op->feed_id};
    keyring_prf(v->keys, PRF_CURSOR, op->key, row + 3, 16);
    return put_pair(v, FAMILY_META, span_of(row, sizeof row), op);
}

enum err feed_live(struct vault *v, const struct batch_op *op)
{
    uint8_t row[LIVE_KEY_BYTES] = {(uint8_t)(op->feed_id >> 8), (uint8_t)op->feed_id};
    keyring_prf(v->keys, PRF_LIVE, op->key, row + 2, 16);
    if (op->kind == BATCH_LIVE_DELETE) {
        txn_delete(vault_txn(v), FAMILY_LIVE, span_of(row, sizeof row));
        return OK;
    }
    return put_pair(v, FAMILY_LIVE, span_of(row, sizeof row), op);
}
