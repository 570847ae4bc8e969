/* local.h - the vault itself, in this process: what vault.h promises, done. vaultd serves
 * it over sockets; unit tests and benchmarks link it.
 *
 * One thread. A frame is handled at once; what it changes is gathered in one batch, and
 * vault_flush() makes the batch durable and only then sends the receipts. Reads that run
 * long advance a step at a time in vault_work(), so that they delay no commit by more
 * than a step.
 *
 * Crash-only: ERR_STORE from any call means that the state of the disk is unknown: end the
 * process, open again, recover. */
#ifndef CPNI_VAULT_LOCAL_H
#define CPNI_VAULT_LOCAL_H

#include "proto/core/metric.h"
#include "proto/wire/batch.h"
#include "vault/policy/policy.h"
#include "vault/vault.h"

struct vault_clock { /* microseconds: wall time since 1970, or time that is never set */
    int64_t (*now_us)(void *arg);
    void *arg;
};

struct vault_options {
    /* All paths are relative to the state directory, which is the working directory. */
    const char *db_dir, *head_path, *keyring_path, *root_key_path;
    size_t memory_bytes;    /* of the store */
    size_t key_cache_slots; /* customer-month keys kept open */
    bool require_locked_memory;
    bool accept_loss;             /* vault_recover() */
    uint32_t usage_period_s;      /* 3600 or 86400 */
    const char *usage_increments; /* "1/1,6/6,30/6,60/60": first/then seconds */
    uint32_t usage_checkpoint_ms; /* about how long a total is in memory only */
    size_t usage_rows_max;        /* totals in memory; two for each record of a batch */
    bool unassigned_in_usage;
    uint64_t segment_records; /* 0 = the store's default; tests take small ones */
    struct vault_clock clock, monotonic;
    const struct metrics *metrics; /* the daemon's, view of the own slot; NULL = nobody counts */
};
/* Names and sizes that cpnid and cpnictl use. */
void vault_options_default(struct vault_options *o);

/* Key ring, root key (unless there is one) and an empty database. ERR_CONFLICT: there is
 * a vault already. */
MUST_CHECK enum err vault_create(const struct vault_options *o, struct diag *d);

/* The operator's word that what a damaged or shortened database has lost is lost: opens what is
 * left, writes a line about it into the audit log, and closes. For use while no daemon runs.
 * *out_records: rows that are left. The feeds then replay what their sources still hold. */
MUST_CHECK enum err vault_recover(const struct vault_options *o, uint64_t *out_records,
                                  struct diag *d);

struct vault;
/* Opens, checks the head, draws an incarnation, and folds what the last checkpoint of the
 * totals does not include. ERR_FORGED: damaged or cut; d->what tells what to do. */
MUST_CHECK enum err vault_open(const struct vault_options *o, struct vault **out, struct diag *d);
/* Checkpoints and closes; without `clean` only closes, as a crash would. */
struct vault *vault_close(struct vault *v, bool clean);

/* --- sessions: one a client --- */
struct peer {
    uint32_t uid, gid;
    role_set roles; /* what this Unix user may act as */
    bool ingest;    /* may say HELLO and BATCH */
    bool worker;    /* ... and is given the live dialogs of its feeds: numbers in clear (I6) */
    bool forward;   /* may say FORWARD_HELLO, PULL, CONFIRM */
};
struct session;
/* `reply` is given every frame for this client; it may not call back into the vault. */
MUST_CHECK enum err session_new(struct vault *v, const struct peer *p, vault_frame_fn *reply,
                                void *arg, struct session **out);
struct session *session_free(struct session *s);

/* Handles one frame. OK also when the answer is a refusal. ERR_SYNTAX, ERR_DENIED: close this
 * client, it is not one of ours. ERR_STORE: end the process. */
MUST_CHECK enum err session_frame(struct session *s, const struct frame *f);

/* The client cannot take more now: its long reads pause. */
void session_congested(struct session *s, bool congested);

/* --- the turn of the loop --- */
/* Makes all that was gathered durable, then sends the receipts. (The vault does so by itself
 * before a batch that the store could not take any more.) */
MUST_CHECK enum err vault_flush(struct vault *v);
/* The same without waiting for the disk: sends the receipts of what has become durable, then
 * begins with what was gathered meanwhile. vault_flush_fd() is readable when there are
 * receipts to send; `ended`: poll(2) said so. */
MUST_CHECK enum err vault_flush_some(struct vault *v, bool ended);
int vault_flush_fd(const struct vault *v);
/* Advances one long read by a step. *more: there is more to do now. */
MUST_CHECK enum err vault_work(struct vault *v, bool *more);
/* Timers: totals that are due, samples of the counters. Call at least every 100 ms. */
MUST_CHECK enum err vault_tick(struct vault *v);

struct vault_totals { /* for metrics and `status` */
    uint64_t records; /* rows in the vault */
    /* since open */
    uint64_t accepted, duplicates, unassigned, refused, batches, commits, commit_us;
    uint64_t disclosures, denials;
    /* now; disk_bytes as of the last second that vault_tick() saw */
    uint64_t customers, entries, dirty_windows, outbox_position, tail_records, disk_bytes;
    uint64_t key_hits, key_misses, keys_live;
    bool keys_locked;
};
void vault_totals(const struct vault *v, struct vault_totals *out);

/* The vault as a link, for clients in the same process. Every send is handled and flushed
 * before it returns. */
MUST_CHECK enum err vault_link_local(struct vault *v, const struct peer *p,
                                     vault_frame_fn *on_frame, void *arg, struct vault_link **out);

#endif
