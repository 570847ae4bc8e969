#include "vault/ledger/audit.h"

#include <stdlib.h>

#include "proto/core/check.h"
#include "proto/core/limits.h"
#include "proto/core/reader.h"

enum {
    AUDIT_FORMAT = 1,
    SEQ_BYTES = 8,
    PLACE_BYTES = sizeof "audit" - 1 + SEQ_BYTES,
    PAYLOAD_BYTES_MAX = 2 + CASE_TEXT_BYTES_MAX + 2 + AUDIT_DETAIL_BYTES_MAX + AUDIT_PAD_BYTES,
    CLEAR_BYTES_MAX = 1 + 8 + 1 + 1 + 1 + 4 + CUSTOMER_TOKEN_BYTES + 2 * (1 + AUDIT_NAME_BYTES_MAX)
};
_Static_assert(CLEAR_BYTES_MAX + 2 + SYSTEM_SEAL_OVERHEAD_BYTES + PAYLOAD_BYTES_MAX + CHAIN_BYTES <=
                   AUDIT_ENTRY_BYTES_MAX,
               "an entry fits");

struct link { /* one entry's place in the chain */
    uint64_t seq;
    uint8_t chain[CHAIN_BYTES];
};

struct audit {
    struct store *store;
    struct keyring *keys;
    struct link end; /* of what was appended, committed or not */
};

static struct buf seq_key(uint64_t seq, uint8_t room[static SEQ_BYTES])
{
    struct buf b = buf_of(room, SEQ_BYTES);
    buf_be64(&b, seq);
    return b;
}

static struct span place_of(uint64_t seq, uint8_t room[static PLACE_BYTES])
{
    struct buf b = buf_of(room, PLACE_BYTES);
    buf_str(&b, "audit");
    buf_be64(&b, seq);
    return buf_span(&b);
}

static void chain_next(const struct keyring *k, const uint8_t previous[static CHAIN_BYTES],
                       struct span body, uint8_t out[static CHAIN_BYTES])
{
    uint8_t room[CHAIN_BYTES + AUDIT_ENTRY_BYTES_MAX];
    struct buf b = buf_of(room, sizeof room);
    buf_bytes(&b, previous, CHAIN_BYTES);
    buf_put(&b, body);
    CHECK(buf_ok(&b));
    keyring_prf_labelled(k, PRF_AUDIT, span_str("chain"), buf_span(&b), out, CHAIN_BYTES);
}

/* The entry's bytes without the chain, and the chain. */
static enum err split(struct span entry, struct span *body, struct span *chain)
{
    if (entry.n < CHAIN_BYTES || entry.n > AUDIT_ENTRY_BYTES_MAX)
        return ERR_FORGED;
    *body = span_sub(entry, 0, entry.n - CHAIN_BYTES);
    *chain = span_from(entry, body->n);
    return OK;
}

/* Does this row follow the link? Then the link moves on to it. */
static bool follows(const struct keyring *k, struct link *at, struct span key, struct span value)
{
    uint8_t room[SEQ_BYTES], expected[CHAIN_BYTES];
    struct span body, chain;
    struct buf want = seq_key(at->seq + 1, room);
    if (!span_eq(key, buf_span(&want)) || split(value, &body, &chain) != OK)
        return false;
    chain_next(k, at->chain, body, expected);
    if (!span_eq(chain, span_of(expected, CHAIN_BYTES)))
        return false;
    at->seq++;
    memcpy(at->chain, expected, CHAIN_BYTES);
    return true;
}

typedef void note_fn(const struct store *s, uint8_t out[static HEAD_NOTE_BYTES]);

static struct link link_of_note(const struct store *s, note_fn *note_of)
{
    uint8_t note[HEAD_NOTE_BYTES];
    note_of(s, note);
    struct reader r = reader_of(span_of(note, sizeof note));
    struct link l = {.seq = reader_be64(&r)};
    memcpy(l.chain, note + reader_at(&r), CHAIN_BYTES);
    return l;
}

/* A walk along the chain that stops at the first row that does not fit. */
struct chain_walk {
    const struct keyring *keys;
    struct link at, note;
    bool broken, met_note;
};

static bool chain_step(void *arg, struct span key, struct span value)
{
    struct chain_walk *w = arg;
    w->broken = !follows(w->keys, &w->at, key, value);
    if (!w->broken && w->at.seq == w->note.seq) {
        w->met_note = memcmp(w->at.chain, w->note.chain, CHAIN_BYTES) == 0;
        w->broken = !w->met_note;
        w->at.seq -= w->broken; /* this one is bad, not the next */
    }
    return !w->broken;
}

