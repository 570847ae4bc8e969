/* directory.h - whose call it is: customers, accounts, and the numbers, ranges, domains,
 * trunks, account codes and addresses that lead to them.
 *
 * On disk and in memory there are keyed tags only (BLAKE2b, keyring_prf), never a clear
 * number or id; rows are sealed (rows.h). 10 million entries fit in about 400 MB: 16 bytes an
 * entry in an open-addressing table.
 *
 * Resolution (design.md 4). Each side asks in this order; the first key that is in the
 * directory decides the side. Fields of struct call:
 *
 *                                   originating     terminating
 *   account code                    customer_hint   -
 *   trunk or gateway                trunk_in        trunk_out
 *   SIP domain, any case            domain          called_domain
 *   number, exact, else the         calling_tn      called_tn
 *     longest range that holds it
 *   number, exact, as received      calling_raw     called_raw
 *   source address                  src_ip          -
 *
 * All but the source address are the sender's words: a feed is believed, since its proxy is
 * the one that authenticated the caller.
 *
 * A range is a prefix of digits ("+1212555"), or "A-B" with equally many digits, which import
 * turns into prefixes. It holds every number that begins so, whatever its length. Ranges may lie
 * in one another; two conflict only where they need the same prefix. */
#ifndef CPNI_DIRECTORY_DIRECTORY_H
#define CPNI_DIRECTORY_DIRECTORY_H

#include "proto/record/call.h"
#include "proto/wire/entry_kind.h"
#include "vault/crypt/keyring.h"
#include "vault/store/store.h"

struct owner {
    uint64_t customer; /* ordinal, 1...; 0 = nobody */
    uint32_t account;  /* ordinal, 1... */
};

/* Each feed has a customer "unassigned:<feed>" under the account "unassigned": what matches
 * nobody is sealed under it. It is made by directory_unassigned(). */
struct owners {
    struct owner originating, terminating; /* customer 0 = not ours */
};

struct directory;
/* Reads the tags into memory. ERR_STORE, ERR_NOMEM, ERR_FORGED. */
MUST_CHECK enum err directory_open(struct store *s, struct keyring *k, struct directory **out,
                                   struct diag *d);
struct directory *directory_close(struct directory *dir);

void directory_resolve(struct directory *dir, const struct call *c, struct owners *out);

/* The feed's unassigned customer, made (in the open batch t) on first use; its key can be loaded
 * at once. ERR_LIMIT: more than FEEDS_MAX feeds, or a name longer than FEED_NAME_BYTES_MAX. */
MUST_CHECK enum err directory_unassigned(struct directory *dir, struct txn *t, struct span feed,
                                         struct owner *out);

/* --- import: all or nothing ---
 * Rows are staged and checked; nothing is visible before directory_import_commit(), which
 * puts all into the open batch t and then changes the tables in memory; the caller commits
 * the batch before it resolves again. Idempotent: a row that is there already changes
 * nothing. A value that already leads to another customer or account is a conflict (also
 * within the file) unless `move` is set, which counts it as changed; the last row wins.
 *
 * Memory is allocated in proportion to the rows and given back with the import: an import is an
 * operator's act, rare and bounded by IMPORT_ENTRIES_MAX. Of two imports at a time the first
 * that commits wins; the other is refused at its commit. */
enum { IMPORT_ENTRIES_MAX = 1 << 20 }; /* what one batch writes: about 100 MB */
struct import;
struct import_counts {
    uint64_t rows, added, changed, unchanged, conflicting, invalid;
};
struct import_problem { /* never a value */
    uint64_t line;
    const char *what; /* constant: "kind is not one of ...", "leads to another customer" */
};
/* Told of each row that is refused, and of a commit that is (line 0). */
typedef void import_problem_fn(void *arg, const struct import_problem *p);

MUST_CHECK enum err directory_import_new(struct directory *dir, bool move,
                                         import_problem_fn *problem, void *arg,
                                         struct import **out);
/* One row; the values are normalised as in the feeds (numbers to +E.164 by the plan that
 * the caller applied). ERR_SYNTAX/ERR_CONFLICT were told to `problem` and counted; go on.
 * Anything else ends the import. Names that begin with "unassigned:" and the account
 * "unassigned" are the vault's own. */
MUST_CHECK enum err directory_import_row(struct import *im, uint64_t line, struct span customer_id,
                                         struct span account_id, enum entry_kind kind,
                                         struct span value);
struct import_counts directory_import_counts(const struct import *im);
/* ERR_CONFLICT when a row was refused or another import came first; ERR_NOMEM, ERR_LIMIT (no
 * ordinals left), ERR_FORGED: nothing is put. New customers get keys here. Once an import. */
MUST_CHECK enum err directory_import_commit(struct import *im, struct txn *t, int64_t now_us);
struct import *directory_import_free(struct import *im);

/* --- reading --- */
MUST_CHECK enum err directory_find_customer(struct directory *dir, struct span customer_id,
                                            uint64_t *out);
/* Clear id, from its sealed row, appended to *out. ERR_NOTFOUND; ERR_LIMIT: *out is full. */
MUST_CHECK enum err directory_customer_id(struct directory *dir, uint64_t customer,
                                          struct buf *out);
MUST_CHECK enum err directory_account_id(struct directory *dir, uint32_t account, struct buf *out);

struct customer_info {
    uint64_t customer;
    struct span customer_id;            /* valid during the call */
    int64_t created_us;                 /* 0: made for calls of nobody */
    uint32_t entries[ENTRY_KIND_COUNT]; /* a range of A-B counts its prefixes */
    bool unassigned;
};
typedef bool customer_fn(void *arg, const struct customer_info *c);
/* In order of ordinals, from `from`. */
MUST_CHECK enum err directory_customers(struct directory *dir, uint64_t from, customer_fn *fn,
                                        void *arg);

/* The wrapped key, for sealer_new(). arg is the directory. */
enum err directory_load_key(void *arg, uint64_t customer,
                            uint8_t wrapped[static WRAPPED_KEY_BYTES]);

struct directory_stats {
    uint64_t customers, accounts; /* ever made */
    uint64_t entries, cache_hits, cache_misses, memory_bytes;
};
struct directory_stats directory_stats(const struct directory *dir);

#endif
