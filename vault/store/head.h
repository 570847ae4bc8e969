/* head.h - the head record: how far the store has come, kept outside the database.
 *
 * RocksDB cannot tell a log that somebody shortened from one that ended there, and opens a
 * store whose log is gone without a word (measured, in every recovery mode). So each commit
 * is also noted here, and a database that is behind its note does not open.
 *
 * Two slots of 80 bytes, a page apart so that one torn write cannot reach both; commit n
 * goes to slot n mod 2. Integers big-endian:
 *   [4] "CVHD" | [1] version = 1 | [3] zero | [8] commit | [8] next sequence | [40] note |
 *   [16] keyed tag over all of it
 * The valid slot with the higher commit counts. No wall clock: a clock set back must not
 * matter. */
#ifndef CPNI_STORE_HEAD_H
#define CPNI_STORE_HEAD_H

#include "vault/store/store.h"

enum {
    HEAD_SLOT_BYTES = 4 + 4 + 8 + 8 + HEAD_NOTE_BYTES + 16,
    HEAD_SLOT_STRIDE = 4096,
    HEAD_FILE_BYTES = 2 * HEAD_SLOT_STRIDE
};

struct head {
    uint64_t commit, next_seq;
    uint8_t note[HEAD_NOTE_BYTES];
};

struct head_file {
    int fd;
    void (*tag)(const void *arg, struct span in, uint8_t out[static 16]);
    const void *tag_arg;
};

/* A new file with `h` in both slots, durable with its name; replaces what is there. */
MUST_CHECK enum err head_create(const struct store_options *o, const struct head *h,
                                struct head_file *out);
/* ERR_NOTFOUND: no file. ERR_FORGED: no valid slot. ERR_STORE. */
MUST_CHECK enum err head_open(const struct store_options *o, struct head_file *out, struct head *h);
MUST_CHECK enum err head_write(const struct head_file *f, const struct head *h); /* syncs */
void head_close(struct head_file *f);

#endif
