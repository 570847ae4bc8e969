/* replace.h - small files that must never be seen half-written: the keyring, the head record. */
#ifndef CPNI_FILE_REPLACE_H
#define CPNI_FILE_REPLACE_H

#include "proto/core/span.h"

/* Writes PATH.new (mode 0600), syncs it, renames it to PATH and syncs the folder. ERR_LIMIT:
 * the path is too long. ERR_STORE: PATH is the old file or the new one, and whole. */
MUST_CHECK enum err file_replace(const char *path, struct span bytes);

/* Makes the name of a new file durable: a name is as durable as its folder. ERR_STORE. */
MUST_CHECK enum err file_sync_folder(const char *path);

#endif
