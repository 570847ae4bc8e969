/* cdr_feed.h - lines and documents of switches -> records in the open batch. */
#ifndef CPNI_PIPE_CDR_FEED_H
#define CPNI_PIPE_CDR_FEED_H

#include "ingest/pipe/pipe.h"

/* Rooms for one record at a time, shared by all CDR feeds of a process; about 15 MiB of address
 * space, touched as far as records are long. */
struct cdr_scratch;
MUST_CHECK enum err cdr_scratch_new(struct cdr_scratch **out); /* ERR_NOMEM */
struct cdr_scratch *cdr_scratch_free(struct cdr_scratch *s);   /* wipes; returns NULL */

/* The first record of a file feed (asterisk_csv, mapped; of documents one a line) in `in`.
 * OK: it is in the batch, or was refused or ignored and counted; *used bytes are done with.
 * ERR_MORE: not complete. ERR_FULL: no room, nothing was done. ERR_LIMIT: longer than
 * LINE_BYTES_MAX. */
MUST_CHECK enum err cdr_feed_line(struct pipe *p, const struct pipe_feed *f, struct cdr_scratch *s,
                                  struct span in, bool at_end, size_t *used);

/* Reading of the feed's file goes on behind its beginning, which is `head`: of a mapped feed it may
 * have the title line that says what the columns are called. */
void cdr_feed_head(const struct pipe_feed *f, struct cdr_scratch *s, struct span head);

/* Does the feed take documents that are posted? */
bool cdr_feed_posts(const struct pipe_feed *f);

struct cdr_posted { /* what became of the documents of one body */
    unsigned accepted, refused;
    struct diag first; /* of the first refused one; `at` counts in the decoded text */
};

/* All documents of a body that was posted (freeswitch_json, mapped with format json): form or raw,
 * base64 or percent-encoded, one object, an array, or objects one behind the other (feeds.md 2.1,
 * 8). What is well-formed is in the batch even if others were refused: a body that is sent again
 * adds nothing twice. ERR_FULL: no room behind `accepted` of them. ERR_SYNTAX, ERR_NOTFOUND: the
 * body as a whole is no JSON (out->first). ERR_VERSION: it is XML, which we do not read. */
MUST_CHECK enum err cdr_feed_body(struct pipe *p, const struct pipe_feed *f, struct cdr_scratch *s,
                                  struct span body, struct cdr_posted *out);

#endif
