/* rows.h - the directory on disk. Every value is sealed for its place (keyring_seal); integers
 * big-endian; the first byte inside the seal is the version, 1.
 *
 *   directory   [16] PRF(DIRECTORY, entry key)  [1] kind, [1] bytes of the prefix (ranges) or 0,
 *                                               [8] customer, [4] account
 *   customers   'c' [8] ordinal                 [4] entries of each kind
 *   customers,  'i' [16] PRF(purpose, id)       [8] ordinal
 *   accounts    'n'                             [8] the next ordinal: none is given twice
 *               'o' [8] ordinal                 [1] flags, [8] created us, lv id, zeros to the
 *                                               longest id, so that its length does not show
 *   keys        [8] customer                    wrapped key, as keyring.h says; not sealed again */
#ifndef CPNI_DIRECTORY_ROWS_H
#define CPNI_DIRECTORY_ROWS_H

#include "proto/core/reader.h"
#include "vault/directory/directory.h"
#include "vault/directory/tag_set.h"

enum {
    ROW_VERSION = 1,
    ROW_KEY_BYTES_MAX = 1 + TAG_BYTES,
    ROW_PLAIN_BYTES_MAX = 96,
    ROW_BYTES_MAX = ROW_PLAIN_BYTES_MAX + SYSTEM_SEAL_OVERHEAD_BYTES
};

struct rows {
    struct store *store;
    struct keyring *keys;
};

/* ERR_LIMIT cannot happen: plain has at most ROW_PLAIN_BYTES_MAX bytes. */
MUST_CHECK enum err rows_put(const struct rows *r, struct txn *t, enum family f, struct span key,
                             struct span plain);
/* Appends what is sealed in `value` of that key, behind the version. ERR_FORGED, ERR_VERSION. */
MUST_CHECK enum err rows_open(const struct rows *r, enum family f, struct span key,
                              struct span value, struct buf *out);
MUST_CHECK enum err rows_get(const struct rows *r, enum family f, struct span key, struct buf *out);

/* --- entries --- */
struct entry_row {
    enum entry_kind kind;
    uint8_t prefix_bytes; /* of a range's prefix, else 0 */
    struct owner owner;
};
MUST_CHECK enum err entry_row_put(const struct rows *r, struct txn *t,
                                  const uint8_t tag[static TAG_BYTES], const struct entry_row *row);
MUST_CHECK enum err entry_row_open(const struct rows *r, struct span tag, struct span value,
                                   struct entry_row *out);

/* --- customers and accounts: f is FAMILY_CUSTOMERS or FAMILY_ACCOUNTS --- */
enum name_flags { NAME_UNASSIGNED = 1 };
struct name_row {
    uint8_t flags;
    int64_t created_us;
    struct span id; /* at most CUSTOMER_ID_BYTES_MAX; borrows from the buf of name_row_get() */
};

void name_tag(const struct rows *r, enum family f, struct span id, uint8_t out[static TAG_BYTES]);
/* ERR_NOTFOUND. */
MUST_CHECK enum err name_find(const struct rows *r, enum family f,
                              const uint8_t tag[static TAG_BYTES], uint64_t *out);
MUST_CHECK enum err name_put(const struct rows *r, struct txn *t, enum family f, uint64_t ordinal,
                             const uint8_t tag[static TAG_BYTES], const struct name_row *row);
MUST_CHECK enum err name_row_decode(struct span plain, struct name_row *out);
/* The row as plaintext in *b, *out over it. ERR_NOTFOUND. */
MUST_CHECK enum err name_row_get(const struct rows *r, enum family f, uint64_t ordinal,
                                 struct buf *b, struct name_row *out);

/* 1 in a new directory. */
MUST_CHECK enum err name_next(const struct rows *r, enum family f, uint64_t *out);
MUST_CHECK enum err name_next_put(const struct rows *r, struct txn *t, enum family f,
                                  uint64_t next);

/* Entries of a customer by kind; all zero when there is no row yet. */
MUST_CHECK enum err counts_get(const struct rows *r, uint64_t customer,
                               uint32_t out[static ENTRY_KIND_COUNT]);
MUST_CHECK enum err counts_put(const struct rows *r, struct txn *t, uint64_t customer,
                               const uint32_t entries[static ENTRY_KIND_COUNT]);

/* Key of an 'o' row, for walks in order of ordinals. */
struct span name_key(uint64_t ordinal, uint8_t room[static ROW_KEY_BYTES_MAX]);
bool name_key_ordinal(struct span key, uint64_t *out); /* false: another kind of row */

#endif
