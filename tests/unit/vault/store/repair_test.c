/* Proves: after a loss that was accepted, lost records can be sent again and are not taken for
 * duplicates, those that are left still are, and no sequence comes twice. */
#include "tests/unit/vault/store/scratch.h"
#include "vault/store/inside.h"

/* Cuts the index of a store whose records >= 60 are said to be lost. */
Test(repair, takes_out_what_points_to_lost_records)
{
    struct scratch at = scratch_new();
    struct store *s = scratch_create(&STORE_RAM, &at, 20);
    for (int i = 0; i < 10; i++)
        scratch_add(s, 10);
    cr_assert_eq(index_settle(s->index), OK);
    cr_assert_eq(index_turn(s->index, 101), OK);
    index_committed(s->index);
    cr_assert_eq(index_settle(s->index), OK);
    scratch_add(s, 1);
    cr_assert_eq(s->noted_sealed, 100);
    cr_assert_eq(repair_index(s, 60), OK);
    scratch_commit_engine(s->ops, s->engine);
    index_start(s->index, 59); /* forget what is in memory */
    for (uint64_t seq = 1; seq <= 100; seq++)
        cr_expect_eq(scratch_seen(s, seq), seq < 60, "%lu", (unsigned long)seq);
    uint64_t got[100];
    uint8_t day[DAY_TAG_BYTES], sealed[SEQ_BYTES], expected[SEQ_BYTES];
    size_t count;
    scratch_day_tag(4, day);
    cr_assert_eq(store_postings(s, day, 0, got, 100, &count), OK);
    cr_expect_eq(got[count - 1], 53);
    struct buf b = buf_of(sealed, sizeof sealed);
    cr_assert_eq(store_get(s, FAMILY_META, STORE_KEY_SEALED, &b), OK);
    seq_key(expected, 59);
    cr_expect_arr_eq(sealed, expected, SEQ_BYTES);
    store_close(s);
    scratch_done(&at);
}
