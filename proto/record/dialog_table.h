/* dialog_table.h - where dialogs live: found by Call-ID and tag, put in order by age, by
 * deadline and by need of a checkpoint. Private to dialog.c and dialog_save.c, which hold
 * the meaning.
 *
 *   slots   open addressing over numbers of dialogs, keyed by a seeded hash of Call-ID and
 *           From tag and compared in full; legs of a fork have the same key
 *   lists   intrusive, doubly linked; a dialog stands in at most one list of each kind
 *   wheel   one list per tick; a deadline beyond the wheel's turn, or one that was moved
 *           to later, is looked at when its tick comes and put back: O(1) to arm */
#ifndef CPNI_RECORD_DIALOG_TABLE_H
#define CPNI_RECORD_DIALOG_TABLE_H

#include "proto/record/dialog.h"
#include "proto/record/seedhash.h"
#include "proto/record/slab.h"

enum {
    TICK_SHIFT = 18,    /* a tick of the wheel is 2^18 us = 262 ms */
    WHEEL_TICKS = 4096, /* a turn is 18 minutes */
    TEXT_CELL_BYTES = 128,
    SEEN_MAX = 4, /* messages remembered per call, to count what is repeated */
};

enum dialog_state {
    CALLING = 1, /* INVITE seen */
    RINGING,     /* and a response above 100 */
    RETRY,       /* 401, 407, 422, 3xx...: waits for the next INVITE */
    ANSWERED,    /* 2xx seen */
    ENDING,      /* BYE seen */
    OVER         /* given out; swallows what comes late */
};

enum link_kind { LINK_AGE, LINK_TIMER, LINK_DIRTY, LINK_KINDS };

/* Lists by number; 0 = in none. */
enum list_id {
    LIST_NONE,
    LIST_OVER,        /* LINK_AGE, oldest first: who is evicted first */
    LIST_UNANSWERED,  /* LINK_AGE */
    LIST_ANSWERED,    /* LINK_AGE: never evicted */
    LIST_DIRTY_NOW,   /* LINK_DIRTY */
    LIST_DIRTY_LATER, /* LINK_DIRTY, in order of dirty_us: unanswered and young */
    LIST_WHEEL,       /* LINK_TIMER: WHEEL_TICKS lists from here */
    LISTS = LIST_WHEEL + WHEEL_TICKS
};

/* Which instants were stamped by another agent than the one that saw the INVITE. */
enum { FOREIGN_PROGRESS = 1, FOREIGN_ANSWER = 2, FOREIGN_END = 4 };

/* One call, or one leg of a fork. Fields up to `links` are what a checkpoint keeps. */
struct dialog {
    int64_t t_start, t_progress, t_answer, t_end; /* capture time; 0 = not seen */
    int64_t t_receive;                            /* of the last message */
    int64_t hold_since;                           /* 0 = not on hold */
    uint32_t hold_ms;
    uint32_t agent;      /* of the first INVITE */
    uint32_t cseq;       /* of the INVITE that counts: the last before the answer */
    uint32_t branch;     /* hash of that INVITE's branch, where it was first seen */
    uint32_t to_tag;     /* hash; 0 = none yet */
    uint32_t hold_cseq;  /* of a re-INVITE or UPDATE that waits for its 2xx */
    uint32_t session_s;  /* Session-Expires */
    uint32_t flags;      /* CALL_* */
    uint16_t status;     /* of the final response */
    uint16_t hop_status; /* of a failure seen behind the proxy, which may try elsewhere */
    uint8_t state;
    uint8_t attempts_auth, redirects;
    uint8_t q850, release;
    uint8_t foreign;   /* FOREIGN_* */
    uint8_t hold;      /* bit 0: the caller holds, bit 1: the callee */
    uint8_t hold_next; /* what the waiting request asks for */
    bool cancelled, bye_from_caller;
    bool answered_hop;   /* the 2xx was seen behind the proxy only, so far */
    bool second_leg;     /* of a fork: its checkpoint needs a key of its own */
    uint16_t key_bytes;  /* text = Call-ID 0 From tag 0, */
    uint16_t base_bytes; /* then the items of the INVITE, then those of the answer */
    struct chain text;

    struct link {
        uint32_t prev, next;
        uint16_t list;
    } links[LINK_KINDS];
    uint64_t hash;
    uint64_t deadline_us; /* the caller's monotonic time */
    uint64_t dirty_us;    /* since when it waits for a checkpoint */
    uint32_t seen[SEEN_MAX];
    uint8_t seen_next;
    bool saved; /* a checkpoint holds it: the end must delete it */
};

struct slot {
    uint32_t cell; /* 0 = free */
    uint32_t tag;  /* low half of the hash: home position */
};

struct dialog_table {
    struct dialog_limits limits; /* no zeros left */
    struct seed seed;
    struct slab dialogs, text;
    struct slot *slots; /* owned */
    uint32_t slots_mask;
    struct list {
        uint32_t head, tail;
    } lists[LISTS];
    uint64_t tick_at; /* next tick of the wheel */
    bool tick_known;
    size_t live;
    struct dialog_counts counts;
    struct record record;                  /* being given out */
    uint8_t scratch[2 * DIALOG_BYTES_MAX]; /* text of one call, contiguous */
    uint8_t room[2 * DIALOG_BYTES_MAX];    /* rewritten values */
};

struct dialog *table_dialog(const struct dialog_table *t, uint32_t cell);

/* 32 bits of a hash, for branches and tags that are compared within one call only; never 0,
 * which means none. Not seeded: checkpoints keep it. */
uint32_t table_hash32(struct span s);
uint64_t table_key_hash(const struct dialog_table *t, struct span call_id, struct span tag);

/* Of the calls with this key: the one whose To tag is to_tag, else a live one, else any.
 * 0: none. */
uint32_t table_find(const struct dialog_table *t, struct span call_id, struct span tag,
                    uint32_t to_tag);

/* A new dialog with its key in text, in no list. 0: no room. The key must fit. */
uint32_t table_add(struct dialog_table *t, struct span call_id, struct span tag);
void table_remove(struct dialog_table *t, uint32_t cell);

/* Moves it to the end of a list (LIST_NONE: out of all of that kind). */
void table_place(struct dialog_table *t, uint32_t cell, enum link_kind kind, unsigned list);
void table_arm(struct dialog_table *t, uint32_t cell, uint64_t now_us, uint64_t deadline_us);

/* How long an answered call may be silent: max(Session-Expires x 1.5, configured). */
uint64_t table_silence_us(const struct dialog_table *t, const struct dialog *d);

/* The next dialog whose deadline has come, out of the wheel; 0: none up to now. */
uint32_t table_due(struct dialog_table *t, uint64_t now_us);

#endif
