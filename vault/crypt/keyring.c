#include "vault/crypt/keyring.h"

#include <limits.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "proto/core/check.h"
#include "proto/core/reader.h"
#include "vault/crypt/keyfile.h"
#include "vault/crypt/subkeys.h"

enum {
    KEY_BYTES = KEYFILE_KEY_BYTES,
    NONCE_BYTES = 24,
    TAG_BYTES = 16,
    COMMITMENT_BYTES = 16,
    WRAP_VERSION = 1,
    SYSTEM_FORMAT = 1,
    KEKS_MAX = 128,
    /* version | epoch | KID: stands first in the wrapped key and is authenticated */
    WRAP_HEAD_BYTES = 1 + 4 + KID_BYTES,
    MASK_BLOCK_BYTES = 64,
    MASKS_A_BLOCK = MASK_BLOCK_BYTES / 8,
    RANDOM_PREFIX_BYTES = 16
};

_Static_assert(WRAPPED_KEY_BYTES ==
                   WRAP_HEAD_BYTES + NONCE_BYTES + KEY_BYTES + TAG_BYTES + COMMITMENT_BYTES,
               "layout of a wrapped key");

/* Everything here is in locked memory. */
struct secrets {
    struct key_table table;
    uint8_t prf[PRF_COUNT][KEY_BYTES];
    uint8_t system[KEY_BYTES], mask[KEY_BYTES];
    uint8_t customer[KEY_BYTES]; /* CK, between unwrapping and deriving */
    uint8_t mask_block[MASK_BLOCK_BYTES];
    uint64_t mask_at; /* which block that is: sequence / 8 */
    uint8_t mask_nonce[MASK_NONCE_BYTES];
    bool mask_valid;
};

struct keyring {
    struct slab *slab;
    struct secrets *secrets;
    char path[PATH_MAX];
    /* Nonces of system values: random for each open, then a counter: no system call each. */
    uint8_t nonce_prefix[RANDOM_PREFIX_BYTES];
    uint64_t nonce_counter;
};

static const char *const PRF_NAMES[PRF_COUNT] = {
#define PRF_NAME(name) "prf " #name,
    PRF_LIST(PRF_NAME)
#undef PRF_NAME
};

static void blake2b(const uint8_t key[static KEY_BYTES], struct span in, uint8_t *out,
                    size_t out_bytes)
{
    CHECK(crypto_generichash(out, out_bytes, in.p, in.n, key, KEY_BYTES) == 0);
}

/* --- entries --- */

static struct key_entry *entry_find(const struct keyring *k, enum keyfile_kind kind, uint32_t id)
{
    struct key_table *t = &k->secrets->table;
    for (size_t i = t->count; i > 0; i--)
        if (t->entries[i - 1].kind == kind && t->entries[i - 1].id == id)
            return &t->entries[i - 1];
    return NULL;
}

static struct key_entry *kek_newest(const struct keyring *k)
{
    struct key_table *t = &k->secrets->table;
    struct key_entry *newest = NULL;
    for (size_t i = 0; i < t->count; i++)
        if (t->entries[i].kind == KEY_KEK && (!newest || t->entries[i].id > newest->id))
            newest = &t->entries[i];
    return newest;
}

static enum err entry_add(struct key_table *t, enum keyfile_kind kind, uint32_t id,
                          int64_t created_us)
{
    if (t->count == KEYFILE_ENTRIES_MAX)
        return ERR_LIMIT;
    struct key_entry *e = &t->entries[t->count++];
    *e = (struct key_entry){.kind = kind, .id = id, .created_us = created_us};
    randombytes_buf(e->key, sizeof e->key);
    return OK;
}

/* Adds a key and stores it; on failure the keyring is what it was. */
static enum err entry_add_stored(struct keyring *k, enum keyfile_kind kind, uint32_t id,
                                 int64_t now_us, struct diag *d)
{
    struct key_table *t = &k->secrets->table;
    enum err e = entry_add(t, kind, id, now_us);
    if (e != OK)
        return diag_set(d, e, "the keyring is full", 0);
    e = keyfile_write(k->path, t, d);
    if (e != OK)
        sodium_memzero(&t->entries[--t->count], sizeof t->entries[0]);
    return e;
}

