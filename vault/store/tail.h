/* tail.h - the index of the newest records, in memory: which duplicate tags there are, and
 * which sequences stand under a day tag.
 *
 * Entry i is the record of sequence first + i. Two hash tables of entry numbers find them:
 * by duplicate tag, and by day tag, whose entries are chained from the newest to the
 * oldest. Tags are outputs of keyed functions, so a stranger cannot choose them to
 * collide. All memory is taken by tail_init(); the kernel gives pages as they are used. */
#ifndef CPNI_STORE_TAIL_H
#define CPNI_STORE_TAIL_H

#include "vault/store/store.h"

enum tail_state {
    TAIL_HOLE, /* no such record: it was deleted before the tail was rebuilt */
    TAIL_LIVE,
    TAIL_REMOVED /* deleted: its duplicate tag is still seen, its posting is gone */
};

struct tail_entry {
    uint8_t dup_tag[DUP_TAG_BYTES];
    uint8_t day_tag[DAY_TAG_BYTES];
    uint32_t older; /* next entry of the same day tag + 1; 0 = none */
    uint8_t state;  /* enum tail_state */
};

struct tail {
    uint64_t first;
    uint32_t count, cap;
    uint32_t live; /* entries that are TAIL_LIVE */
    struct tail_entry *entries;
    uint32_t *by_dup, *by_day; /* entry number + 1; 0 = free */
    unsigned slots_log2;
};

MUST_CHECK enum err tail_init(struct tail *t, uint32_t cap); /* ERR_NOMEM */
void tail_done(struct tail *t);
void tail_start(struct tail *t, uint64_t first); /* empty; the next record is `first` */

/* seq >= first + count; what is between becomes holes. CHECKs that there is room. */
void tail_add(struct tail *t, uint64_t seq, const uint8_t day_tag[static DAY_TAG_BYTES],
              const uint8_t dup_tag[static DUP_TAG_BYTES]);
bool tail_seen(const struct tail *t, const uint8_t dup_tag[static DUP_TAG_BYTES]);

/* The lowest max sequences in [from, below) under the tag, ascending; gives their count. */
size_t tail_postings(const struct tail *t, const uint8_t day_tag[static DAY_TAG_BYTES],
                     uint64_t from, uint64_t below, uint64_t *out, size_t max);

void tail_remove(struct tail *t, struct tail_entry *e); /* a live one */

/* The entry of a sequence; NULL when the tail does not hold it. */
struct tail_entry *tail_at(const struct tail *t, uint64_t seq);

static inline uint64_t tail_next(const struct tail *t)
{
    return t->first + t->count;
}

#endif
