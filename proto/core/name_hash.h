/* name_hash.h - a perfect hash over names that are known when the program is built: every known
 * name has a slot of its own, so that a name is compared once, whether it is known or not.
 *
 * cmake/name_index.c chooses, for each of BUCKETS groups of names, the shift that keeps their slots
 * apart, and writes both tables. Strangers choose names, but cannot make a search longer. */
#ifndef CPNI_CORE_NAME_HASH_H
#define CPNI_CORE_NAME_HASH_H

#include <endian.h>

#include "proto/core/span.h"

enum { NAME_BUCKETS = 256, NAME_SLOTS = 2048, NAME_NONE = 0xffff };

struct name_index {
    uint16_t shift[NAME_BUCKETS];
    uint16_t slot[NAME_SLOTS]; /* number of the name; NAME_NONE: no name */
};

static inline uint64_t name_word(const uint8_t *p, size_t bytes)
{
    uint64_t word = 0;
    memcpy(&word, p, bytes);
    return le64toh(word);
}

/* The last word of a name: of one with eight bytes or more, its last eight. */
static inline uint64_t name_tail(struct span name)
{
    if (name.n >= 8)
        return name_word(name.p + name.n - 8, 8);
    if (name.n >= 4)
        return name_word(name.p, 4) << 32 | name_word(name.p + name.n - 4, 4);
    if (name.n == 0)
        return 0;
    return (uint64_t)name.p[0] << 16 | (uint64_t)name.p[name.n / 2] << 8 | name.p[name.n - 1];
}

/* Of a name in one of several groups (a feed's names, an object of a document). */
static inline uint64_t name_hash(struct span name, unsigned group)
{
    const uint64_t K = UINT64_C(0x9e3779b97f4a7c15);
    uint64_t h = ((uint64_t)group << 32 | name.n) * K;
    for (size_t at = 0; at + 8 < name.n; at += 8) {
        h = (h ^ name_word(name.p + at, 8)) * K;
        h ^= h >> 32;
    }
    h = (h ^ name_tail(name)) * K;
    return h ^ h >> 32;
}

static inline size_t name_bucket(uint64_t hash)
{
    return hash % NAME_BUCKETS;
}

static inline size_t name_slot(uint64_t hash, unsigned shift)
{
    return ((hash >> 16) + shift * (hash >> 40 | 1)) % NAME_SLOTS;
}

/* The number of the only known name that this can be, to be compared; NAME_NONE: unknown. */
static inline unsigned name_candidate(const struct name_index *x, struct span name, unsigned group)
{
    uint64_t hash = name_hash(name, group);
    return x->slot[name_slot(hash, x->shift[name_bucket(hash)])];
}

/* Which pairs of bytes stand beside each other, as a filter: a name that holds a text has all of
 * the text's bits. */
static inline uint64_t name_pairs(struct span name)
{
    uint64_t pairs = 0;
    for (size_t i = 1; i < name.n; i++)
        pairs |= UINT64_C(1) << ((name.p[i - 1] * 7u + name.p[i]) % 64);
    return pairs;
}

#endif
