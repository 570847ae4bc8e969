/* state.h - what the files of the vault share. Nobody outside vault/ includes it.
 *
 *   local.c     open, close, recover, the turn of the loop
 *   commit.c    batches: deduplicate, find the owner, seal, put; receipts
 *   feeds.c     feed numbers, cursors, live dialogs
 *   recall.c    reading calls back: grant, postings, open, rows
 *   answer.c    requests: verb -> action -> policy -> audit -> handler
 *   verify.c    is all of it still what was written?
 *   status.c    how it goes: totals, rates, feeds, consumers
 *   offer.c     what forward asks: consumers, window rows, confirmations
 *
 * Keys of family meta begin with one of the letters below; the store's own keys are lower
 * case words. */
#ifndef CPNI_VAULT_STATE_H
#define CPNI_VAULT_STATE_H

#include "proto/core/arena.h"
#include "proto/usage/usage.h"
#include "proto/wire/control.h"
#include "proto/wire/record_wire.h"
#include "vault/crypt/sealer.h"
#include "vault/directory/directory.h"
#include "vault/ledger/audit.h"
#include "vault/local.h"
#include "vault/pace.h"
#include "vault/window/window.h"

enum meta_key {
    META_FORMAT = 'V',
    META_INCARNATION = 'I',
    META_FEED = 'F',
    META_CURSOR = 'C',
    META_CONFIRMED = 'P',
    META_INCREMENTS = 'U',
    META_PERIOD = 'W'
};
enum {
    VAULT_FORMAT_MAJOR = 2,
    VAULT_FORMAT_MINOR = 0,
    VALUE_BYTES_MAX = 8 * 1024,
    PAIR_VALUE_BYTES_MAX = VALUE_BYTES_MAX + FIELD_BYTES_MAX /* of a cursor or a live dialog */
};

struct feed_counts { /* since open */
    uint64_t accepted, duplicates, unassigned, refused;
    int64_t heard_us; /* monotonic: the last one accepted or found to be a duplicate */
};

struct feed { /* one a configured feed name, numbered for good */
    uint16_t id;
    uint8_t kind; /* enum feed_kind */
    size_t name_bytes;
    uint8_t name[FEED_NAME_BYTES_MAX];
    struct owner unassigned; /* customer 0 until the first unassigned call */
    struct feed_counts counts;
};

struct vault {
    struct vault_options options;
    struct store *store;
    struct keyring *keys;
    struct sealer *sealer;
    struct directory *directory;
    struct windows *windows;
    struct audit *audit;
    struct usage_rules rules; /* period and increments */
    struct txn *txn;          /* the open batch; NULL when nothing is pending */
    size_t txn_records;
    int64_t batch_us;         /* monotonic: when the newest batch came */
    struct session *sessions; /* list */
    struct session *working;  /* whose long read is next */
    size_t feeds_count;
    struct feed feed[FEEDS_MAX];
    int64_t now_us;     /* when the clock was last looked at: once a batch, not a record */
    uint32_t month_now; /* ... its month */
    int64_t written_us; /* when totals were last written */
    uint64_t hinted_position;
    struct vault_totals totals;
    uint64_t disk_bytes; /* as of the last sample */
    struct pace pace;
    struct arena scratch; /* one record's plaintext and sealed form; wiped after each */
};

enum { LIVE_KEY_BYTES = 2 + 16 }; /* feed, tag of the dialog */

struct receipt_due { /* of a batch that is not durable yet */
    uint32_t id;
    struct receipt receipt;
};

struct recall;
struct handover { /* of live dialogs to a worker that said HELLO */
    bool on;
    uint32_t id;
    size_t feed; /* place in feed_id of the session */
    size_t key_bytes;
    uint8_t key[LIVE_KEY_BYTES + 1]; /* where to go on in the family */
};

struct session {
    struct vault *vault;
    struct session *next;
    struct peer peer;
    vault_frame_fn *reply;
    void *arg;
    bool congested, forward;
    bool greeted;                /* said HELLO */
    uint16_t feed_id[FEEDS_MAX]; /* of this worker's HELLO, in its order */
    size_t feeds_count;
    size_t due_count, due_committing; /* the first ones are being made durable */
    struct receipt_due due[BATCHES_IN_FLIGHT_MAX];
    struct import *import; /* between import-begin and import-commit */
    struct import_counts import_counts;
    uint32_t import_id;
    struct recall *recall; /* the long read that is under way */
    struct handover handover;
};

/* local.c */
struct txn *vault_txn(struct vault *v); /* the open batch, begun if there is none */
int64_t vault_now(const struct vault *v);
void vault_look_at_clock(struct vault *v);
int64_t vault_monotonic(const struct vault *v);
void session_reply(struct session *s, enum frame_type type, uint32_t id, struct span payload);

