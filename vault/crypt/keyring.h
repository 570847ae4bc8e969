/* keyring.h - the keys of one vault.
 *
 *   root key (32 bytes, a 0600 file outside the database)
 *    +- keyring file, sealed under it: KEK epochs, PRF keys, system key, CURVE secret,
 *    |  month keys EK_m (one a calendar month, made on first use)
 *        +- KEK_n wraps customer keys CK (32 random bytes a customer, family "keys")
 *            +- DEK(customer, month, scope) = BLAKE2b-256(key = CK, EK_m | month | scope)
 *
 * Destroying CK erases a customer; destroying EK_m erases a month. Every key lives in one
 * locked slab (slab.h) that is not dumped and not inherited; a keyring belongs to one
 * thread. No function gives key bytes away except keyring_curve(), whose key opens no
 * record. File format in keyring.c; a change is written beside, synced, renamed, and the
 * folder synced, before it is used. */
#ifndef CPNI_CRYPT_KEYRING_H
#define CPNI_CRYPT_KEYRING_H

#include "proto/core/buf.h"
#include "proto/core/diag.h"

enum {
    ROOT_KEY_BYTES = 32,
    KID_BYTES = 16,
    WRAPPED_KEY_BYTES = 1 + 4 + 16 + 24 + 48 + 16,
    CURVE_KEY_BYTES = 32,
    PRF_BYTES_MAX = 64,
    SYSTEM_SEAL_OVERHEAD_BYTES = 1 + 24 + 16
};

/* Purposes: each has a key of its own, so a tag of one says nothing about another. */
/* clang-format off */
#define PRF_LIST(X)                     \
    X(CUSTOMER)                         \
    X(ACCOUNT)                          \
    X(DIRECTORY)                        \
    X(DAY)                              \
    X(DUPLICATE)                        \
    X(WINDOW)                           \
    X(CURSOR)                           \
    X(LIVE)                             \
    X(AUDIT)                            \
    X(HEAD)                             \
    X(TOKEN)                            \
    X(CONSUMER)                         \
    X(FEED)                             \
    X(CACHE)
/* clang-format on */
enum prf {
#define PRF_CODE(name) PRF_##name,
    PRF_LIST(PRF_CODE)
#undef PRF_CODE
        PRF_COUNT
};

struct keyring;

/* Makes root key file (0600, unless it exists) and keyring file. ERR_CONFLICT: there is a
 * keyring already. */
MUST_CHECK enum err keyring_create(const char *keyring_path, const char *root_key_path,
                                   struct diag *d);
/* ERR_FORGED: wrong root key or a damaged file. ERR_DENIED: the root key file is open to
 * others (mode & 077). ERR_NOMEM: the slab could not be locked and require_lock is set. */
MUST_CHECK enum err keyring_open(const char *keyring_path, const char *root_key_path,
                                 bool require_lock, struct keyring **out, struct diag *d);
struct keyring *keyring_close(struct keyring *k); /* wipes */
bool keyring_locked(const struct keyring *k);     /* false: memory could not be locked */

/* Any thread. Keyed BLAKE2b; out_bytes 8..64. Below 16 it is the head of the 16-byte tag. */
void keyring_prf(const struct keyring *k, enum prf purpose, struct span in, uint8_t *out,
                 size_t out_bytes);
/* The same with a further label, for keys per consumer: PRF(PRF key, label) then in. */
void keyring_prf_labelled(const struct keyring *k, enum prf purpose, struct span label,
                          struct span in, uint8_t *out, size_t out_bytes);

/* --- values of the vault itself: cursors, directory, windows, dialogs ---
 * [1] format | [24] nonce: 16 random bytes an open, counter | ciphertext | [16] tag; `place`
 * (family and key) is authenticated, so a row copied elsewhere does not open. */
MUST_CHECK enum err keyring_seal(struct keyring *k, struct span place, struct span plain,
                                 struct buf *out);
MUST_CHECK enum err keyring_open_value(struct keyring *k, struct span place, struct span sealed,
                                       struct buf *out); /* ERR_FORGED */

/* --- customer keys --- */

/* A new random CK, wrapped under the newest KEK: version | epoch | KID | nonce | sealed key |
 * commitment. Bound to the ordinal. */
void keyring_customer_new(struct keyring *k, uint64_t ordinal,
                          uint8_t wrapped[static WRAPPED_KEY_BYTES]);
/* Wraps it again under the newest KEK. ERR_FORGED. */
MUST_CHECK enum err keyring_customer_rewrap(struct keyring *k, uint64_t ordinal,
                                            uint8_t wrapped[static WRAPPED_KEY_BYTES]);

/* Hides customer ordinals in record heads: XOR with a keystream at `seq` under a nonce of the
 * incarnation (sealer_mask()); the same call unmasks. */
enum { MASK_NONCE_BYTES = 8 };
uint64_t keyring_mask(const struct keyring *k, const uint8_t nonce[static MASK_NONCE_BYTES],
                      uint64_t seq, uint64_t value);

/* --- epochs --- */
struct epoch_info {
    uint32_t epoch; /* KEK number, or month as yyyymm */
    int64_t created_us;
    bool newest;
};
size_t keyring_keks(const struct keyring *k, struct epoch_info *out, size_t max);
size_t keyring_months(const struct keyring *k, struct epoch_info *out, size_t max);
/* A new KEK, stored; customer keys wrapped under older ones stay readable. ERR_LIMIT: 128. */
MUST_CHECK enum err keyring_rotate(struct keyring *k, int64_t now_us, struct diag *d);
/* Makes the month's key unless it is there, and returns when it is stored; needed before
 * the first seal or day tag of the month. Month 0: instants out of range. */
MUST_CHECK enum err keyring_month_ensure(struct keyring *k, uint32_t month, int64_t now_us,
                                         struct diag *d);

/* CURVE key pair of the usage listener: handed to the forward role at its start. */
void keyring_curve(const struct keyring *k, uint8_t public_key[static CURVE_KEY_BYTES],
                   uint8_t secret_key[static CURVE_KEY_BYTES]);

#endif
