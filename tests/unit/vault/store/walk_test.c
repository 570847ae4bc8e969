/* Proves: a walk over the records of all months is in order of sequence, begins where it is told,
 * stops when it is told, and sees one moment. */
#include "tests/unit/vault/store/scratch.h"

struct walking {
    struct store *store;
    uint64_t expected, until;
    bool write; /* commit more while walking */
};

static bool check_row(void *arg, uint32_t month, uint64_t seq, struct span value)
{
    struct walking *w = arg;
    uint8_t expected[SCRATCH_VALUE_BYTES];
    scratch_value(seq, expected);
    cr_assert_eq(seq, w->expected);
    cr_assert_eq(month, scratch_month(seq));
    cr_assert(span_eq(value, span_of(expected, sizeof expected)));
    w->expected++;
    if (w->write)
        scratch_add(w->store, 1);
    return seq != w->until;
}

static void walk(const struct store_ops *ops)
{
    struct scratch at = scratch_new();
    struct store *s = scratch_create(ops, &at, 20);
    struct walking w = {s, 1, 0, false};
    cr_assert_eq(store_walk_records(s, 0, check_row, &w), OK, "an empty store");
    for (int i = 0; i < 10; i++)
        scratch_add(s, 10);
    cr_assert_eq(store_walk_records(s, 0, check_row, &w), OK);
    cr_expect_eq(w.expected, 101);
    w = (struct walking){s, 47, 0, false};
    cr_assert_eq(store_walk_records(s, 47, check_row, &w), OK);
    cr_expect_eq(w.expected, 101);
    w = (struct walking){s, 1, 33, false};
    cr_assert_eq(store_walk_records(s, 1, check_row, &w), OK);
    cr_expect_eq(w.expected, 34);
    w = (struct walking){s, 90, 0, true};
    cr_assert_eq(store_walk_records(s, 90, check_row, &w), OK);
    cr_expect_eq(w.expected, 101, "what came later is not seen");
    cr_expect_eq(store_next_seq(s), 112);
    cr_assert_eq(store_walk_records(s, 200, check_row, &w), OK);
    store_close(s);
    scratch_done(&at);
}

Test(walk, is_in_order_of_sequence_over_months)
{
    walk(&STORE_RAM);
    walk(&STORE_ROCKS);
}
