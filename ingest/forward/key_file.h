/* key_file.h - a consumer's CURVE keys on disk: a ZPL certificate, as czmq and pyzmq
 * (zmq.auth.load_certificate) write and read them.
 *
 *   metadata
 *       name = "billing"
 *       server-key = "40 characters of Z85"
 *       endpoint = "tcp://127.0.0.1:7760"
 *       hint = "tcp://127.0.0.1:7761"
 *   curve
 *       public-key = "40 characters of Z85"
 *       secret-key = "40 characters of Z85"
 *
 * Whoever reads the secret key reads usage totals: mode 0600, or it is refused. */
#ifndef CPNI_FORWARD_KEY_FILE_H
#define CPNI_FORWARD_KEY_FILE_H

#include "proto/core/buf.h"
#include "proto/core/diag.h"
#include "proto/wire/pull.h"

enum {
    KEY_TEXT_BYTES = 41, /* Z85 of 32 bytes, and the NUL that libzmq wants */
    KEY_NAME_BYTES = CONSUMER_NAME_BYTES_MAX + 1,
    KEY_ENDPOINT_BYTES = 128,
    KEY_FILE_BYTES_MAX = 4096
};

struct key_file { /* texts that end; empty = not in the file */
    char name[KEY_NAME_BYTES];
    char server_key[KEY_TEXT_BYTES], public_key[KEY_TEXT_BYTES], secret_key[KEY_TEXT_BYTES];
    char endpoint[KEY_ENDPOINT_BYTES], hint[KEY_ENDPOINT_BYTES];
};

/* A new pair in public_key and secret_key; the rest is untouched. */
void key_file_generate(struct key_file *k);
/* Overwrites the secret. */
void key_file_wipe(struct key_file *k);

/* Unknown names are skipped. ERR_SYNTAX: no pair of keys, a value too long or not Z85. */
MUST_CHECK enum err key_file_parse(struct span text, struct key_file *out, struct diag *d);
/* ERR_LIMIT: b is full. */
MUST_CHECK enum err key_file_format(const struct key_file *k, struct buf *b);

/* ERR_NOTFOUND: cannot be opened. ERR_DENIED: others than the owner may read it. */
MUST_CHECK enum err key_file_read(const char *path, struct key_file *out, struct diag *d);
/* Makes the file, mode 0600, synced. ERR_CONFLICT: it is there already. ERR_STORE. */
MUST_CHECK enum err key_file_write(const char *path, const struct key_file *k, struct diag *d);

/* The same, in the place of a file that is there: whole or not at all. */
MUST_CHECK enum err key_file_replace(const char *path, const struct key_file *k, struct diag *d);

/* 40 characters of Z85 that stand for 32 bytes. */
MUST_CHECK enum err key_text_decode(struct span text, uint8_t out[static CONSUMER_KEY_BYTES]);
void key_text_encode(const uint8_t key[static CONSUMER_KEY_BYTES], char out[static KEY_TEXT_BYTES]);

#endif
