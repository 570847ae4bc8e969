#include "vault/crypt/keyfile.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <sys/stat.h>
#include <unistd.h>

#include "proto/core/buf.h"
#include "proto/core/reader.h"
#include "vault/file/replace.h"

static const uint8_t MAGIC[9] = {'C', 'P', 'N', 'I', 'K', 'E', 'Y', 'S', 1};

enum { NONCE_BYTES = 24, TAG_BYTES = 16, MAGIC_BYTES = sizeof MAGIC - 1 };

_Static_assert(KEYFILE_HEAD_BYTES == sizeof MAGIC + NONCE_BYTES, "head of the keyring file");
_Static_assert(crypto_aead_xchacha20poly1305_ietf_KEYBYTES == KEYFILE_KEY_BYTES &&
                   crypto_aead_xchacha20poly1305_ietf_NPUBBYTES == NONCE_BYTES &&
                   crypto_aead_xchacha20poly1305_ietf_ABYTES == TAG_BYTES,
               "sizes of XChaCha20-Poly1305");

static void close_fd(const int *fd)
{
    if (*fd >= 0)
        close(*fd);
}
#define CLOSED_AT_END __attribute__((cleanup(close_fd)))

enum err root_key_create(const char *path, struct diag *d)
{
    CLOSED_AT_END int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0 && errno == EEXIST)
        return diag_set(d, ERR_CONFLICT, "there is a root key file already", 0);
    uint8_t key[KEYFILE_KEY_BYTES];
    randombytes_buf(key, sizeof key);
    bool written = fd >= 0 && write(fd, key, sizeof key) == (ssize_t)sizeof key && fsync(fd) == 0 &&
                   file_sync_folder(path) == OK;
    sodium_memzero(key, sizeof key);
    return written ? OK : diag_set(d, ERR_STORE, "root key file cannot be written", 0);
}

enum err root_key_read(const char *path, uint8_t root[static KEYFILE_KEY_BYTES], struct diag *d)
{
    CLOSED_AT_END int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct stat st;
    if (fd < 0 || fstat(fd, &st) != 0)
        return diag_set(d, errno == ENOENT ? ERR_NOTFOUND : ERR_DENIED,
                        "root key file cannot be read", 0);
    if (st.st_mode & 077)
        return diag_set(d, ERR_DENIED, "root key file is open to others: chmod 600", 0);
    if (st.st_size != KEYFILE_KEY_BYTES || read(fd, root, KEYFILE_KEY_BYTES) != KEYFILE_KEY_BYTES)
        return diag_set(d, ERR_SYNTAX, "root key file is not 32 bytes", 0);
    return OK;
}

static size_t entries_encode(struct key_table *t)
{
    struct buf b = buf_of(t->plain, sizeof t->plain);
    for (size_t i = 0; i < t->count; i++) {
        const struct key_entry *e = &t->entries[i];
        buf_u8(&b, (uint8_t)e->kind);
        buf_be32(&b, e->id);
        buf_be64(&b, (uint64_t)e->created_us);
        buf_bytes(&b, e->key, sizeof e->key);
    }
    return b.n;
}

static enum err entries_decode(struct key_table *t, size_t plain_bytes)
{
    struct reader r = reader_of(span_of(t->plain, plain_bytes));
    t->count = 0;
    while (reader_more(&r)) {
        struct key_entry e = {.kind = (enum keyfile_kind)reader_u8(&r),
                              .id = reader_be32(&r),
                              .created_us = (int64_t)reader_be64(&r)};
        struct span key = reader_take(&r, sizeof e.key);
        if (!reader_ok(&r) || t->count == KEYFILE_ENTRIES_MAX)
            return ERR_FORGED;
        if (e.kind < KEY_PRF || e.kind >= KEY_KIND_COUNT)
            return ERR_VERSION;
        t->entries[t->count] = e;
        memcpy(t->entries[t->count++].key, key.p, key.n);
    }
    return OK;
}

static size_t file_encode(struct key_table *t, uint8_t out[static KEYFILE_BYTES_MAX])
{
    size_t plain_bytes = entries_encode(t);
    memcpy(out, MAGIC, sizeof MAGIC);
    uint8_t *nonce = out + sizeof MAGIC;
    randombytes_buf(nonce, NONCE_BYTES);
    unsigned long long sealed_bytes;
    crypto_aead_xchacha20poly1305_ietf_encrypt(out + KEYFILE_HEAD_BYTES, &sealed_bytes, t->plain,
                                               plain_bytes, out, KEYFILE_HEAD_BYTES, NULL, nonce,
                                               t->root);
    sodium_memzero(t->plain, plain_bytes);
    return KEYFILE_HEAD_BYTES + (size_t)sealed_bytes;
}

enum err keyfile_write(const char *path, struct key_table *t, struct diag *d)
{
    uint8_t file[KEYFILE_BYTES_MAX]; /* 64 kB, ciphertext only */
    enum err e = file_replace(path, span_of(file, file_encode(t, file)));
    return e == OK ? OK : diag_set(d, e, "keyring file cannot be written", 0);
}

enum err keyfile_read(const char *path, struct key_table *t, struct diag *d)
{
    CLOSED_AT_END int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return diag_set(d, errno == ENOENT ? ERR_NOTFOUND : ERR_DENIED,
                        "keyring file cannot be opened", 0);
    uint8_t file[KEYFILE_BYTES_MAX + 1];
    ssize_t n = read(fd, file, sizeof file);
    if (n < 0)
        return diag_set(d, ERR_STORE, "keyring file cannot be read", 0);
    if (n < KEYFILE_OVERHEAD_BYTES || n > KEYFILE_BYTES_MAX ||
        memcmp(file, MAGIC, MAGIC_BYTES) != 0)
        return diag_set(d, ERR_FORGED, "not a keyring file, or cut short", 0);
    if (file[MAGIC_BYTES] != MAGIC[MAGIC_BYTES])
        return diag_set(d, ERR_VERSION, "keyring file of another version", MAGIC_BYTES);
    unsigned long long plain_bytes;
    if (crypto_aead_xchacha20poly1305_ietf_decrypt(
            t->plain, &plain_bytes, NULL, file + KEYFILE_HEAD_BYTES,
            (unsigned long long)n - KEYFILE_HEAD_BYTES, file, KEYFILE_HEAD_BYTES,
            file + sizeof MAGIC, t->root) != 0)
        return diag_set(d, ERR_FORGED, "wrong root key, or a damaged keyring file", 0);
    enum err e = entries_decode(t, (size_t)plain_bytes);
    sodium_memzero(t->plain, (size_t)plain_bytes);
    return e == OK ? OK : diag_set(d, e, "entries of the keyring file", 0);
}
