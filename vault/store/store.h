/* store.h - durable bytes: families of rows, one synced batch at a time, and the indexes
 * that are rebuilt from the rows. Knows neither keys nor the meaning of a value.
 *
 * Families. Records of one calendar month live in a column family "r_YYYYMM" (created on
 * first use), keyed by their sequence and several in a row (pack.h), so that writing is
 * appending and a month can be dropped. Everything else lives in the fixed families below.
 *
 * A record's value, integers big-endian:
 *         [1] format = 1 | [1] flags | [4] incarnation | [8] owner, masked | [8] day tag |
 *         [16] duplicate tag | sealed bytes
 *
 * Indexes. seen: duplicate tag -> sequence. postings: day tag ‖ sequence. The entries of
 * the newest SEGMENT_RECORDS records are in memory only (the tail) and rebuilt from the
 * rows at open; older segments are sorted runs, written beside the log and ingested. A
 * put at random would cost more than the record itself (limits.md 5).
 *
 * Durability. store_commit() returns when the batch is on disk (WAL synced) and the head
 * record says so. WAL recovery tolerates a torn tail only; a log that is shorter than the
 * head record or damaged inside refuses to open (ERR_FORGED) with a diag that says what
 * to do. After any ERR_STORE the process must end: the page cache is unknown.
 *
 * One thread calls what writes. Reads may come from other threads, except of the tail (seen,
 * postings, next sequence): those belong to the caller's thread. */
#ifndef CPNI_STORE_STORE_H
#define CPNI_STORE_STORE_H

#include "proto/core/buf.h"
#include "proto/core/diag.h"

/*         name on disk, what */
/* clang-format off */
#define FAMILIES(X)                                                                        \
    X(META, "meta", "format, incarnations, cursors, feeds, head")                          \
    X(KEYS, "keys", "customer ordinal -> wrapped customer key")                            \
    X(CUSTOMERS, "customers", "tag of a customer id -> sealed customer row")               \
    X(ACCOUNTS, "accounts", "tag of an account id -> sealed account row")                  \
    X(DIRECTORY, "directory", "tag of a number, domain, trunk... -> customer and account") \
    X(USAGE, "usage", "tag of a window -> sealed window row")                              \
    X(OUTBOX, "outbox", "position -> tag of the window that changed")                      \
    X(CONSUMERS, "consumers", "tag of a consumer -> sealed consumer row")                  \
    X(AUDIT, "audit", "sequence -> entry of the hash chain")                               \
    X(LIVE, "live", "tag of a dialog -> sealed checkpoint")                                \
    X(SEEN, "seen", "duplicate tag -> sequence")                                           \
    X(POSTINGS, "postings", "day tag, sequence -> nothing")
/* clang-format on */

enum family {
#define FAMILY_CODE(code, name, what) FAMILY_##code,
    FAMILIES(FAMILY_CODE)
#undef FAMILY_CODE
        FAMILY_COUNT
};

enum {
    DAY_TAG_BYTES = 8,
    DUP_TAG_BYTES = 16,
    RECORD_HEAD_BYTES = 38,
    RECORD_FORMAT = 1,
    SEGMENT_RECORDS = 1 << 19, /* two tails of 27 MB when full; under 1 s to rebuild */
    TXN_RECORDS_MAX = 1 << 15, /* what a tail has room for behind a full segment */
    TXN_DELETES_MAX = 1024,    /* each may change a row of 16 KiB that is kept until the commit */
    HEAD_NOTE_BYTES = 40,
    /* Months that may have a family: 33 years, of which the window below takes the first ten. */
    STORE_MONTHS_MAX = 400,
    /* A month gets a family while it is near the clock: a sender's timestamps must not use the
     * places up. Back: the longest archive that is imported, well over the 18 months for which
     * toll records are kept (47 CFR 42.6). Ahead: clocks and zones differ by hours at a month's
     * end, not by more than a month. */
    STORE_MONTHS_BACK = 120,
    STORE_MONTHS_AHEAD = 1,
    MONTH_FIRST = 199001,
    MONTH_LAST = 209912
};

