/* reaper.h - gives the space of deleted database files back a little at a time.
 *
 * A file system frees a deleted file in one go, and on ext4 with discard every sync of any
 * other file waits for it: about 1.2 ms a MiB, 0.2 s for the logs that one flush releases.
 * The reaper, a thread, holds a descriptor of each large file, so that a deletion by the
 * database frees nothing yet; then it shortens the file step by step and lets it go.
 *
 * A deleted file has no name from the moment the database deleted it. When the process dies,
 * the kernel frees what is left: nothing has to be swept at the next start. */
#ifndef CPNI_STORE_REAPER_H
#define CPNI_STORE_REAPER_H

#include <stdint.h>

#include "proto/core/err.h"

struct reaper;

/* Watches files of the database folder `dir` whose names end in .log or .sst. ERR_NOMEM,
 * ERR_STORE: the folder cannot be opened. */
MUST_CHECK enum err reaper_new(const char *dir, struct reaper **out);
struct reaper *reaper_free(struct reaper *r); /* frees at once what is left; NULL is fine */

/* One round, which the thread makes several times a second: takes descriptors of new files,
 * frees deleted ones. For tests: a reaper with no thread. */
MUST_CHECK enum err reaper_new_idle(const char *dir, struct reaper **out);
void reaper_round(struct reaper *r);

struct reaper_stats {
    uint64_t held;  /* files that a descriptor is held of now */
    uint64_t freed; /* files freed since the start */
};
void reaper_stats(struct reaper *r, struct reaper_stats *out); /* any thread */

#endif
