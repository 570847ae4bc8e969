#include "vault/directory/rows.h"

#include "proto/core/check.h"

static const char *const FAMILY_NAMES[FAMILY_COUNT] = {
#define FAMILY_NAME(code, name, what) [FAMILY_##code] = (name),
    FAMILIES(FAMILY_NAME)
#undef FAMILY_NAME
};

enum { PLACE_BYTES_MAX = 16 + ROW_KEY_BYTES_MAX };

static struct span place_of(enum family f, struct span key, uint8_t room[static PLACE_BYTES_MAX])
{
    struct buf b = buf_of(room, PLACE_BYTES_MAX);
    buf_str(&b, FAMILY_NAMES[f]);
    buf_put(&b, key);
    CHECK(buf_ok(&b));
    return buf_span(&b);
}

/* A row's plaintext begins with its version. */
static struct buf plain_in(uint8_t room[static ROW_PLAIN_BYTES_MAX])
{
    struct buf b = buf_of(room, ROW_PLAIN_BYTES_MAX);
    buf_u8(&b, ROW_VERSION);
    return b;
}

enum err rows_put(const struct rows *r, struct txn *t, enum family f, struct span key,
                  struct span plain)
{
    uint8_t place[PLACE_BYTES_MAX], room[ROW_BYTES_MAX];
    struct buf sealed = buf_of(room, sizeof room);
    enum err e = keyring_seal(r->keys, place_of(f, key, place), plain, &sealed);
    if (e == OK)
        txn_put(t, f, key, buf_span(&sealed));
    return e;
}

enum err rows_open(const struct rows *r, enum family f, struct span key, struct span value,
                   struct buf *out)
{
    uint8_t place[PLACE_BYTES_MAX], room[ROW_BYTES_MAX];
    struct buf plain = buf_of(room, sizeof room);
    if (value.n > ROW_BYTES_MAX || key.n > ROW_KEY_BYTES_MAX)
        return ERR_FORGED;
    enum err e = keyring_open_value(r->keys, place_of(f, key, place), value, &plain);
    if (e == OK && (plain.n == 0 || room[0] != ROW_VERSION))
        e = ERR_VERSION;
    if (e == OK)
        buf_put(out, span_from(buf_span(&plain), 1));
    explicit_bzero(room, sizeof room);
    if (e == OK && !buf_ok(out))
        e = ERR_LIMIT;
    return e;
}

enum err rows_get(const struct rows *r, enum family f, struct span key, struct buf *out)
{
    uint8_t room[ROW_BYTES_MAX];
    struct buf value = buf_of(room, sizeof room);
    enum err e = store_get(r->store, f, key, &value);
    if (e == ERR_LIMIT)
        e = ERR_FORGED; /* we write none so long */
    return e == OK ? rows_open(r, f, key, buf_span(&value), out) : e;
}

enum err entry_row_put(const struct rows *r, struct txn *t, const uint8_t tag[static TAG_BYTES],
                       const struct entry_row *row)
{
    uint8_t room[ROW_PLAIN_BYTES_MAX];
    struct buf b = plain_in(room);
    buf_u8(&b, (uint8_t)row->kind);
    buf_u8(&b, row->prefix_bytes);
    buf_be64(&b, row->owner.customer);
    buf_be32(&b, row->owner.account);
    return rows_put(r, t, FAMILY_DIRECTORY, span_of(tag, TAG_BYTES), buf_span(&b));
}

enum err entry_row_open(const struct rows *r, struct span tag, struct span value,
                        struct entry_row *out)
{
    uint8_t room[ROW_PLAIN_BYTES_MAX];
    struct buf b = buf_of(room, sizeof room);
    if (tag.n != TAG_BYTES)
        return ERR_FORGED;
    enum err e = rows_open(r, FAMILY_DIRECTORY, tag, value, &b);
    if (e != OK)
        return e;
    struct reader in = reader_of(buf_span(&b));
    unsigned kind = reader_u8(&in);
    out->prefix_bytes = reader_u8(&in);
    out->owner.customer = reader_be64(&in);
    out->owner.account = reader_be32(&in);
    if (!reader_ok(&in) || kind >= ENTRY_KIND_COUNT)
        return ERR_VERSION;
    out->kind = (enum entry_kind)kind;
    return OK;
}

/* --- customers and accounts --- */

static struct span key_of(char letter, struct span rest, uint8_t room[static ROW_KEY_BYTES_MAX])
{
    struct buf b = buf_of(room, ROW_KEY_BYTES_MAX);
    buf_u8(&b, (uint8_t)letter);
    buf_put(&b, rest);
    return buf_span(&b);
}

static struct span ordinal_key(char letter, uint64_t ordinal,
                               uint8_t room[static ROW_KEY_BYTES_MAX])
{
    struct buf b = buf_of(room, ROW_KEY_BYTES_MAX);
    buf_u8(&b, (uint8_t)letter);
    buf_be64(&b, ordinal);
    return buf_span(&b);
}

struct span name_key(uint64_t ordinal, uint8_t room[static ROW_KEY_BYTES_MAX])
{
    return ordinal_key('o', ordinal, room);
}

bool name_key_ordinal(struct span key, uint64_t *out)
{
    struct reader r = reader_of(key);
    if (reader_u8(&r) != 'o')
        return false;
    *out = reader_be64(&r);
    return reader_ok(&r);
}

