/* Proves: the table gives back what was put last under a tag and nothing under any other, through
 * growth and with tags that collide; ordinals up to the limit survive the packing; 10 million
 * entries fit in the promised memory. */
#include <criterion/criterion.h>

#include "vault/directory/table.h"

static struct owner_table table;

static void done(void)
{
    owner_table_done(&table);
}

TestSuite(table, .fini = done);

/* Tags as a PRF would make them, but all in a few neighbouring slots when `crowded`. */
static void tag_of(uint64_t n, bool crowded, uint8_t out[static TAG_BYTES])
{
    uint64_t mixed[2] = {n * 0x9e3779b97f4a7c15u, ~n * 0xbf58476d1ce4e5b9u};
    mixed[0] ^= mixed[0] >> 29;
    memcpy(out, mixed, TAG_BYTES);
    if (crowded)
        memset(out, 0, 3), out[0] = (uint8_t)(n % 3);
}

static struct owner owner_of(uint64_t n)
{
    return (struct owner){1 + n * 7919 % OWNER_ORDINAL_MAX, (uint32_t)(1 + n % 1000)};
}

static void put(uint64_t n, bool crowded, struct owner owner)
{
    uint8_t tag[TAG_BYTES];
    tag_of(n, crowded, tag);
    cr_assert_eq(owner_table_reserve(&table, 1), OK);
    owner_table_put(&table, tag, owner);
}

static bool leads_to(uint64_t n, bool crowded, struct owner want)
{
    uint8_t tag[TAG_BYTES];
    tag_of(n, crowded, tag);
    struct owner got = owner_table_find(&table, tag);
    return got.customer == want.customer && got.account == want.account;
}

Test(table, finds_what_was_put)
{
    enum { SPREAD = 20000, CROWDED = 700 };
    static const struct {
        bool crowded;
        uint64_t count;
    } ROWS[] = {{false, SPREAD}, {true, CROWDED}};
    for (size_t i = 0; i < 2; i++) {
        bool crowded = ROWS[i].crowded;
        for (uint64_t n = 0; n < ROWS[i].count; n++)
            put(n, crowded, owner_of(n));
        cr_expect_eq(table.count, ROWS[i].count);
        for (uint64_t n = 0; n < ROWS[i].count; n++)
            cr_assert(leads_to(n, crowded, owner_of(n)), "%d", (int)n);
        for (uint64_t n = ROWS[i].count; n < 2 * ROWS[i].count; n++)
            cr_assert(leads_to(n, crowded, (struct owner){0}), "nobody's %d", (int)n);
        owner_table_done(&table);
    }
}

Test(table, empty_finds_nobody)
{
    cr_expect(leads_to(1, false, (struct owner){0}));
    cr_expect_eq(owner_table_bytes(&table), 0);
}

Test(table, replaces)
{
    put(1, false, owner_of(1));
    put(1, false, owner_of(2));
    cr_expect_eq(table.count, 1);
    cr_expect(leads_to(1, false, owner_of(2)));
}

Test(table, packs_the_greatest_ordinals)
{
    struct owner most = {OWNER_ORDINAL_MAX, OWNER_ORDINAL_MAX};
    put(1, false, most);
    put(2, false, (struct owner){1, OWNER_ORDINAL_MAX});
    put(3, false, (struct owner){OWNER_ORDINAL_MAX, 1});
    cr_expect(leads_to(1, false, most));
    cr_expect(leads_to(2, false, (struct owner){1, OWNER_ORDINAL_MAX}));
    cr_expect(leads_to(3, false, (struct owner){OWNER_ORDINAL_MAX, 1}));
}

/* Each of the 72 bits that are kept tells two tags apart. */
Test(table, one_bit_is_another_tag)
{
    uint8_t tag[TAG_BYTES];
    put(5, false, owner_of(5));
    for (unsigned bit = 0; bit < 72; bit++) {
        tag_of(5, false, tag);
        tag[bit / 8] ^= (uint8_t)(1 << bit % 8);
        cr_expect_eq(owner_table_find(&table, tag).customer, 0, "bit %u", bit);
    }
}

Test(table, ten_million_entries_in_256_mib)
{
    cr_assert_eq(owner_table_reserve(&table, 10000000), OK);
    cr_expect_eq(owner_table_bytes(&table), 256u << 20);
    size_t before = table.slots;
    cr_expect_eq(owner_table_reserve(&table, 12 << 20), OK);
    cr_expect_eq(table.slots, before, "there was room");
}
