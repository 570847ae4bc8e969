#include "vault/directory/tag_set.h"

#include <stdlib.h>

enum { ITEMS_MIN = 64 };

void tag_set_done(struct tag_set *s)
{
    free(s->item);
    free(s->slot);
    *s = tag_set_of(s->item_bytes);
}

/* The slot that holds the tag, or the free one where it would go. */
static uint32_t *probe(const struct tag_set *s, const uint8_t tag[static TAG_BYTES])
{
    size_t mask = s->slots - 1, at;
    memcpy(&at, tag, sizeof at); /* a PRF's output is as good as any hash of it */
    for (at &= mask;; at = (at + 1) & mask) {
        uint32_t *slot = &s->slot[at];
        if (*slot == 0 || memcmp(tag_set_at(s, *slot - 1), tag, TAG_BYTES) == 0)
            return slot;
    }
}

static bool grow(struct tag_set *s)
{
    size_t cap = s->cap ? 2 * s->cap : ITEMS_MIN;
    uint8_t *item = realloc(s->item, cap * s->item_bytes);
    if (!item)
        return false;
    s->item = item;
    uint32_t *slot = calloc(2 * cap, sizeof *slot);
    if (!slot)
        return false;
    free(s->slot);
    s->slot = slot;
    s->slots = 2 * cap;
    s->cap = cap;
    for (size_t i = 0; i < s->count; i++)
        *probe(s, tag_set_at(s, i)) = (uint32_t)(i + 1);
    return true;
}

void *tag_set_find(const struct tag_set *s, const uint8_t tag[static TAG_BYTES])
{
    uint32_t slot = s->slots ? *probe(s, tag) : 0;
    return slot ? tag_set_at(s, slot - 1) : NULL;
}

void *tag_set_add(struct tag_set *s, const uint8_t tag[static TAG_BYTES])
{
    if (s->count == s->cap && !grow(s))
        return NULL;
    uint8_t *item = tag_set_at(s, s->count);
    memset(item, 0, s->item_bytes);
    memcpy(item, tag, TAG_BYTES);
    *probe(s, tag) = (uint32_t)++s->count;
    return item;
}
