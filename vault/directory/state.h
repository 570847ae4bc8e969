/* state.h - what the files of the directory share. Nobody outside vault/directory includes it.
 *
 *   directory.c  open, close, unassigned customers, reading
 *   resolve.c    the order in which a call finds its owners
 *   import.c     staging and commit of an import */
#ifndef CPNI_DIRECTORY_STATE_H
#define CPNI_DIRECTORY_STATE_H

#include "vault/directory/cache.h"
#include "vault/directory/entry.h"
#include "vault/directory/range.h"
#include "vault/directory/rows.h"
#include "vault/directory/table.h"

/* A feed's unassigned customer. Its key is kept wrapped until the commit that stores it is
 * durable: records are sealed with it before it can be read. */
struct unassigned {
    size_t feed_bytes;
    uint8_t feed[FEED_NAME_BYTES_MAX];
    struct owner owner;
    uint64_t made; /* number of the commit that stores it; 0 = it was there */
    uint8_t wrapped[WRAPPED_KEY_BYTES];
};

struct directory {
    struct rows rows;
    struct owner_table table;
    struct owner_cache cache;
    uint64_t next_customer, next_account;    /* ordinals */
    uint64_t entries[ENTRY_KIND_COUNT];      /* what no entry has need not be looked up */
    uint64_t prefixes[PREFIX_BYTES_MAX + 1]; /* ranges by bytes of their prefix */
    uint32_t unassigned_account;             /* 0 = not made yet */
    size_t unassigned_count;
    struct unassigned unassigned[FEEDS_MAX];
    uint64_t generation; /* imports committed: what was staged before is stale */
};

/* Counts one more entry. */
void directory_count(struct directory *dir, enum entry_kind kind, uint8_t prefix_bytes);

static inline void entry_tag(const struct rows *r, struct span key, uint8_t out[static TAG_BYTES])
{
    keyring_prf(r->keys, PRF_DIRECTORY, key, out, TAG_BYTES);
}

/* A new name with its ordinal; for a customer also its key. */
MUST_CHECK enum err customer_put(const struct rows *r, struct txn *t, uint64_t ordinal,
                                 const uint8_t tag[static TAG_BYTES], const struct name_row *row,
                                 uint8_t wrapped[static WRAPPED_KEY_BYTES]);

#define UNASSIGNED_NAME "unassigned"

#endif