struct record_head {
    uint8_t flags;
    uint32_t incarnation;
    uint64_t owner_masked;
    uint8_t day_tag[DAY_TAG_BYTES];
    uint8_t dup_tag[DUP_TAG_BYTES];
};
void record_head_encode(uint8_t out[static RECORD_HEAD_BYTES], const struct record_head *h);
/* ERR_VERSION: another format; ERR_SYNTAX: too short. *sealed borrows from value. */
MUST_CHECK enum err record_head_decode(struct span value, struct record_head *out,
                                       struct span *sealed);

struct store;
struct txn; /* one batch being gathered; owned by the store, one at a time */

struct store_options {
    const char *dir;          /* database folder, relative to the working directory */
    const char *head_path;    /* head record file beside it */
    size_t memory_bytes;      /* block cache and memtables together */
    bool create;              /* make a new one; ERR_CONFLICT when there is one */
    bool read_only;           /* no write, no compaction */
    bool accept_loss;         /* the operator's word: open what is left of a damaged log */
    uint64_t segment_records; /* 0 = SEGMENT_RECORDS; tests take small ones */
    /* Keyed tag over a head slot (vault/crypt knows the key). */
    void (*tag)(const void *arg, struct span in, uint8_t out[static 16]);
    const void *tag_arg;
};

/* ERR_CONFLICT: create, and there is one. ERR_NOTFOUND: there is none. ERR_FORGED: log or
 * head record are damaged or shortened; nothing was changed. ERR_VERSION. Sets the umask of
 * the process to 077: the engine makes files as long as it lives. */
MUST_CHECK enum err store_open(const struct store_options *o, struct store **out, struct diag *d);
struct store *store_close(struct store *s); /* NULL is fine; returns NULL */

/* The vtable behind it (ops.h): rocks (RocksDB, what is shipped) and ram (unit tests; looks
 * at no path and loses all on close). */
struct store_ops;
extern const struct store_ops STORE_ROCKS, STORE_RAM;
MUST_CHECK enum err store_open_with(const struct store_ops *ops, const struct store_options *o,
                                    struct store **out, struct diag *d);

/* --- reading --- */

/* Appends the value to *out. ERR_NOTFOUND; ERR_LIMIT: out is too small; ERR_STORE. */
MUST_CHECK enum err store_get(struct store *s, enum family f, struct span key, struct buf *out);

/* Rows of a family with key >= from, in order of keys; stops when fn says false. Sees what
 * was committed when it began. Spans are valid during the call. */
typedef bool store_row_fn(void *arg, struct span key, struct span value);
MUST_CHECK enum err store_walk(struct store *s, enum family f, struct span from, store_row_fn *fn,
                               void *arg);

/* Greatest key of a family into *out; ERR_NOTFOUND when it is empty. */
MUST_CHECK enum err store_last_key(struct store *s, enum family f, struct buf *out);

/* A record's value, as stored. month 0 = the family of out-of-range months. */
MUST_CHECK enum err store_record(struct store *s, uint32_t month, uint64_t seq, struct buf *out);

/* All records with sequence >= from of all months, in order of sequence. */
typedef bool store_record_fn(void *arg, uint32_t month, uint64_t seq, struct span value);
MUST_CHECK enum err store_walk_records(struct store *s, uint64_t from, store_record_fn *fn,
                                       void *arg);

/* Has this duplicate tag been committed, or put in the open batch? Caller's thread. */
MUST_CHECK enum err store_seen(struct store *s, const uint8_t tag[static DUP_TAG_BYTES],
                               bool *out_seen);

/* Sequences posted under a day tag, ascending, tail included; at most max from the first
 * that is >= from. Caller's thread. */
