/* files.h - files that the parent's user reads for the roles before they give it up. */
#ifndef CPNI_CPNID_FILES_H
#define CPNI_CPNID_FILES_H

#include "ingest/cpnid/config.h"

enum {
    NPA_FILE_BYTES_MAX = 1024 * 1024,
    ZONE_FILE_BYTES_MAX = 64 * 1024,
    KEY_FILE_BYTES_MAX = 256,
    MAP_FILE_BYTES_MAX = 64 * 1024 /* CDR_MAP_BYTES_MAX */
};

/* Whole file into memory of its own, for file_free(). ERR_NOTFOUND, ERR_DENIED,
 * ERR_LIMIT: longer than bytes_max; ERR_STORE. */
MUST_CHECK enum err file_read(const char *path, size_t bytes_max, struct span *out);

void file_free(struct span s); /* of what file_read, zone_read and key_read gave */

/* TZif bytes of a zone name; empty for UTC and fixed offsets (+05:30), which need none.
 * ERR_SYNTAX: no such form. ERR_NOTFOUND: not in the zone database. */
MUST_CHECK enum err zone_read(const char *name, struct span *out);

/* The key of a HEP agent: first line of its file, not empty, at most KEY_FILE_BYTES_MAX. */
MUST_CHECK enum err key_read(const char *path, struct span *out);

/* A feed's path that is not absolute lies below the state directory. */
void files_resolve(struct config *c, struct config_problems *problems);
/* Makes the folders of feeds that lie below the state directory; others must be there. */
MUST_CHECK enum err files_make_folders(const struct config *c, struct diag *d);

/* Splits a path in place of its last '/': folder ("." if there is none) and file name. */
void path_split(const char *path, char folder[static CONFIG_PATH_BYTES], const char **out_name);

/* Reads all of the above that the configuration names and adds what is wrong. */
void files_check(const struct config *c, struct config_problems *problems);

#endif
