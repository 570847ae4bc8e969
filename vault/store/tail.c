#include "vault/store/tail.h"

#include <stdlib.h>

#include "proto/core/check.h"

_Static_assert(sizeof(struct tail_entry) == 32, "two entries a cache line");

enum err tail_init(struct tail *t, uint32_t cap)
{
    *t = (struct tail){.cap = cap, .first = 1};
    while ((1u << t->slots_log2) < cap + cap / 2)
        t->slots_log2++;
    size_t slots = (size_t)1 << t->slots_log2;
    t->entries = calloc(cap, sizeof *t->entries);
    t->by_dup = calloc(slots, sizeof *t->by_dup);
    t->by_day = calloc(slots, sizeof *t->by_day);
    if (t->entries && t->by_dup && t->by_day)
        return OK;
    tail_done(t);
    return ERR_NOMEM;
}

void tail_done(struct tail *t)
{
    free(t->entries);
    free(t->by_dup);
    free(t->by_day);
    *t = (struct tail){0};
}

void tail_start(struct tail *t, uint64_t first)
{
    size_t table_bytes = sizeof(uint32_t) << t->slots_log2;
    if (t->count) {
        memset(t->by_dup, 0, table_bytes);
        memset(t->by_day, 0, table_bytes);
    }
    t->first = first;
    t->count = t->live = 0;
}

/* Both tags are uniform already; the multiplication is for tests, which count. */
static uint32_t slot_of(const struct tail *t, const uint8_t *tag, size_t tag_bytes)
{
    uint64_t head, end;
    memcpy(&head, tag, 8);
    memcpy(&end, tag + tag_bytes - 8, 8);
    uint64_t mixed = (head ^ (end >> 32 | end << 32)) * 0x9e3779b97f4a7c15u;
    return (uint32_t)(mixed >> (64 - t->slots_log2));
}

/* The slot that holds an entry with this tag, or the free one where it would go. */
static uint32_t *slot_find(const struct tail *t, uint32_t *table, const uint8_t *tag,
                           size_t tag_bytes, size_t offset)
{
    uint32_t mask = (1u << t->slots_log2) - 1;
    uint32_t at = slot_of(t, tag, tag_bytes);
    while (table[at]) {
        const uint8_t *entry = (const uint8_t *)&t->entries[table[at] - 1];
        if (memcmp(entry + offset, tag, tag_bytes) == 0)
            break;
        at = (at + 1) & mask;
    }
    return &table[at];
}

static uint32_t *slot_by_dup(const struct tail *t, const uint8_t *tag)
{
    return slot_find(t, t->by_dup, tag, DUP_TAG_BYTES, offsetof(struct tail_entry, dup_tag));
}

static uint32_t *slot_by_day(const struct tail *t, const uint8_t *tag)
{
    return slot_find(t, t->by_day, tag, DAY_TAG_BYTES, offsetof(struct tail_entry, day_tag));
}

void tail_add(struct tail *t, uint64_t seq, const uint8_t day_tag[static DAY_TAG_BYTES],
              const uint8_t dup_tag[static DUP_TAG_BYTES])
{
    CHECK(seq >= tail_next(t) && seq - t->first < t->cap);
    while (tail_next(t) < seq)
        t->entries[t->count++] = (struct tail_entry){.state = TAIL_HOLE};
    struct tail_entry *e = &t->entries[t->count++];
    *e = (struct tail_entry){.state = TAIL_LIVE};
    t->live++;
    memcpy(e->dup_tag, dup_tag, DUP_TAG_BYTES);
    memcpy(e->day_tag, day_tag, DAY_TAG_BYTES);
    uint32_t *day = slot_by_day(t, day_tag);
    e->older = *day;
    *day = t->count;
    uint32_t *dup = slot_by_dup(t, dup_tag);
    if (!*dup)
        *dup = t->count;
}

bool tail_seen(const struct tail *t, const uint8_t dup_tag[static DUP_TAG_BYTES])
{
    return *slot_by_dup(t, dup_tag) != 0;
}

struct tail_entry *tail_at(const struct tail *t, uint64_t seq)
{
    if (seq < t->first || seq >= tail_next(t))
        return NULL;
    return &t->entries[seq - t->first];
}

void tail_remove(struct tail *t, struct tail_entry *e)
{
    CHECK(e->state == TAIL_LIVE);
    e->state = TAIL_REMOVED;
    t->live--;
}

/* The chain runs from the newest down: the first pass counts what is asked for, the second
 * puts each in its place. */
size_t tail_postings(const struct tail *t, const uint8_t day_tag[static DAY_TAG_BYTES],
                     uint64_t from, uint64_t below, uint64_t *out, size_t max)
{
    uint32_t newest = *slot_by_day(t, day_tag);
    size_t count = 0;
    for (uint32_t i = newest; i && t->first + i - 1 >= from; i = t->entries[i - 1].older)
        count += t->entries[i - 1].state == TAIL_LIVE && t->first + i - 1 < below;
    size_t rank = count;
    for (uint32_t i = newest; i && rank; i = t->entries[i - 1].older) {
        if (t->entries[i - 1].state != TAIL_LIVE || t->first + i - 1 >= below)
            continue;
        if (--rank < max)
            out[rank] = t->first + i - 1;
    }
    return count < max ? count : max;
}