/* --- create, open, close --- */

static enum err ring_new(const char *path, const char *root_key_path, bool require_lock,
                         struct keyring **out, struct diag *d)
{
    if (sodium_init() < 0)
        return diag_set(d, ERR_NOMEM, "libsodium cannot start", 0);
    struct keyring *k = calloc(1, sizeof *k);
    if (!k)
        return diag_set(d, ERR_NOMEM, "memory for the keyring", 0);
    enum err e = slab_new(require_lock, &k->slab);
    if (e == OK && !(k->secrets = slab_alloc(k->slab, sizeof *k->secrets)))
        e = ERR_NOMEM;
    if (e != OK)
        diag_set(d, e, "memory for keys cannot be locked: raise RLIMIT_MEMLOCK", 0);
    if (e == OK && snprintf(k->path, sizeof k->path, "%s", path) >= (int)sizeof k->path)
        e = diag_set(d, ERR_LIMIT, "path of the keyring file", 0);
    if (e == OK)
        e = root_key_read(root_key_path, k->secrets->table.root, d);
    if (e != OK) {
        keyring_close(k);
        return e;
    }
    randombytes_buf(k->nonce_prefix, sizeof k->nonce_prefix);
    *out = k;
    return OK;
}

static int64_t now_us(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_REALTIME, &ts);
    return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

enum err keyring_create(const char *keyring_path, const char *root_key_path, struct diag *d)
{
    if (access(keyring_path, F_OK) == 0)
        return diag_set(d, ERR_CONFLICT, "there is a keyring already", 0);
    if (sodium_init() < 0)
        return diag_set(d, ERR_NOMEM, "libsodium cannot start", 0);
    enum err e = root_key_create(root_key_path, d);
    struct keyring *k;
    if (e == OK || e == ERR_CONFLICT) /* a root key from elsewhere is used as it is */
        e = ring_new(keyring_path, root_key_path, false, &k, d);
    if (e != OK)
        return e;
    static const enum keyfile_kind KINDS[] = {KEY_PRF, KEY_SYSTEM, KEY_MASK, KEY_CURVE, KEY_KEK};
    for (size_t i = 0; i < sizeof KINDS / sizeof *KINDS; i++)
        CHECK(entry_add(&k->secrets->table, KINDS[i], KINDS[i] == KEY_KEK, now_us()) == OK);
    e = keyfile_write(keyring_path, &k->secrets->table, d);
    keyring_close(k);
    return e;
}

/* The keys of the hot path, out of the table. */
static enum err keys_spread(struct keyring *k, struct diag *d)
{
    struct secrets *s = k->secrets;
    const struct key_entry *prf = entry_find(k, KEY_PRF, 0), *system = entry_find(k, KEY_SYSTEM, 0),
                           *mask = entry_find(k, KEY_MASK, 0);
    if (!prf || !system || !mask || !entry_find(k, KEY_CURVE, 0) || !kek_newest(k))
        return diag_set(d, ERR_FORGED, "a key is missing in the keyring file", 0);
    memcpy(s->system, system->key, KEY_BYTES);
    memcpy(s->mask, mask->key, KEY_BYTES);
    for (size_t i = 0; i < PRF_COUNT; i++)
        blake2b(prf->key, span_str(PRF_NAMES[i]), s->prf[i], KEY_BYTES);
    return OK;
}

enum err keyring_open(const char *keyring_path, const char *root_key_path, bool require_lock,
                      struct keyring **out, struct diag *d)
{
    struct keyring *k;
    enum err e = ring_new(keyring_path, root_key_path, require_lock, &k, d);
    if (e != OK)
        return e;
    e = keyfile_read(keyring_path, &k->secrets->table, d);
    if (e == OK)
        e = keys_spread(k, d);
    if (e != OK) {
        keyring_close(k);
        return e;
    }
    *out = k;
    return OK;
}

struct keyring *keyring_close(struct keyring *k)
{
    if (!k)
        return NULL;
    slab_free(k->slab);
    free(k);
    return NULL;
}

bool keyring_locked(const struct keyring *k)
{
    return slab_locked(k->slab);
}

struct slab *keyring_slab(struct keyring *k)
{
    return k->slab;
}

/* --- tags --- */

