#include "vault/directory/table.h"

#include <stdlib.h>

#include "proto/core/check.h"

enum { SLOTS_MIN = 1024, MORE_SHIFT = 2 * OWNER_BITS };
_Static_assert(sizeof(struct table_slot) == 16, "10 million entries in 256 MiB");

static const uint64_t ORDINAL_MASK = OWNER_ORDINAL_MAX;

static struct table_slot slot_of(const uint8_t tag[static TAG_BYTES], struct owner owner)
{
    struct table_slot s;
    memcpy(&s.tag, tag, sizeof s.tag);
    s.rest = (uint64_t)tag[sizeof s.tag] << MORE_SHIFT | (uint64_t)owner.account << OWNER_BITS |
             owner.customer;
    return s;
}

/* Where the tag is, or where it would go. */
static struct table_slot *probe(const struct owner_table *t, struct table_slot key)
{
    size_t mask = t->slots - 1;
    for (size_t at = key.tag & mask;; at = (at + 1) & mask) {
        struct table_slot *s = &t->slot[at];
        if (s->rest == 0 || (s->tag == key.tag && (s->rest ^ key.rest) >> MORE_SHIFT == 0))
            return s;
    }
}

static size_t slots_for(size_t count)
{
    size_t slots = SLOTS_MIN;
    while (slots / 4 * 3 < count)
        slots *= 2;
    return slots;
}

enum err owner_table_reserve(struct owner_table *t, size_t more)
{
    struct owner_table grown = {.slots = slots_for(t->count + more), .count = t->count};
    if (grown.slots <= t->slots)
        return OK;
    grown.slot = calloc(grown.slots, sizeof *grown.slot);
    if (!grown.slot)
        return ERR_NOMEM;
    for (size_t i = 0; i < t->slots; i++)
        if (t->slot[i].rest)
            *probe(&grown, t->slot[i]) = t->slot[i];
    free(t->slot);
    *t = grown;
    return OK;
}

void owner_table_done(struct owner_table *t)
{
    free(t->slot);
    *t = (struct owner_table){0};
}

struct owner owner_table_find(const struct owner_table *t, const uint8_t tag[static TAG_BYTES])
{
    if (t->slots == 0)
        return (struct owner){0};
    uint64_t rest = probe(t, slot_of(tag, (struct owner){0}))->rest;
    return (struct owner){rest & ORDINAL_MASK, (uint32_t)(rest >> OWNER_BITS & ORDINAL_MASK)};
}

void owner_table_put(struct owner_table *t, const uint8_t tag[static TAG_BYTES], struct owner owner)
{
    CHECK(owner.customer >= 1 && owner.customer <= OWNER_ORDINAL_MAX);
    CHECK(owner.account >= 1 && owner.account <= OWNER_ORDINAL_MAX);
    struct table_slot s = slot_of(tag, owner);
    CHECK(t->slots > 0);
    struct table_slot *at = probe(t, s);
    t->count += at->rest == 0;
    CHECK(t->count <= t->slots / 4 * 3);
    *at = s;
}
