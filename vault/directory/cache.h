/* cache.h - remembers what was asked of the directory last, so that a call between numbers
 * seen before costs a SipHash a question and not a keyed BLAKE2b for the number and for each
 * length of range in use. Answers of "nobody" are kept too: the other party of most calls is
 * not ours. Two places a set; the one asked longer ago goes. */
#ifndef CPNI_DIRECTORY_CACHE_H
#define CPNI_DIRECTORY_CACHE_H

#include "vault/crypt/cache_hash.h"
#include "vault/directory/directory.h"

enum { CACHE_SETS = 1 << 16, CACHE_WAYS = 2 };

struct cache_slot {
    uint64_t name[2]; /* hash of the question; all zero = free */
    struct owner owner;
};

struct owner_cache {
    struct cache_hash hash;
    struct cache_slot (*set)[CACHE_WAYS]; /* owned; CACHE_SETS of them */
    uint64_t hits, misses;
};

MUST_CHECK enum err owner_cache_init(struct owner_cache *c, const struct keyring *k);
void owner_cache_done(struct owner_cache *c); /* wipes */
void owner_cache_reset(struct owner_cache *c);

/* A question and its place; valid until the next call. */
struct cache_ask {
    uint64_t name[2];
};
/* Has it been asked? Then *out is the answer. */
bool owner_cache_ask(struct owner_cache *c, struct span question, struct cache_ask *ask,
                     struct owner *out);
void owner_cache_learn(struct owner_cache *c, const struct cache_ask *ask, struct owner owner);

#endif