static void prf_with(const uint8_t key[static KEY_BYTES], struct span in, uint8_t *out,
                     size_t out_bytes)
{
    uint8_t shortest[crypto_generichash_BYTES_MIN];
    CHECK(out_bytes >= 8 && out_bytes <= PRF_BYTES_MAX);
    if (out_bytes >= sizeof shortest) {
        blake2b(key, in, out, out_bytes);
        return;
    }
    blake2b(key, in, shortest, sizeof shortest);
    memcpy(out, shortest, out_bytes);
}

void keyring_prf(const struct keyring *k, enum prf purpose, struct span in, uint8_t *out,
                 size_t out_bytes)
{
    prf_with(k->secrets->prf[purpose], in, out, out_bytes);
}

/* The personalisation keeps a label's key apart from the plain tag of the same bytes. */
void keyring_prf_labelled(const struct keyring *k, enum prf purpose, struct span label,
                          struct span in, uint8_t *out, size_t out_bytes)
{
    static const uint8_t SALT[crypto_generichash_blake2b_SALTBYTES];
    static const uint8_t PERSONAL[crypto_generichash_blake2b_PERSONALBYTES] = "key of a label";
    uint8_t key[KEY_BYTES];
    CHECK(crypto_generichash_blake2b_salt_personal(key, sizeof key, label.p, label.n,
                                                   k->secrets->prf[purpose], KEY_BYTES, SALT,
                                                   PERSONAL) == 0);
    prf_with(key, in, out, out_bytes);
    sodium_memzero(key, sizeof key);
}

/* --- values of the vault itself --- */

enum err keyring_seal(struct keyring *k, struct span place, struct span plain, struct buf *out)
{
    uint8_t *sealed = buf_room(out, plain.n + SYSTEM_SEAL_OVERHEAD_BYTES);
    if (!sealed)
        return ERR_LIMIT;
    struct buf head = buf_of(sealed, 1 + NONCE_BYTES);
    buf_u8(&head, SYSTEM_FORMAT);
    buf_bytes(&head, k->nonce_prefix, sizeof k->nonce_prefix);
    buf_be64(&head, ++k->nonce_counter);
    crypto_aead_xchacha20poly1305_ietf_encrypt(sealed + head.n, NULL, plain.p, plain.n, place.p,
                                               place.n, NULL, sealed + 1, k->secrets->system);
    return OK;
}

enum err keyring_open_value(struct keyring *k, struct span place, struct span sealed,
                            struct buf *out)
{
    if (sealed.n < SYSTEM_SEAL_OVERHEAD_BYTES || sealed.p[0] != SYSTEM_FORMAT)
        return ERR_FORGED;
    size_t plain_bytes = sealed.n - SYSTEM_SEAL_OVERHEAD_BYTES;
    uint8_t *plain = buf_room(out, plain_bytes);
    if (!plain)
        return ERR_LIMIT;
    struct span body = span_from(sealed, 1 + NONCE_BYTES);
    if (crypto_aead_xchacha20poly1305_ietf_decrypt(plain, NULL, NULL, body.p, body.n, place.p,
                                                   place.n, sealed.p + 1, k->secrets->system) == 0)
        return OK;
    out->n -= plain_bytes;
    return ERR_FORGED;
}

/* --- customer keys --- */

/* Bound to its head and to the ordinal: another customer's row does not open. */
static struct span wrap_place(const uint8_t *wrapped, uint64_t ordinal,
                              uint8_t out[static WRAP_HEAD_BYTES + 8])
{
    struct buf b = buf_of(out, WRAP_HEAD_BYTES + 8);
    buf_bytes(&b, wrapped, WRAP_HEAD_BYTES);
    buf_be64(&b, ordinal);
    return buf_span(&b);
}

/* Poly1305 does not commit to its key: two keys may open one ciphertext. This does. */
static void commitment(const uint8_t *customer_key, const uint8_t *kid,
                       uint8_t out[static COMMITMENT_BYTES])
{
    uint8_t in[6 + KID_BYTES];
    struct buf b = buf_of(in, sizeof in);
    buf_str(&b, "commit");
    buf_bytes(&b, kid, KID_BYTES);
    blake2b(customer_key, buf_span(&b), out, COMMITMENT_BYTES);
}