MUST_CHECK enum err store_postings(struct store *s, const uint8_t day_tag[static DAY_TAG_BYTES],
                                   uint64_t from, uint64_t *out, size_t max, size_t *out_count);

uint64_t store_next_seq(const struct store *s);       /* sequence of the next record: 1, 2, ... */
uint64_t store_commit_number(const struct store *s);  /* of the last commit begun */
uint64_t store_durable_number(const struct store *s); /* of the last one that ended */

/* --- writing: one thread --- */

/* The month whose family takes records of `month` when the calendar says `now`: itself when it
 * has a family already, or gets one because it is near `now` and there are not too many; else 0.
 * Ask before sealing: the month is authenticated. A later answer may be another one, so whoever
 * looks for a month's records looks into month 0, too. */
uint32_t store_month(const struct store *s, uint32_t month, uint32_t now);

struct txn *store_begin(struct store *s); /* the empty batch; CHECKs that none is open */
void txn_put(struct txn *t, enum family f, struct span key, struct span value);
void txn_delete(struct txn *t, enum family f, struct span key);

/* Appends one record (head and sealed bytes as `value`) under `seq`, which must be
 * store_next_seq(); its tags count as seen at once, so a duplicate inside one batch is
 * found too. ERR_LIMIT: no month, or one too many, or a value of more than 64 KiB. ERR_FULL:
 * TXN_RECORDS_MAX are in the batch. ERR_STORE: its family could not be made. */
MUST_CHECK enum err txn_record(struct txn *t, uint32_t month, uint64_t seq, struct span value);
/* Takes a committed record out again (reassignment, retention), and its postings; at most
 * TXN_DELETES_MAX a batch. Its duplicate tag stays seen. May wait for a segment that is being
 * written. One that is not there fails the commit. CHECKs that no commit is under way: what
 * that one changes would be read as it was. */
void txn_record_delete(struct txn *t, uint32_t month, uint64_t seq,
                       const uint8_t day_tag[static DAY_TAG_BYTES]);

/* Makes the batch durable, then the head record with `note` (the ledger's head: sequence
 * and chain hash), and empties it. On ERR_STORE the process must end. */
MUST_CHECK enum err store_commit(struct store *s, const uint8_t note[static HEAD_NOTE_BYTES]);

/* The same in two steps: begin closes the batch and hands it to the disk; another one may be
 * gathered meanwhile, whose reads do not see it yet (duplicate tags do). end waits until it is
 * durable; without a begin it does nothing. begin CHECKs that none is under way. */
MUST_CHECK enum err store_commit_begin(struct store *s, const uint8_t note[static HEAD_NOTE_BYTES]);
MUST_CHECK enum err store_commit_end(struct store *s);
bool store_committing(const struct store *s); /* begun, not ended */
/* Readable when store_commit_end() would not wait; for poll(2) only. */
int store_commit_fd(const struct store *s);

/* The note of the last commit, all zero in a new store. */
void store_head_note(const struct store *s, uint8_t out[static HEAD_NOTE_BYTES]);
/* The note of the head record, under its keyed tag: whoever can write rows can write the other
 * one, which after a crash is a commit newer. Where there is no head record to trust
 * (engine without files, loss accepted), the same as the other one was. */
void store_proven_note(const struct store *s, uint8_t out[static HEAD_NOTE_BYTES]);

struct store_stats {
    uint64_t records, segments, tail_records;
    uint64_t commits, commit_us_sum; /* since open */
    uint64_t commit_us_last;
};
void store_stats(const struct store *s, struct store_stats *out);
/* Walks the folder: not for every question. */
uint64_t store_disk_bytes(struct store *s);

/* Checksums of every block of every file, and that every index entry of a sealed segment
 * is there (level 2 of verify). ERR_FORGED with a diag. */
MUST_CHECK enum err store_verify(struct store *s, struct diag *d);

#endif
