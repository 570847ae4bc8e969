/* tag_set.h - a growing array of items that are found by the 16-byte keyed tag at their head.
 * For the staging of an import: memory is proportional to the rows, and given back whole. */
#ifndef CPNI_DIRECTORY_TAG_SET_H
#define CPNI_DIRECTORY_TAG_SET_H

#include "proto/core/span.h"

enum { TAG_BYTES = 16 };

struct tag_set {
    uint8_t *item; /* owned; count items of item_bytes each, the tag first */
    size_t item_bytes, count, cap;
    uint32_t *slot; /* owned; 1 + index of an item, 0 = free */
    size_t slots;
};

static inline struct tag_set tag_set_of(size_t item_bytes)
{
    return (struct tag_set){.item_bytes = item_bytes};
}
void tag_set_done(struct tag_set *s);

static inline void *tag_set_at(const struct tag_set *s, size_t index)
{
    return s->item + index * s->item_bytes;
}

/* NULL when there is none. Pointers to items are good until the next tag_set_add(). */
void *tag_set_find(const struct tag_set *s, const uint8_t tag[static TAG_BYTES]);
/* A new item, zero behind its tag, which must not be there yet; NULL: no memory. */
void *tag_set_add(struct tag_set *s, const uint8_t tag[static TAG_BYTES]);

static inline size_t tag_set_index(const struct tag_set *s, const void *item)
{
    return (size_t)((const uint8_t *)item - s->item) / s->item_bytes;
}

#endif