/* Wraps secrets->customer under the newest KEK. */
static void wrap(struct keyring *k, uint64_t ordinal, const uint8_t kid[static KID_BYTES],
                 uint8_t out[static WRAPPED_KEY_BYTES])
{
    const struct key_entry *kek = kek_newest(k);
    CHECK(kek); /* an open keyring has one */
    uint8_t own_kid[KID_BYTES], place[WRAP_HEAD_BYTES + 8];
    memcpy(own_kid, kid, KID_BYTES); /* kid may lie in out */
    struct buf b = buf_of(out, WRAPPED_KEY_BYTES);
    buf_u8(&b, WRAP_VERSION);
    buf_be32(&b, kek->id);
    buf_bytes(&b, own_kid, KID_BYTES);
    struct span aad = wrap_place(out, ordinal, place);
    uint8_t *nonce = buf_room(&b, NONCE_BYTES);
    randombytes_buf(nonce, NONCE_BYTES);
    uint8_t *sealed = buf_room(&b, KEY_BYTES + TAG_BYTES);
    crypto_aead_xchacha20poly1305_ietf_encrypt(sealed, NULL, k->secrets->customer, KEY_BYTES, aad.p,
                                               aad.n, NULL, nonce, kek->key);
    commitment(k->secrets->customer, own_kid, buf_room(&b, COMMITMENT_BYTES));
    CHECK(buf_ok(&b) && b.n == WRAPPED_KEY_BYTES);
}

/* Into secrets->customer, which the caller wipes. */
static enum err unwrap(struct keyring *k, uint64_t ordinal,
                       const uint8_t wrapped[static WRAPPED_KEY_BYTES])
{
    struct reader r = reader_of(span_of(wrapped, WRAPPED_KEY_BYTES));
    if (reader_u8(&r) != WRAP_VERSION)
        return ERR_FORGED;
    const struct key_entry *kek = entry_find(k, KEY_KEK, reader_be32(&r));
    struct span kid = reader_take(&r, KID_BYTES);
    struct span nonce = reader_take(&r, NONCE_BYTES);
    struct span sealed = reader_take(&r, KEY_BYTES + TAG_BYTES);
    struct span committed = reader_take(&r, COMMITMENT_BYTES);
    uint8_t place[WRAP_HEAD_BYTES + 8], expected[COMMITMENT_BYTES];
    struct span aad = wrap_place(wrapped, ordinal, place);
    if (!kek ||
        crypto_aead_xchacha20poly1305_ietf_decrypt(k->secrets->customer, NULL, NULL, sealed.p,
                                                   sealed.n, aad.p, aad.n, nonce.p, kek->key) != 0)
        return ERR_FORGED;
    commitment(k->secrets->customer, kid.p, expected);
    return sodium_memcmp(expected, committed.p, COMMITMENT_BYTES) == 0 ? OK : ERR_FORGED;
}

static void customer_wipe(struct keyring *k)
{
    sodium_memzero(k->secrets->customer, KEY_BYTES);
}

void keyring_customer_new(struct keyring *k, uint64_t ordinal,
                          uint8_t wrapped[static WRAPPED_KEY_BYTES])
{
    uint8_t kid[KID_BYTES];
    randombytes_buf(kid, sizeof kid);
    randombytes_buf(k->secrets->customer, KEY_BYTES);
    wrap(k, ordinal, kid, wrapped);
    customer_wipe(k);
}

enum err keyring_customer_rewrap(struct keyring *k, uint64_t ordinal,
                                 uint8_t wrapped[static WRAPPED_KEY_BYTES])
{
    enum err e = unwrap(k, ordinal, wrapped);
    if (e == OK)
        wrap(k, ordinal, wrapped + 1 + 4, wrapped);
    customer_wipe(k);
    return e;
}

static void derive(struct keyring *k, const struct key_entry *month, const char *scope,
                   uint8_t *out, size_t out_bytes)
{
    uint8_t in[KEY_BYTES + 4 + 8];
    struct buf b = buf_of(in, sizeof in);
    buf_bytes(&b, month->key, KEY_BYTES);
    buf_be32(&b, month->id);
    buf_str(&b, scope);
    CHECK(buf_ok(&b));
    blake2b(k->secrets->customer, buf_span(&b), out, out_bytes);
    sodium_memzero(in, sizeof in);
}

