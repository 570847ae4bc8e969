/* subkeys.h - what sealer.c gets from the keyring: the keys of one customer in one month.
 * For vault/crypt only: nothing else may hold key bytes. */
#ifndef CPNI_CRYPT_SUBKEYS_H
#define CPNI_CRYPT_SUBKEYS_H

#include "vault/crypt/keyring.h"
#include "vault/crypt/slab.h"

enum { DEK_BYTES = 32, DAY_KEY_BYTES = 16 };

struct subkeys {
    uint8_t kid[KID_BYTES];
    uint8_t core[DEK_BYTES], location[DEK_BYTES];
    uint8_t day[DAY_KEY_BYTES]; /* of the day tags */
};

/* Unwraps CK for a moment and derives: BLAKE2b(key = CK, EK_month | month | scope). `out`
 * lies in the slab. ERR_FORGED: another ordinal, a changed bit, a key that is not the one
 * committed to. ERR_NOTFOUND: no key of that month, or no KEK of that epoch. */
MUST_CHECK enum err keyring_subkeys(struct keyring *k, uint64_t ordinal, uint32_t month,
                                    const uint8_t wrapped[static WRAPPED_KEY_BYTES],
                                    struct subkeys *out);
struct slab *keyring_slab(struct keyring *k);

#endif
