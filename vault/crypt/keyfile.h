/* keyfile.h - the two files a keyring lives in.
 *
 * Root key file: 32 random bytes, mode 0600.
 * Keyring file, integers big-endian:
 *   [8] "CPNIKEYS" | [1] version = 1 | [24] nonce | ciphertext | [16] tag
 * XChaCha20-Poly1305 under the root key; the bytes before the ciphertext are authenticated.
 * The plaintext is entries of
 *   [1] kind | [4] id | [8] created, us since 1970 | [32] key
 * An entry of a kind that is not known is an error: a keyring that lost a key of a later
 * version on its way through this one would lose data. */
#ifndef CPNI_CRYPT_KEYFILE_H
#define CPNI_CRYPT_KEYFILE_H

#include "proto/core/diag.h"
#include "vault/crypt/slab.h"

#include <stdint.h>

enum keyfile_kind {
    KEY_PRF = 1,
    KEY_SYSTEM,
    KEY_MASK,
    KEY_CURVE,
    KEY_KEK,
    KEY_MONTH,
    KEY_KIND_COUNT
};

enum {
    KEYFILE_KEY_BYTES = 32,
    KEYFILE_ENTRY_BYTES = 1 + 4 + 8 + KEYFILE_KEY_BYTES,
    KEYFILE_HEAD_BYTES = 8 + 1 + 24,
    KEYFILE_OVERHEAD_BYTES = KEYFILE_HEAD_BYTES + 16,
    /* 128 KEK epochs, the months 199001..209912 and month 0, and the single keys. */
    KEYFILE_ENTRIES_MAX = 128 + 1321 + 4,
    KEYFILE_BYTES_MAX = KEYFILE_OVERHEAD_BYTES + KEYFILE_ENTRIES_MAX * KEYFILE_ENTRY_BYTES
};

struct key_entry {
    enum keyfile_kind kind;
    uint32_t id; /* KEK number, or month; else 0 */
    int64_t created_us;
    uint8_t key[KEYFILE_KEY_BYTES];
};

/* All of it in locked memory; plain is where a file is encoded and decoded. */
struct key_table {
    uint8_t root[KEYFILE_KEY_BYTES];
    size_t count;
    struct key_entry entries[KEYFILE_ENTRIES_MAX];
    uint8_t plain[KEYFILE_ENTRIES_MAX * KEYFILE_ENTRY_BYTES];
};

/* Makes the file with a new key; ERR_CONFLICT: it exists. ERR_STORE. */
MUST_CHECK enum err root_key_create(const char *path, struct diag *d);
/* ERR_NOTFOUND; ERR_DENIED: open to others; ERR_SYNTAX: not 32 bytes. */
MUST_CHECK enum err root_key_read(const char *path, uint8_t root[static KEYFILE_KEY_BYTES],
                                  struct diag *d);

/* Replaces the file: writes beside, syncs, renames, syncs the folder. ERR_STORE: the old
 * file may be there or the new one; each is whole. */
MUST_CHECK enum err keyfile_write(const char *path, struct key_table *t, struct diag *d);
/* Fills t->entries with t->root. ERR_NOTFOUND; ERR_VERSION; ERR_FORGED. */
MUST_CHECK enum err keyfile_read(const char *path, struct key_table *t, struct diag *d);

#endif
