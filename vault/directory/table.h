/* table.h - keyed tag -> owner, in memory: open addressing with linear probing, 16 bytes an
 * entry, at most three quarters full. 10 million entries take 256 MiB.
 *
 * 72 bits of the 128-bit tag are compared: that a number of nobody meets one of 10 million
 * entries has a chance of 2^-48, and the tags are keyed, so nobody can look for one. */
#ifndef CPNI_DIRECTORY_TABLE_H
#define CPNI_DIRECTORY_TABLE_H

#include "vault/directory/directory.h"
#include "vault/directory/tag_set.h"

enum { OWNER_BITS = 28, OWNER_ORDINAL_MAX = (1 << OWNER_BITS) - 1 };

struct table_slot {
    uint64_t tag;
    uint64_t rest; /* [8 bits] more of the tag | [28] account | [28] customer; 0 = free */
};

struct owner_table {
    struct table_slot *slot; /* owned; a power of two */
    size_t slots, count;
};

/* Room for so many more entries. ERR_NOMEM: the table is as it was. */
MUST_CHECK enum err owner_table_reserve(struct owner_table *t, size_t more);
void owner_table_done(struct owner_table *t);

/* customer 0 when the tag is not there. */
struct owner owner_table_find(const struct owner_table *t, const uint8_t tag[static TAG_BYTES]);

/* Adds or replaces; room was reserved. Both ordinals are 1..OWNER_ORDINAL_MAX. */
void owner_table_put(struct owner_table *t, const uint8_t tag[static TAG_BYTES],
                     struct owner owner);

static inline size_t owner_table_bytes(const struct owner_table *t)
{
    return t->slots * sizeof *t->slot;
}

#endif
