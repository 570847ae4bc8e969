/* Proves: the tail answers as a plain list of its records would, with holes, removals, repeated
 * tags and full tables. */
#include "vault/store/tail.h"

#include "tests/unit/vault/store/scratch.h"

static struct tail made(uint32_t cap, uint64_t first)
{
    struct tail t;
    cr_assert_eq(tail_init(&t, cap), OK);
    tail_start(&t, first);
    return t;
}

static void add(struct tail *t, uint64_t seq)
{
    struct record_head h = scratch_head(seq);
    tail_add(t, seq, h.day_tag, h.dup_tag);
}

static bool seen(const struct tail *t, uint64_t seq)
{
    uint8_t tag[DUP_TAG_BYTES];
    scratch_dup_tag(seq, tag);
    return tail_seen(t, tag);
}

static bool removed(uint64_t seq)
{
    return seq % 5 == 2;
}

/* What tail_postings() must give for the records 100..199, by the definition. */
static size_t expected_postings(uint64_t day, uint64_t from, uint64_t below, uint64_t *out,
                                size_t max)
{
    size_t n = 0;
    for (uint64_t seq = 100; seq < 200 && n < max; seq++)
        if (seq >= from && seq < below && seq % SCRATCH_DAYS == day && !removed(seq))
            out[n++] = seq;
    return n;
}

Test(tail, gives_the_postings_of_a_plain_list)
{
    struct tail t = made(100, 100);
    for (uint64_t seq = 100; seq < 200; seq++)
        add(&t, seq);
    for (uint64_t seq = 100; seq < 200; seq++)
        if (removed(seq))
            tail_remove(&t, tail_at(&t, seq));
    cr_expect_eq(t.live, 80);
    static const uint64_t FROMS[] = {0, 100, 107, 150, 199, 200, UINT64_MAX};
    static const uint64_t BELOWS[] = {0, 100, 101, 160, 200, UINT64_MAX};
    static const size_t MAXES[] = {0, 1, 3, 1000};
    for (uint64_t day = 0; day < SCRATCH_DAYS; day++)
        for (size_t f = 0; f < 7; f++)
            for (size_t b = 0; b < 6; b++)
                for (size_t m = 0; m < 4; m++) {
                    uint64_t want[100], got[100];
                    uint8_t tag[DAY_TAG_BYTES];
                    scratch_day_tag(day, tag);
                    size_t n = expected_postings(day, FROMS[f], BELOWS[b], want, MAXES[m]);
                    cr_assert_eq(tail_postings(&t, tag, FROMS[f], BELOWS[b], got, MAXES[m]), n);
                    cr_assert_arr_eq(got, want, n * sizeof *want);
                }
    tail_done(&t);
}

Test(tail, sees_its_tags_and_no_others)
{
    struct tail t = made(64, 1);
    cr_expect_not(seen(&t, 1));
    for (uint64_t seq = 1; seq <= 64; seq++)
        add(&t, seq);
    tail_remove(&t, tail_at(&t, 5));
    for (uint64_t seq = 1; seq <= 64; seq++)
        cr_expect(seen(&t, seq), "%lu", (unsigned long)seq);
    cr_expect_not(seen(&t, 65));
    tail_start(&t, 65);
    cr_expect_not(seen(&t, 1), "a new start forgets");
    cr_expect_eq(t.live, 0);
    cr_expect_eq(tail_next(&t), 65);
    tail_done(&t);
}

Test(tail, keeps_holes_where_records_were_deleted)
{
    struct tail t = made(16, 10);
    add(&t, 10);
    add(&t, 14);
    cr_expect_eq(t.count, 5);
    cr_expect_eq(t.live, 2);
    cr_expect_eq(tail_at(&t, 12)->state, TAIL_HOLE);
    cr_expect_eq(tail_at(&t, 14)->state, TAIL_LIVE);
    cr_expect_null(tail_at(&t, 9));
    cr_expect_null(tail_at(&t, 15));
    uint8_t nothing[DUP_TAG_BYTES] = {0};
    cr_expect_not(tail_seen(&t, nothing), "a hole has no tag");
    uint64_t out[4];
    cr_expect_eq(tail_postings(&t, nothing, 0, 100, out, 4), 0);
    tail_done(&t);
}

/* Tags that fall into one slot: the multiplier keeps only what the shift leaves. */
Test(tail, tells_apart_tags_that_collide)
{
    struct tail t = made(512, 1);
    uint8_t day[DAY_TAG_BYTES] = {0}, dup[DUP_TAG_BYTES] = {0};
    for (uint64_t seq = 1; seq <= 512; seq++) {
        dup[0] = (uint8_t)seq;
        dup[1] = (uint8_t)(seq >> 8);
        day[7] = (uint8_t)(seq >> 4);
        tail_add(&t, seq, day, dup);
    }
    uint64_t out[32];
    for (unsigned i = 0; i < 32; i++) {
        day[7] = (uint8_t)i;
        size_t n = tail_postings(&t, day, 0, UINT64_MAX, out, 32);
        cr_expect_eq(n, i == 0 ? 15 : 16, "day %u", i);
    }
    dup[0] = 0x01, dup[1] = 0x02; /* 513 */
    cr_expect_not(tail_seen(&t, dup));
    dup[0] = 0x00; /* 512 */
    cr_expect(tail_seen(&t, dup));
    tail_done(&t);
}
