/* pack.h - consecutive records of one month in one row. A row a record would cost several
 * times the record at the memtable (limits: append order 0.7 us a row, 64 records a row
 * nothing that shows), and more bytes on the disk.
 *
 * Integers as in reader.h:
 *   key   [8] sequence of the first record
 *   value [1] format = 1, then a record after the other: varint length | value (store.h)
 * The i-th has the sequence first + i. A record that was taken out has the length 0. */
#ifndef CPNI_STORE_PACK_H
#define CPNI_STORE_PACK_H

#include "proto/core/buf.h"
#include "proto/core/reader.h"

enum {
    PACK_FORMAT = 1,
    PACK_RECORDS_MAX = 64,
    PACK_BYTES = 16 << 10, /* about a block of the table; a larger record is alone in its row */
    PACK_VALUE_BYTES_MAX = 64 << 10
};

/* --- being filled --- */
struct pack {
    unsigned table;
    uint32_t count; /* 0: empty, table and first mean nothing */
    uint64_t first;
    struct buf bytes; /* owned */
};
MUST_CHECK enum err pack_init(struct pack *p); /* ERR_NOMEM */
void pack_done(struct pack *p);
/* Is there room, and is it of the same month? An empty pack takes anything up to
 * PACK_VALUE_BYTES_MAX. */
bool pack_takes(const struct pack *p, unsigned table, size_t value_bytes);
/* CHECKs that it takes it, and that `seq` follows. */
void pack_add(struct pack *p, unsigned table, uint64_t seq, struct span value);
void pack_reset(struct pack *p);

/* --- being read --- */
struct pack_reader {
    uint64_t next; /* sequence of the record to come */
    struct reader in;
};
/* key, row: as stored; borrowed. */
struct pack_reader pack_reader_of(struct span key, struct span row);
/* The next record that is there. False: end, or damaged. */
bool pack_next(struct pack_reader *r, uint64_t *seq, struct span *value);
bool pack_ok(const struct pack_reader *r); /* false: damaged */
/* Sequence behind the last of a row that is not damaged, taken out or not. */
uint64_t pack_end(struct span key, struct span row);

/* *out borrows from row. ERR_NOTFOUND: not in this row, or taken out; ERR_FORGED: damaged. */
MUST_CHECK enum err pack_find(struct span key, struct span row, uint64_t seq, struct span *out);
/* Appends the row without the record to *out; nothing, if no record is left. Errors of
 * pack_find(), and ERR_LIMIT: out is too small (row.n always is enough). */
MUST_CHECK enum err pack_without(struct span key, struct span row, uint64_t seq, struct buf *out);

#endif
