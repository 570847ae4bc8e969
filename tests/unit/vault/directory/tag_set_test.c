/* Proves: items keep their index and are found by their tag alone, through growth and among tags
 * that begin alike; a new item is zero behind its tag. */
#include <criterion/criterion.h>

#include "vault/directory/tag_set.h"

struct item {
    uint8_t tag[TAG_BYTES];
    uint64_t value;
};

static void tag_of(uint64_t n, uint8_t out[static TAG_BYTES])
{
    uint64_t halves[2] = {n / 4, n * 0x9e3779b97f4a7c15u}; /* four of a kind in the first half */
    memcpy(out, halves, TAG_BYTES);
}

Test(tag_set, finds_through_growth)
{
    enum { ITEMS = 5000 };
    struct tag_set set = tag_set_of(sizeof(struct item));
    uint8_t tag[TAG_BYTES];
    for (uint64_t n = 0; n < ITEMS; n++) {
        tag_of(n, tag);
        cr_assert_null(tag_set_find(&set, tag));
        struct item *item = tag_set_add(&set, tag);
        cr_assert_not_null(item);
        cr_expect_eq(item->value, 0);
        item->value = n;
    }
    for (uint64_t n = 0; n < ITEMS; n++) {
        tag_of(n, tag);
        const struct item *item = tag_set_find(&set, tag);
        cr_assert_not_null(item);
        cr_expect_eq(item->value, n);
        cr_expect_eq(tag_set_index(&set, item), n);
        cr_expect_eq(tag_set_at(&set, n), item);
    }
    tag_of(ITEMS, tag);
    cr_expect_null(tag_set_find(&set, tag));
    tag_set_done(&set);
    cr_expect_null(tag_set_find(&set, tag), "and may be used again");
}