/* The entry that the note names must be there as it was when the note was written. */
static enum err check_note(struct store *s, const struct link *note)
{
    uint8_t key_room[SEQ_BYTES], room[AUDIT_ENTRY_BYTES_MAX];
    struct buf key = seq_key(note->seq, key_room), value = buf_of(room, sizeof room);
    struct span body, chain;
    if (note->seq == 0)
        return OK; /* nothing was ever written */
    enum err e = store_get(s, FAMILY_AUDIT, buf_span(&key), &value);
    if (e == ERR_NOTFOUND || e == ERR_LIMIT)
        return ERR_FORGED;
    if (e == OK)
        e = split(buf_span(&value), &body, &chain);
    if (e == OK && !span_eq(chain, span_of(note->chain, CHAIN_BYTES)))
        e = ERR_FORGED;
    return e;
}

static bool same_link(const struct link *a, const struct link *b)
{
    return a->seq == b->seq && memcmp(a->chain, b->chain, CHAIN_BYTES) == 0;
}

/* From the entry that the head record proves, past the one of the last commit, to the end. */
static enum err find_end(struct audit *a, struct diag *d)
{
    uint8_t room[SEQ_BYTES];
    struct chain_walk w = {.keys = a->keys,
                           .at = link_of_note(a->store, store_proven_note),
                           .note = link_of_note(a->store, store_head_note)};
    w.met_note = same_link(&w.at, &w.note);
    enum err e = check_note(a->store, &w.at);
    struct buf behind = seq_key(w.at.seq + 1, room);
    if (e == OK)
        e = store_walk(a->store, FAMILY_AUDIT, buf_span(&behind), chain_step, &w);
    if (e == ERR_FORGED || (e == OK && !w.broken && !w.met_note))
        return diag_set(d, ERR_FORGED,
                        "the audit log was cut or changed: the head record knows more", 0);
    if (e == OK && w.broken)
        return diag_set(d, ERR_FORGED, "the audit log ends in an entry that is not its own", 0);
    a->end = w.at;
    return e;
}

enum err audit_open(struct store *s, struct keyring *k, struct audit **out, struct diag *d)
{
    struct audit *a = calloc(1, sizeof *a);
    if (!a)
        return ERR_NOMEM;
    a->store = s;
    a->keys = k;
    enum err e = find_end(a, d);
    if (e != OK) {
        audit_close(a);
        return e;
    }
    *out = a;
    return OK;
}

struct audit *audit_close(struct audit *a)
{
    free(a);
    return NULL;
}

void audit_note(const struct audit *a, uint8_t out[static HEAD_NOTE_BYTES])
{
    struct buf b = buf_of(out, HEAD_NOTE_BYTES);
    buf_be64(&b, a->end.seq);
    buf_bytes(&b, a->end.chain, CHAIN_BYTES);
}

void audit_customer_token(const struct audit *a, uint64_t customer,
                          uint8_t out[static CUSTOMER_TOKEN_BYTES])
{
    uint8_t room[sizeof customer];
    struct buf b = buf_of(room, sizeof room);
    buf_be64(&b, customer);
    keyring_prf(a->keys, PRF_AUDIT, buf_span(&b), out, CUSTOMER_TOKEN_BYTES);
}

static void put_payload(struct buf *b, const struct audit_event *e)
{
    buf_lv(b, span_sub(e->case_text, 0, CASE_TEXT_BYTES_MAX));
    buf_lv(b, span_sub(e->detail, 0, AUDIT_DETAIL_BYTES_MAX));
    size_t pad = (AUDIT_PAD_BYTES - b->n % AUDIT_PAD_BYTES) % AUDIT_PAD_BYTES;
    uint8_t *room = buf_room(b, pad);
    if (room)
        memset(room, 0, pad);
}

static void put_clear(const struct audit *a, struct buf *b, const struct audit_event *e)
{
    uint8_t token[CUSTOMER_TOKEN_BYTES] = {0};
    if (e->customer)
        audit_customer_token(a, e->customer, token);
    buf_u8(b, AUDIT_FORMAT);
    buf_be64(b, (uint64_t)e->time_us);
    buf_u8(b, (uint8_t)(1 + e->action));
    buf_u8(b, e->role < ROLE_COUNT ? (uint8_t)(1 + e->role) : 0);
    buf_u8(b, (uint8_t)e->outcome);
    buf_be32(b, e->uid);
    buf_bytes(b, token, sizeof token);
    buf_lv(b, span_sub(e->rule, 0, AUDIT_NAME_BYTES_MAX));
    /* What a person typed instead of a purpose may be a number or a name (I4). */
    bool harmless = e->purpose.n == 0 || purpose_known(e->purpose);
    buf_lv(b, harmless ? e->purpose : span_str("unknown"));
}

