/* follow.h - a tail in the event loop: woken by the kernel when the directory changes, and by a
 * slow timer where no such news comes (network file systems) or a rotated file lingers. */
#ifndef CPNI_SOURCE_FOLLOW_H
#define CPNI_SOURCE_FOLLOW_H

#include <uv.h>

#include "ingest/source/source.h"
#include "ingest/source/tail.h"

struct follow_options {
    struct tail_options tail;
    const char *dir_path; /* to be watched; NULL, or not to be watched by us: polling alone */
    uint32_t poll_ms;
};

/* Begins reading at the cursor of a predecessor (empty: at the beginning). ERR_NOMEM. */
MUST_CHECK enum err follow_new(uv_loop_t *loop, const struct follow_options *options,
                               struct span cursor, struct source **out);

/* tail_behind_bytes() of a source that follow_new() made. */
uint64_t follow_behind_bytes(struct source *s);

#endif