static enum err put_u64(const struct rows *r, struct txn *t, enum family f, struct span key,
                        uint64_t value)
{
    uint8_t room[ROW_PLAIN_BYTES_MAX];
    struct buf b = plain_in(room);
    buf_be64(&b, value);
    return rows_put(r, t, f, key, buf_span(&b));
}

static enum err get_u64(const struct rows *r, enum family f, struct span key, uint64_t *out)
{
    uint8_t room[ROW_PLAIN_BYTES_MAX];
    struct buf b = buf_of(room, sizeof room);
    enum err e = rows_get(r, f, key, &b);
    if (e != OK)
        return e;
    struct reader in = reader_of(buf_span(&b));
    *out = reader_be64(&in);
    return reader_ok(&in) ? OK : ERR_FORGED;
}

void name_tag(const struct rows *r, enum family f, struct span id, uint8_t out[static TAG_BYTES])
{
    enum prf purpose = f == FAMILY_CUSTOMERS ? PRF_CUSTOMER : PRF_ACCOUNT;
    keyring_prf(r->keys, purpose, id, out, TAG_BYTES);
}

enum err name_find(const struct rows *r, enum family f, const uint8_t tag[static TAG_BYTES],
                   uint64_t *out)
{
    uint8_t room[ROW_KEY_BYTES_MAX];
    return get_u64(r, f, key_of('i', span_of(tag, TAG_BYTES), room), out);
}

enum err name_put(const struct rows *r, struct txn *t, enum family f, uint64_t ordinal,
                  const uint8_t tag[static TAG_BYTES], const struct name_row *row)
{
    static const uint8_t ZEROS[CUSTOMER_ID_BYTES_MAX];
    uint8_t room[ROW_PLAIN_BYTES_MAX], key[ROW_KEY_BYTES_MAX];
    struct buf b = plain_in(room);
    CHECK(row->id.n <= CUSTOMER_ID_BYTES_MAX);
    buf_u8(&b, row->flags);
    buf_be64(&b, (uint64_t)row->created_us);
    buf_lv(&b, row->id);
    buf_bytes(&b, ZEROS, CUSTOMER_ID_BYTES_MAX - row->id.n);
    CHECK(buf_ok(&b));
    enum err e = rows_put(r, t, f, name_key(ordinal, key), buf_span(&b));
    explicit_bzero(room, sizeof room);
    if (e == OK)
        e = put_u64(r, t, f, key_of('i', span_of(tag, TAG_BYTES), key), ordinal);
    return e;
}

enum err name_row_decode(struct span plain, struct name_row *out)
{
    struct reader in = reader_of(plain);
    out->flags = reader_u8(&in);
    out->created_us = (int64_t)reader_be64(&in);
    out->id = reader_lv(&in);
    return reader_ok(&in) ? OK : ERR_FORGED;
}

enum err name_row_get(const struct rows *r, enum family f, uint64_t ordinal, struct buf *b,
                      struct name_row *out)
{
    uint8_t key[ROW_KEY_BYTES_MAX];
    enum err e = rows_get(r, f, name_key(ordinal, key), b);
    return e == OK ? name_row_decode(buf_span(b), out) : e;
}

enum err name_next(const struct rows *r, enum family f, uint64_t *out)
{
    uint8_t key[ROW_KEY_BYTES_MAX];
    enum err e = get_u64(r, f, key_of('n', SPAN_EMPTY, key), out);
    if (e == ERR_NOTFOUND)
        *out = 1;
    return e == ERR_NOTFOUND ? OK : e;
}

enum err name_next_put(const struct rows *r, struct txn *t, enum family f, uint64_t next)
{
    uint8_t key[ROW_KEY_BYTES_MAX];
    return put_u64(r, t, f, key_of('n', SPAN_EMPTY, key), next);
}

enum err counts_get(const struct rows *r, uint64_t customer, uint32_t out[static ENTRY_KIND_COUNT])
{
    uint8_t room[ROW_PLAIN_BYTES_MAX], key[ROW_KEY_BYTES_MAX];
    struct buf b = buf_of(room, sizeof room);
    memset(out, 0, ENTRY_KIND_COUNT * sizeof *out);
    enum err e = rows_get(r, FAMILY_CUSTOMERS, ordinal_key('c', customer, key), &b);
    if (e != OK)
        return e == ERR_NOTFOUND ? OK : e;
    struct reader in = reader_of(buf_span(&b));
    for (unsigned i = 0; i < ENTRY_KIND_COUNT && reader_more(&in); i++)
        out[i] = reader_be32(&in); /* a version with fewer kinds wrote fewer */
    return reader_ok(&in) ? OK : ERR_FORGED;
}

enum err counts_put(const struct rows *r, struct txn *t, uint64_t customer,
                    const uint32_t entries[static ENTRY_KIND_COUNT])
{
    uint8_t room[ROW_PLAIN_BYTES_MAX], key[ROW_KEY_BYTES_MAX];
    struct buf b = plain_in(room);
    for (unsigned i = 0; i < ENTRY_KIND_COUNT; i++)
        buf_be32(&b, entries[i]);
    return rows_put(r, t, FAMILY_CUSTOMERS, ordinal_key('c', customer, key), buf_span(&b));
}
