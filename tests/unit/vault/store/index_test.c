/* Proves: seen and postings answer alike from the active tail, the frozen one and the families,
 * and removals hold wherever the record is. */
#include "vault/store/index.h"

#include "tests/unit/vault/store/scratch.h"

static struct engine *engine_new(void)
{
    struct engine *e;
    struct store_options o = {.create = true};
    cr_assert_eq(STORE_RAM.open(&o, &e, NULL), OK);
    return e;
}

static struct index *made(struct engine *e, uint64_t segment_records, bool writer)
{
    struct index *ix;
    cr_assert_eq(index_new(&STORE_RAM, e, segment_records, writer, &ix), OK);
    index_start(ix, 0);
    return ix;
}

static void add(struct index *ix, uint64_t first, uint64_t last)
{
    for (uint64_t seq = first; seq <= last; seq++) {
        struct record_head h = scratch_head(seq);
        index_add(ix, seq, &h);
    }
}

static bool seen(struct index *ix, uint64_t seq)
{
    uint8_t tag[DUP_TAG_BYTES];
    bool yes = false;
    scratch_dup_tag(seq, tag);
    cr_assert_eq(index_seen(ix, tag, &yes), OK);
    return yes;
}

static size_t postings(struct index *ix, uint64_t seq, uint64_t from, uint64_t *out, size_t max)
{
    uint8_t day[DAY_TAG_BYTES];
    size_t count;
    scratch_day_tag(seq, day);
    cr_assert_eq(index_postings(ix, day, from, UINT64_MAX, out, max, &count), OK);
    return count;
}

static void drop(struct index *ix, struct engine *e, uint64_t seq)
{
    uint8_t day[DAY_TAG_BYTES];
    scratch_day_tag(seq, day);
    cr_assert_eq(index_remove(ix, seq, day), OK);
    scratch_commit_engine(&STORE_RAM, e);
}

/* 1..100 sealed, 101..150 frozen (perhaps sealed by now), 151..180 active. */
static struct index *in_three_places(struct engine *e)
{
    struct index *ix = made(e, 50, true);
    add(ix, 1, 100);
    cr_assert_eq(index_turn(ix, 101), OK);
    index_committed(ix);
    cr_assert_eq(index_settle(ix), OK);
    add(ix, 101, 150);
    cr_assert_eq(index_turn(ix, 151), OK);
    index_committed(ix);
    add(ix, 151, 180);
    return ix;
}

Test(index, answers_from_all_three_places)
{
    struct engine *e = engine_new();
    struct index *ix = in_three_places(e);
    for (int round = 0; round < 2; round++) { /* while a run is written, and after */
        for (uint64_t seq = 1; seq <= 180; seq++)
            cr_assert(seen(ix, seq), "%lu", (unsigned long)seq);
        cr_expect_not(seen(ix, 181));
        uint64_t got[100];
        size_t n = postings(ix, 3, 0, got, 100);
        cr_assert_eq(n, 26);
        for (size_t i = 0; i < n; i++)
            cr_assert_eq(got[i], 3 + 7 * i);
        cr_expect_eq(postings(ix, 3, 94, got, 4), 4);
        cr_expect(got[0] == 94 && got[1] == 101 && got[3] == 115);
        cr_expect_eq(index_settle(ix), OK);
    }
    cr_expect_eq(index_sealed(ix), 150);
    cr_expect_eq(index_runs(ix), 2);
    cr_expect_eq(index_live(ix), 30);
    index_free(ix);
    STORE_RAM.close(e);
}