enum err keyring_subkeys(struct keyring *k, uint64_t ordinal, uint32_t month,
                         const uint8_t wrapped[static WRAPPED_KEY_BYTES], struct subkeys *out)
{
    const struct key_entry *month_key = entry_find(k, KEY_MONTH, month);
    if (!month_key)
        return ERR_NOTFOUND;
    enum err e = unwrap(k, ordinal, wrapped);
    if (e == OK) {
        memcpy(out->kid, wrapped + 1 + 4, KID_BYTES);
        derive(k, month_key, "core", out->core, DEK_BYTES);
        derive(k, month_key, "location", out->location, DEK_BYTES);
        derive(k, month_key, "day", out->day, DAY_KEY_BYTES);
    }
    customer_wipe(k);
    return e;
}

/* --- mask --- */

_Static_assert(MASK_NONCE_BYTES == crypto_stream_chacha20_NONCEBYTES, "the stream's nonce");

/* A ChaCha20 block covers eight sequences, which come one after another. */
uint64_t keyring_mask(const struct keyring *k, const uint8_t nonce[static MASK_NONCE_BYTES],
                      uint64_t seq, uint64_t value)
{
    static const uint8_t ZEROS[MASK_BLOCK_BYTES];
    struct secrets *s = k->secrets;
    uint64_t block = seq / MASKS_A_BLOCK;
    if (!s->mask_valid || s->mask_at != block ||
        memcmp(s->mask_nonce, nonce, MASK_NONCE_BYTES) != 0) {
        crypto_stream_chacha20_xor_ic(s->mask_block, ZEROS, sizeof ZEROS, nonce, block, s->mask);
        memcpy(s->mask_nonce, nonce, MASK_NONCE_BYTES);
        s->mask_at = block;
        s->mask_valid = true;
    }
    struct reader r = reader_of(span_of(s->mask_block + seq % MASKS_A_BLOCK * 8, 8));
    return value ^ reader_be64(&r);
}

/* --- epochs --- */

static size_t epochs(const struct keyring *k, enum keyfile_kind kind, struct epoch_info *out,
                     size_t max)
{
    const struct key_table *t = &k->secrets->table;
    size_t count = 0, newest = 0;
    for (size_t i = 0; i < t->count && count < max; i++) {
        const struct key_entry *e = &t->entries[i];
        if (e->kind != kind)
            continue;
        out[count] = (struct epoch_info){.epoch = e->id, .created_us = e->created_us};
        if (e->id >= out[newest].epoch)
            newest = count;
        count++;
    }
    if (count)
        out[newest].newest = true;
    return count;
}

size_t keyring_keks(const struct keyring *k, struct epoch_info *out, size_t max)
{
    return epochs(k, KEY_KEK, out, max);
}

size_t keyring_months(const struct keyring *k, struct epoch_info *out, size_t max)
{
    return epochs(k, KEY_MONTH, out, max);
}

enum err keyring_rotate(struct keyring *k, int64_t now, struct diag *d)
{
    struct epoch_info all[KEKS_MAX];
    if (keyring_keks(k, all, KEKS_MAX) == KEKS_MAX)
        return diag_set(d, ERR_LIMIT, "the keyring holds as many KEK epochs as it can", 0);
    return entry_add_stored(k, KEY_KEK, kek_newest(k)->id + 1, now, d);
}

enum err keyring_month_ensure(struct keyring *k, uint32_t month, int64_t now, struct diag *d)
{
    return entry_find(k, KEY_MONTH, month) ? OK : entry_add_stored(k, KEY_MONTH, month, now, d);
}

void keyring_curve(const struct keyring *k, uint8_t public_key[static CURVE_KEY_BYTES],
                   uint8_t secret_key[static CURVE_KEY_BYTES])
{
    const struct key_entry *curve = entry_find(k, KEY_CURVE, 0);
    CHECK(curve); /* an open keyring has one */
    memcpy(secret_key, curve->key, CURVE_KEY_BYTES);
    CHECK(crypto_scalarmult_base(public_key, secret_key) == 0);
}