/* commit.c */
MUST_CHECK enum err commit_batch(struct session *s, uint32_t id, struct span batch);
/* What of a session's batches is gathered begins to be made durable; is durable. */
void commit_receipts_begin(struct session *s);
void commit_receipts_send(struct session *s);
/* Folds the records behind the last checkpoint; once, at open. */
MUST_CHECK enum err commit_recover(struct vault *v, struct diag *d);
/* Opens a stored row for the program's own use, or under a grant; spans of *out live in
 * the arena. */
struct opened {
    uint64_t customer;
    struct record record; /* assigned fields included */
};
MUST_CHECK enum err commit_open(struct vault *v, const struct grant *g, uint32_t month,
                                uint64_t seq, struct span value, struct arena *a,
                                struct opened *out);
/* Moves a record to the owner that the directory finds now; *out_moved. */
MUST_CHECK enum err commit_reassign(struct vault *v, uint32_t month, uint64_t seq,
                                    struct span value, bool *out_moved);
uint32_t commit_month(const struct vault *v, const struct call *c); /* family of its month */
int64_t commit_day(const struct call *c);
/* What decides month and day, and the order of a listing: when the call began; failing that,
 * the best we have. */
int64_t commit_instant(const struct call *c);

/* feeds.c */
MUST_CHECK enum err feeds_open(struct vault *v, struct diag *d);
MUST_CHECK enum err feeds_hello(struct session *s, uint32_t id, struct span payload);
/* Some more of the live dialogs that HELLO asked for; READY behind the last. */
MUST_CHECK enum err feeds_handover(struct session *s);
struct feed *feed_by_id(struct vault *v, uint16_t id);
struct span feed_name(const struct feed *f);
/* Is the customer one of the "unassigned" ones of a feed? */
MUST_CHECK enum err feed_unassigned(struct vault *v, struct feed *f, struct owner *out);
MUST_CHECK enum err feeds_load_unassigned(struct vault *v);
bool feed_unassigned_customer(const struct vault *v, uint64_t customer);
MUST_CHECK enum err feed_cursor(struct vault *v, const struct batch_op *op);
MUST_CHECK enum err feed_live(struct vault *v, const struct batch_op *op);

/* answer.c */
MUST_CHECK enum err answer_request(struct session *s, uint32_t id, struct span payload);
void answer_end(struct session *s, uint32_t id, enum control_status status, const char *text);
/* Writes an audit line into the open batch. */
MUST_CHECK enum err answer_audit(struct session *s, const struct audit_event *e, uint64_t *out_seq);

/* One problem of a customer import as a row for the session in arg. */
void answer_import_problem(void *arg, const struct import_problem *p);

/* verify.c */
enum { VERIFY_CHECKS_MAX = 8 };
struct verify_result {
    const char *check;
    uint64_t items, bad;
};
/* Levels: files and indexes, the audit chain; deep: every seal, the totals recomputed. */
MUST_CHECK enum err verify_run(struct vault *v, bool deep,
                               struct verify_result out[static VERIFY_CHECKS_MAX],
                               size_t *out_count);

/* status.c */
MUST_CHECK enum err status_answer(struct session *s, uint32_t id, const struct control_request *q);
void status_sample(struct vault *v);    /* notes the counters, once a second */
void status_committed(struct vault *v); /* notes how long the last commit took */

/* recall.c */
MUST_CHECK enum err recall_begin(struct session *s, uint32_t id, const struct control_request *q,
                                 const struct decision *d, uint64_t customer);
MUST_CHECK enum err recall_step(struct session *s, bool *out_more);
struct recall *recall_free(struct recall *r);

/* offer.c */
MUST_CHECK enum err offer_frame(struct session *s, const struct frame *f);
void offer_hint(struct vault *v); /* tells forward when rows got new positions */
MUST_CHECK enum err offer_consumer_add(struct session *s, uint32_t id,
                                       const struct control_request *q, const struct decision *d);
MUST_CHECK enum err offer_consumer_remove(struct session *s, uint32_t id,
                                          const struct control_request *q,
                                          const struct decision *d);
MUST_CHECK enum err offer_consumer_list(struct session *s, uint32_t id);
struct consumer_info {
    struct span name; /* valid during the call */
    bool usage, by_id;
    uint64_t confirmed, lag; /* positions of the outbox */
};
typedef void consumer_fn(void *arg, const struct consumer_info *c);
/* ERR_FORGED: the row of one is damaged; those before it were given. */
MUST_CHECK enum err offer_consumers(struct vault *v, consumer_fn *fn, void *arg);

#endif