Test(index, removals_hold_wherever_the_record_is)
{
    static const uint64_t GONE[] = {3, 101, 150, 178};
    struct engine *e = engine_new();
    struct index *ix = in_three_places(e);
    for (size_t i = 0; i < 4; i++)
        drop(ix, e, GONE[i]);
    cr_assert_eq(index_settle(ix), OK);
    add(ix, 181, 210);
    cr_assert_eq(index_turn(ix, 211), OK); /* 178 was removed from the tail: now it is sealed */
    index_committed(ix);
    cr_assert_eq(index_settle(ix), OK);
    for (size_t i = 0; i < 4; i++) {
        uint64_t got[100];
        size_t n = postings(ix, GONE[i], GONE[i], got, 100);
        cr_expect(n == 0 || got[0] != GONE[i], "%lu", (unsigned long)GONE[i]);
        cr_expect(seen(ix, GONE[i]), "its tag stays seen");
    }
    uint64_t got[1];
    cr_expect(postings(ix, 179, 179, got, 1) == 1 && got[0] == 179, "the neighbour is there");
    index_free(ix);
    STORE_RAM.close(e);
}

/* A crash before the mark of a sealed segment: the rebuilt tail holds it once more. */
Test(index, sealing_a_segment_again_changes_nothing)
{
    struct engine *e = engine_new();
    struct index *ix = made(e, 50, true);
    add(ix, 1, 60);
    cr_assert_eq(index_turn(ix, 61), OK);
    index_committed(ix);
    cr_assert_eq(index_settle(ix), OK);
    index_free(ix);
    ix = made(e, 50, true);
    add(ix, 1, 60);
    drop(ix, e, 10); /* it is in the tail and in the families */
    cr_assert_eq(index_turn(ix, 61), OK);
    index_committed(ix);
    cr_assert_eq(index_settle(ix), OK);
    uint64_t got[100];
    cr_expect_eq(postings(ix, 3, 0, got, 100), 8);
    cr_expect(got[0] == 3 && got[1] == 17);
    index_free(ix);
    STORE_RAM.close(e);
}

/* A tag on the disk without its record would make a replay of that record a duplicate. */
Test(index, nothing_is_written_before_it_is_committed)
{
    struct engine *e = engine_new();
    struct index *ix = made(e, 50, true);
    add(ix, 1, 60);
    cr_assert_eq(index_turn(ix, 61), OK);
    usleep(20000);
    uint8_t tag[DUP_TAG_BYTES], seq[8];
    struct buf b = buf_of(seq, sizeof seq);
    scratch_dup_tag(7, tag);
    cr_expect_eq(STORE_RAM.get(e, FAMILY_SEEN, span_of(tag, sizeof tag), &b), ERR_NOTFOUND);
    cr_expect(seen(ix, 7));
    index_committed(ix);
    cr_assert_eq(index_settle(ix), OK);
    cr_expect_eq(STORE_RAM.get(e, FAMILY_SEEN, span_of(tag, sizeof tag), &b), OK);
    index_free(ix);
    STORE_RAM.close(e);
}

/* Sequences are skipped when a loss was accepted. */
Test(index, a_gap_wider_than_a_tail_is_no_matter)
{
    struct engine *e = engine_new();
    struct index *ix = made(e, 50, true);
    uint64_t far = 10u * TXN_RECORDS_MAX;
    add(ix, 1, 10);
    cr_assert_eq(index_turn(ix, far), OK);
    index_committed(ix);
    add(ix, far, far + 9);
    cr_assert_eq(index_settle(ix), OK);
    cr_expect(seen(ix, 10) && seen(ix, far) && !seen(ix, 11));
    cr_expect_eq(index_sealed(ix), far - 1);
    index_free(ix);
    STORE_RAM.close(e);
}

Test(index, without_a_writer_two_tails_are_all)
{
    struct engine *e = engine_new();
    struct index *ix = made(e, 50, false);
    uint64_t next = 1;
    enum err result = OK;
    for (int i = 0; i < 8 && result == OK; i++) {
        add(ix, next, next + TXN_RECORDS_MAX / 2 - 1);
        next += TXN_RECORDS_MAX / 2;
        result = index_turn(ix, next);
    }
    cr_expect_eq(result, ERR_LIMIT);
    cr_expect(seen(ix, 1) && seen(ix, next - 1), "nothing was lost");
    index_free(ix);
    STORE_RAM.close(e);
}
