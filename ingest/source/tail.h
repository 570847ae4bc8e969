/* tail.h - follows a file that somebody else appends to and rotates, and knows at each record
 * where it stands, so that a successor goes on there.
 *
 * What may happen to the file, and what is done:
 *   appended to           read on; a line without its end waits for it
 *   renamed, new one made  the old one is drained until it has been quiet for linger_ms (a writer
 *                         may still have it open), then the next one from its beginning
 *   renamed several times  while nobody looked: the generations are found in the directory
 *                         (FILE.*, FILE-*) and read in the order of their last change
 *   rotated unread        also before its first line: a cursor is given at the first look
 *   copied and truncated   the copy is found by its first bytes and drained, then FILE from 0
 *   replaced by other text  like a truncation: the first bytes no longer are what they were
 *   compressed while away  cannot be read: said once, counted as lost
 *   not ours to read      no permission, a directory, a link: said at each look, until it is
 *
 * The cursor is { format = 1 | flags | be64 device, inode, offset, time of the last change in us |
 * fingerprint: [1] n, be64 hash of the first n bytes of the file }, 43 bytes. The hash tells a file
 * from another that was given the same inode number later.
 *
 * When in doubt a file is read again from its beginning: the vault knows the records it has
 * (I3), so that costs time and changes no total; skipping one would lose calls.
 *
 * Never blocks but for the disk; to be called when the file may have changed. */
#ifndef CPNI_SOURCE_TAIL_H
#define CPNI_SOURCE_TAIL_H

#include "ingest/source/clock.h"
#include "proto/core/diag.h"
#include "proto/core/limits.h"
#include "proto/core/span.h"

enum tail_event {
    TAIL_ROTATED,   /* goes on with the next generation */
    TAIL_TRUNCATED, /* begins again at 0 */
    TAIL_SKIPPED,   /* a line longer than LINE_BYTES_MAX was passed over */
    TAIL_LOST,      /* what the cursor points to is not there any more, or compressed */
    /* Tried again at the next call: */
    TAIL_FAILED,  /* the disk said no */
    TAIL_DENIED,  /* there is a file, but no permission to read it */
    TAIL_NO_FILE, /* what has its name is no regular file; links are not followed */
    TAIL_EVENT_COUNT
};

struct tail_ops {
    /* The first record in `in`; more bytes may follow it. at_end: none will.
     * OK: taken or refused and counted, *used bytes (at least 1) are done with. ERR_MORE: it is
     * not complete. ERR_FULL: not taken, tail_step() is to be called when there is room.
     * ERR_LIMIT: too long; the tail passes over the rest of the line. */
    enum err (*take)(void *arg, struct span in, bool at_end, size_t *used);
    /* Where a successor goes on behind all that was taken; borrowed for the call. */
    void (*cursor)(void *arg, struct span value);
    void (*event)(void *arg, enum tail_event event, uint64_t offset);
    void *arg;
};

struct tail_options {
    int dir_fd;            /* borrowed; open for reading */
    const char *file_name; /* borrowed */
    uint32_t linger_ms;
    const struct clock_ops *clock; /* wall time, to be compared with that of the file */
    struct tail_ops ops;
};

struct tail;

/* cursor: of a predecessor, or empty. A cursor that cannot be read counts as none.
 * ERR_NOMEM. */
MUST_CHECK enum err tail_new(const struct tail_options *options, struct span cursor,
                             struct tail **out);
struct tail *tail_free(struct tail *t); /* wipes; returns NULL */

enum tail_state {
    TAIL_BUSY,    /* there is more to read now */
    TAIL_WAITING, /* for the file to change, or for linger_ms to pass */
    TAIL_FULL     /* for room: ops.take() said ERR_FULL */
};
/* Reads and hands on at most one block. */
enum tail_state tail_step(struct tail *t);

/* Bytes of the file being read, and of the one that has its name by now, that no record was taken
 * from yet. Generations between those two are not looked for. */
uint64_t tail_behind_bytes(const struct tail *t);

#endif
