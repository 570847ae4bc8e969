#include "vault/crypt/cache_hash.h"

#include <sodium.h>

_Static_assert(CACHE_HASH_KEY_BYTES == crypto_shorthash_siphashx24_KEYBYTES, "SipHash key");
_Static_assert(2 * sizeof(uint64_t) == crypto_shorthash_siphashx24_BYTES, "SipHash output");

void cache_hash_init(struct cache_hash *h, const struct keyring *k, const char *label)
{
    keyring_prf(k, PRF_CACHE, span_str(label), h->key, sizeof h->key);
}

void cache_hash_done(struct cache_hash *h)
{
    sodium_memzero(h->key, sizeof h->key);
}

void cache_hash_of(const struct cache_hash *h, struct span in, uint64_t out[static 2])
{
    static const uint8_t nothing[1];
    crypto_shorthash_siphashx24((unsigned char *)out, in.n ? in.p : nothing, in.n, h->key);
}
