/* cache_hash.h - names things in memory, cheaply: SipHash-2-4 with 128 bits (libsodium), a
 * twentieth of the cost of keyring_prf(). For hash tables that strangers feed and caches in
 * front of keyed tags; never stored, since 16 bytes of key outside the locked slab protect it. */
#ifndef CPNI_CRYPT_CACHE_HASH_H
#define CPNI_CRYPT_CACHE_HASH_H

#include "vault/crypt/keyring.h"

enum { CACHE_HASH_KEY_BYTES = 16 };

struct cache_hash {
    uint8_t key[CACHE_HASH_KEY_BYTES];
};

/* The key is PRF(CACHE, label): tables with different labels share no values. */
void cache_hash_init(struct cache_hash *h, const struct keyring *k, const char *label);
void cache_hash_done(struct cache_hash *h); /* wipes */

void cache_hash_of(const struct cache_hash *h, struct span in, uint64_t out[static 2]);

#endif
