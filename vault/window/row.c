#include "vault/window/row.h"

#include "proto/core/check.h"

enum {
    ROW_VERSION = 1,
    PLAIN_BYTES_MAX =
        1 + USAGE_KEY_BYTES + 4 + 8 + 8 + 2 + USAGE_TOTALS_BYTES_MAX + WINDOW_PAD_BYTES,
    SEALED_BYTES_MAX = PLAIN_BYTES_MAX + SYSTEM_SEAL_OVERHEAD_BYTES,
    PLACE_BYTES_MAX = 5 + WINDOW_TAG_BYTES
};

void window_tag(const struct keyring *k, const uint8_t code[static USAGE_KEY_BYTES],
                uint8_t out[static WINDOW_TAG_BYTES])
{
    keyring_prf(k, PRF_WINDOW, span_of(code, USAGE_KEY_BYTES), out, WINDOW_TAG_BYTES);
}

static struct span place_of(struct span key, uint8_t room[static PLACE_BYTES_MAX])
{
    struct buf b = buf_of(room, PLACE_BYTES_MAX);
    buf_str(&b, "usage");
    buf_put(&b, key);
    CHECK(buf_ok(&b));
    return buf_span(&b);
}

static enum err seal_put(struct keyring *k, struct txn *t, struct span key, const struct buf *plain)
{
    uint8_t place[PLACE_BYTES_MAX], room[SEALED_BYTES_MAX];
    struct buf sealed = buf_of(room, sizeof room);
    CHECK(buf_ok(plain));
    enum err e = keyring_seal(k, place_of(key, place), buf_span(plain), &sealed);
    if (e == OK)
        txn_put(t, FAMILY_USAGE, key, buf_span(&sealed));
    return e;
}

/* Appends the plaintext behind its version; *out is over it. */
static enum err get_open(struct store *s, struct keyring *k, struct span key, struct buf *plain,
                         struct reader *out)
{
    uint8_t place[PLACE_BYTES_MAX], room[SEALED_BYTES_MAX];
    struct buf sealed = buf_of(room, sizeof room);
    enum err e = store_get(s, FAMILY_USAGE, key, &sealed);
    if (e == ERR_LIMIT)
        e = ERR_FORGED; /* we write none so long */
    if (e == OK)
        e = keyring_open_value(k, place_of(key, place), buf_span(&sealed), plain);
    if (e != OK)
        return e;
    *out = reader_of(buf_span(plain));
    return reader_u8(out) == ROW_VERSION ? OK : ERR_VERSION;
}

static void put_totals(struct buf *b, const struct usage_totals *t)
{
    uint8_t room[USAGE_TOTALS_BYTES_MAX];
    struct buf totals = buf_of(room, sizeof room);
    usage_totals_encode(t, &totals);
    CHECK(buf_ok(&totals));
    buf_lv(b, buf_span(&totals));
}

/* The length of a row must not tell how large its totals are. */
static void put_padding(struct buf *b)
{
    size_t pad = (WINDOW_PAD_BYTES - b->n % WINDOW_PAD_BYTES) % WINDOW_PAD_BYTES;
    uint8_t *room = buf_room(b, pad);
    if (room)
        memset(room, 0, pad);
}

enum err window_put(struct keyring *k, struct txn *t, const uint8_t tag[static WINDOW_TAG_BYTES],
                    const struct window_row *row)
{
    uint8_t room[PLAIN_BYTES_MAX], code[USAGE_KEY_BYTES];
    struct buf b = buf_of(room, sizeof room);
    usage_key_encode(&row->key, code);
    buf_u8(&b, ROW_VERSION);
    buf_bytes(&b, code, sizeof code);
    buf_be32(&b, row->revision);
    buf_be64(&b, row->position);
    buf_be64(&b, row->upto);
    put_totals(&b, &row->totals);
    put_padding(&b);
    enum err e = seal_put(k, t, span_of(tag, WINDOW_TAG_BYTES), &b);
    explicit_bzero(room, sizeof room);
    return e;
}

enum err window_get(struct store *s, struct keyring *k, const uint8_t tag[static WINDOW_TAG_BYTES],
                    struct window_row *out)
{
    uint8_t room[SEALED_BYTES_MAX];
    struct buf plain = buf_of(room, sizeof room);
    struct reader r;
    enum err e = get_open(s, k, span_of(tag, WINDOW_TAG_BYTES), &plain, &r);
    if (e == OK)
        e = usage_key_decode(reader_take(&r, USAGE_KEY_BYTES), &out->key, NULL);
    if (e == OK) {
        out->revision = reader_be32(&r);
        out->position = reader_be64(&r);
        out->upto = reader_be64(&r);
        e = usage_totals_decode(reader_lv(&r), &out->totals, NULL);
    }
    explicit_bzero(room, sizeof room);
    /* Sealed by us, yet unreadable: a version that did not say so. */
    return e == ERR_SYNTAX ? ERR_VERSION : e;
}

enum err window_state_put(struct keyring *k, struct txn *t, const struct window_state *state)
{
    uint8_t room[PLAIN_BYTES_MAX];
    struct buf b = buf_of(room, sizeof room);
    buf_u8(&b, ROW_VERSION);
    buf_be64(&b, state->included);
    buf_be64(&b, state->position);
    return seal_put(k, t, span_str("state"), &b);
}

enum err window_state_get(struct store *s, struct keyring *k, struct window_state *out)
{
    uint8_t room[SEALED_BYTES_MAX];
    struct buf plain = buf_of(room, sizeof room);
    struct reader r;
    *out = (struct window_state){0};
    enum err e = get_open(s, k, span_str("state"), &plain, &r);
    if (e != OK)
        return e == ERR_NOTFOUND ? OK : e;
    out->included = reader_be64(&r);
    out->position = reader_be64(&r);
    return reader_ok(&r) ? OK : ERR_VERSION;
}