enum err audit_append(struct audit *a, struct txn *t, const struct audit_event *e,
                      uint64_t *out_seq)
{
    uint8_t plain_room[PAYLOAD_BYTES_MAX],
        sealed_room[PAYLOAD_BYTES_MAX + SYSTEM_SEAL_OVERHEAD_BYTES], place[PLACE_BYTES];
    uint8_t room[AUDIT_ENTRY_BYTES_MAX], key_room[SEQ_BYTES];
    struct buf plain = buf_of(plain_room, sizeof plain_room);
    struct buf sealed = buf_of(sealed_room, sizeof sealed_room);
    struct buf entry = buf_of(room, sizeof room);
    struct link next = {.seq = a->end.seq + 1};
    CHECK(e->action < ACTION_COUNT && e->outcome >= AUDIT_ALLOWED && e->outcome <= AUDIT_FAILED);
    put_payload(&plain, e);
    enum err err = keyring_seal(a->keys, place_of(next.seq, place), buf_span(&plain), &sealed);
    explicit_bzero(plain_room, sizeof plain_room);
    if (err != OK)
        return err;
    put_clear(a, &entry, e);
    buf_lv(&entry, buf_span(&sealed));
    chain_next(a->keys, a->end.chain, buf_span(&entry), next.chain);
    buf_bytes(&entry, next.chain, CHAIN_BYTES);
    CHECK(buf_ok(&entry) && buf_ok(&plain));
    struct buf key = seq_key(next.seq, key_room);
    txn_put(t, FAMILY_AUDIT, buf_span(&key), buf_span(&entry));
    a->end = next;
    *out_seq = next.seq;
    return OK;
}

/* The clear part; *sealed borrows from the entry. */
static enum err decode_clear(struct span value, struct audit_entry *out, struct span *sealed)
{
    struct reader r = reader_of(value);
    if (reader_u8(&r) != AUDIT_FORMAT)
        return ERR_VERSION;
    struct audit_event *e = &out->event;
    e->time_us = (int64_t)reader_be64(&r);
    unsigned action = reader_u8(&r), role = reader_u8(&r), outcome = reader_u8(&r);
    e->uid = reader_be32(&r);
    struct span token = reader_take(&r, CUSTOMER_TOKEN_BYTES);
    e->rule = reader_lv(&r);
    e->purpose = reader_lv(&r);
    *sealed = reader_lv(&r);
    struct span chain = reader_take(&r, CHAIN_BYTES);
    if (!reader_ok(&r) || reader_more(&r) || !token.p || !chain.p)
        return ERR_FORGED;
    if (action == 0 || action > ACTION_COUNT || role > ROLE_COUNT || outcome < AUDIT_ALLOWED ||
        outcome > AUDIT_FAILED)
        return ERR_VERSION;
    e->action = (enum action)(action - 1);
    e->role = role ? (enum role)(role - 1) : ROLE_COUNT;
    e->outcome = (enum audit_outcome)outcome;
    memcpy(out->customer_token, token.p, CUSTOMER_TOKEN_BYTES);
    memcpy(out->chain, chain.p, CHAIN_BYTES);
    return OK;
}

static enum err decode_payload(struct span plain, struct audit_event *e)
{
    struct reader r = reader_of(plain);
    e->case_text = reader_lv(&r);
    e->detail = reader_lv(&r);
    return reader_ok(&r) ? OK : ERR_FORGED;
}

struct entry_walk {
    struct audit *audit;
    audit_fn *fn;
    void *arg;
    enum err err;
};

static bool entry_step(void *arg, struct span key, struct span value)
{
    struct entry_walk *w = arg;
    uint8_t room[AUDIT_ENTRY_BYTES_MAX], place[PLACE_BYTES];
    struct buf plain = buf_of(room, sizeof room);
    struct audit_entry entry = {0};
    struct span sealed;
    struct reader r = reader_of(key);
    entry.seq = reader_be64(&r);
    w->err = reader_ok(&r) ? decode_clear(value, &entry, &sealed) : ERR_FORGED;
    if (w->err == OK)
        w->err = keyring_open_value(w->audit->keys, place_of(entry.seq, place), sealed, &plain);
    if (w->err == OK)
        w->err = decode_payload(buf_span(&plain), &entry.event);
    bool go_on = w->err == OK && w->fn(w->arg, &entry);
    explicit_bzero(room, sizeof room);
    return go_on;
}

enum err audit_walk(struct audit *a, uint64_t from, audit_fn *fn, void *arg)
{
    uint8_t room[SEQ_BYTES];
    struct buf key = seq_key(from, room);
    struct entry_walk w = {a, fn, arg, OK};
    enum err e = store_walk(a->store, FAMILY_AUDIT, buf_span(&key), entry_step, &w);
    return e == OK ? w.err : e;
}

enum err audit_verify(struct audit *a, uint64_t *out_count)
{
    struct chain_walk w = {.keys = a->keys, .note = link_of_note(a->store, store_head_note)};
    w.met_note = w.note.seq == 0;
    enum err e = store_walk(a->store, FAMILY_AUDIT, SPAN_EMPTY, chain_step, &w);
    if (e != OK)
        return e;
    bool whole = !w.broken && w.met_note && memcmp(w.at.chain, a->end.chain, CHAIN_BYTES) == 0;
    *out_count = whole ? w.at.seq : w.at.seq + 1;
    return whole ? OK : ERR_FORGED;
}
