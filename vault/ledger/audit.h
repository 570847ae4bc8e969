/* audit.h - the read log: every disclosure, refusal and act of administration, in a hash
 * chain. The line is on disk before the first byte of plaintext leaves (I6).
 *
 * Entry, integers big-endian, family audit, key = [8] sequence:
 *   [1] format = 1 | [8] time us | [1] 1 + action | [1] 1 + role, 0 = none | [1] outcome |
 *   [4] uid of the peer | [16] customer token, zero if none | lv rule id | lv purpose |
 *   lv sealed payload | [32] chain
 *   payload = lv case text | lv detail | zeros to AUDIT_PAD_BYTES
 * chain = keyed BLAKE2b-256(previous chain | all before it): who has the disk and no key cannot
 * go on with it. The payload (case text, arguments, row count) is sealed under the vault's key;
 * the hash covers the sealed form, so erasing what it says later does not break the chain. The
 * chain head goes into the head record with every commit: a log cut at its end is found. The
 * token is PRF(AUDIT, ordinal); whoever erases a customer leaves it, it names nobody. */
#ifndef CPNI_LEDGER_AUDIT_H
#define CPNI_LEDGER_AUDIT_H

#include "vault/crypt/keyring.h"
#include "vault/policy/policy.h"
#include "vault/store/store.h"

enum {
    CHAIN_BYTES = 32,
    CUSTOMER_TOKEN_BYTES = 16,
    AUDIT_PAD_BYTES = 64,
    /* Longer texts are cut, not refused: a refusal that cannot be written would be a hole. */
    AUDIT_NAME_BYTES_MAX = 64,    /* rule id, purpose */
    AUDIT_DETAIL_BYTES_MAX = 512, /* case text: CASE_TEXT_BYTES_MAX */
    AUDIT_ENTRY_BYTES_MAX = 1280
};
_Static_assert(HEAD_NOTE_BYTES == 8 + CHAIN_BYTES, "the head note is the ledger's head");

enum audit_outcome { AUDIT_ALLOWED = 1, AUDIT_DENIED, AUDIT_DONE, AUDIT_FAILED };

struct audit_event {
    int64_t time_us;
    enum action action;
    enum role role;
    enum audit_outcome outcome;
    uint32_t uid;
    uint64_t customer; /* 0 = none */
    struct span rule;
    struct span purpose;   /* stored in clear, so one that policy does not know becomes "unknown" */
    struct span case_text; /* sealed */
    struct span detail;    /* sealed; names of arguments and counts, no call data */
};

struct audit;
/* Finds the end of the chain. Entries behind the head note are those of a commit that a crash
 * parted from its head record: they count if they go on with the chain. ERR_FORGED: the log is
 * shorter than the note, or does not fit it, or ends in an entry that is not ours. */
MUST_CHECK enum err audit_open(struct store *s, struct keyring *k, struct audit **out,
                               struct diag *d);
struct audit *audit_close(struct audit *a);

/* Appends into the open batch; gives the entry's sequence. The caller commits with
 * audit_note() before anything that the entry stands for happens. */
MUST_CHECK enum err audit_append(struct audit *a, struct txn *t, const struct audit_event *e,
                                 uint64_t *out_seq);
/* Sequence and chain head, for store_commit() and for Rows.chain. */
void audit_note(const struct audit *a, uint8_t out[static HEAD_NOTE_BYTES]);
/* How entries name a customer. */
void audit_customer_token(const struct audit *a, uint64_t customer,
                          uint8_t out[static CUSTOMER_TOKEN_BYTES]);

struct audit_entry {
    uint64_t seq;
    struct audit_event event; /* customer = 0; spans valid during the call */
    uint8_t customer_token[CUSTOMER_TOKEN_BYTES];
    uint8_t chain[CHAIN_BYTES];
};
typedef bool audit_fn(void *arg, const struct audit_entry *e);
/* Committed entries with sequence >= from, until fn says false. ERR_FORGED, ERR_VERSION: an
 * entry that this vault did not write so; what came before it was given. */
MUST_CHECK enum err audit_walk(struct audit *a, uint64_t from, audit_fn *fn, void *arg);

/* Recomputes the whole chain from the rows and compares it with the head note and with what
 * this process appended; no batch with an entry may be open. OK: *out_count entries.
 * ERR_FORGED: *out_count = sequence of the first bad or missing one. */
MUST_CHECK enum err audit_verify(struct audit *a, uint64_t *out_count);

#endif
