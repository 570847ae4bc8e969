/* sealer.h - seals a record for its customer, and opens it for who holds a grant.
 *
 * Sealed bytes, behind the 38-byte head of the row (vault/store/store.h):
 *   [1] layout: 0 core only, 1 core and location | core ciphertext | [16] tag |
 *   with layout 1: ... [4] length of the core part comes first | location ciphertext | [16] tag
 * The plaintext of each part is padded (ISO 7816-4) to SEAL_PAD_BYTES.
 *
 * XChaCha20-Poly1305 (libsodium, ietf). Nonce = 16 random bytes of the process incarnation
 * | 8 bytes record sequence (top bit set for the location part): unique even after a
 * restore from backup, because each open of a vault draws a new incarnation and syncs it
 * before the first seal. Associated data = layout | row head | month | sequence | KID | scope:
 * a value moved to another row, month, customer or scope does not open, and a location
 * cannot be taken off.
 *
 * Keys are cached per (customer, month) in the keyring's locked slab; a miss asks `load` for
 * the wrapped customer key. One sealer belongs to one thread. */
#ifndef CPNI_CRYPT_SEALER_H
#define CPNI_CRYPT_SEALER_H

#include "vault/crypt/keyring.h"
#include "vault/policy/policy.h"

enum {
    SEAL_PAD_BYTES = 32,
    INCARNATION_BYTES = 16,
    SEAL_OVERHEAD_BYTES_MAX = 1 + 4 + 2 * (16 + SEAL_PAD_BYTES)
};

/* Gives the wrapped key of a customer. ERR_NOTFOUND: erased or never there. */
typedef enum err key_load_fn(void *arg, uint64_t ordinal,
                             uint8_t wrapped[static WRAPPED_KEY_BYTES]);

struct sealer;
/* cache_slots: 128 bytes of locked memory each, rounded down to a power of two (8 at least).
 * ERR_NOMEM: no (locked) memory. */
MUST_CHECK enum err sealer_new(struct keyring *k, size_t cache_slots, key_load_fn *load, void *arg,
                               struct sealer **out);
struct sealer *sealer_free(struct sealer *s);

/* An incarnation known by its 4-byte id (family meta keeps id -> 16 bytes). The newest one
 * added with current = true is what seals. */
MUST_CHECK enum err sealer_incarnation(struct sealer *s, uint32_t id,
                                       const uint8_t prefix[static INCARNATION_BYTES],
                                       bool current);
uint32_t sealer_incarnation_id(const struct sealer *s);

/* Masks a customer's ordinal for the clear head of a row, or unmasks it. The nonce is of the
 * incarnation's random prefix, so that a vault restored from a backup, which numbers its
 * incarnations and records again from there, draws another keystream. ERR_FORGED: no such
 * incarnation. */
MUST_CHECK enum err sealer_mask(const struct sealer *s, uint32_t incarnation, uint64_t seq,
                                uint64_t value, uint64_t *out);

/* Bytes of the system's generator, for prefixes and identifiers. */
void sealer_random(void *out, size_t bytes);

struct seal_place {
    uint64_t customer; /* ordinal */
    uint32_t month;    /* yyyymm; 0 = out of range */
    uint32_t incarnation;
    uint64_t seq;
    struct span head; /* the row's clear head, authenticated */
};

/* Tag of (customer, day) for the row's head and for lookups; cached with the key. Needs the
 * keys of customer and month: after the erasure of either nobody can compute it. day = days
 * since 1970, month = the month it is filed under (0 = out of range). */
MUST_CHECK enum err sealer_day_tag(struct sealer *s, uint64_t customer, uint32_t month, int64_t day,
                                   uint8_t out[static 8]);

/* location may be empty. p->incarnation is the current one. ERR_NOTFOUND: the customer or
 * the month has no key. ERR_LIMIT: out too small. */
MUST_CHECK enum err sealer_seal(struct sealer *s, const struct seal_place *p, struct span core,
                                struct span location, struct buf *out);

/* Opens the core part, and the location part if the grant has POLICY_LOCATION (or is the
 * system's) and there is one. Appends to the bufs. ERR_FORGED: any changed bit, wrong key,
 * wrong place. ERR_DENIED: the grant is for another customer. ERR_NOTFOUND: the customer or the
 * month has no key. ERR_LIMIT: a buf is too small; each needs room for the padding too.
 * location may be NULL. */
MUST_CHECK enum err sealer_open(struct sealer *s, const struct grant *g, const struct seal_place *p,
                                struct span sealed, struct buf *core, struct buf *location);

/* Forgets cached keys of one customer (0 = all): erasure, consent change. */
void sealer_forget(struct sealer *s, uint64_t customer);

struct sealer_stats {
    uint64_t hits, misses, live_keys;
};
struct sealer_stats sealer_stats(const struct sealer *s);

#endif
