/* Proves: a tail becomes two strictly ascending runs that hold what it held: duplicate tags
 * once each, with the oldest sequence; postings of live records; nothing of holes. */
#include "vault/store/segment.h"

#include "proto/core/reader.h"
#include "tests/unit/vault/store/scratch.h"

/* An engine whose only skill is to remember runs. */
struct engine {
    struct run_row rows[2][64];
    size_t counts[2];
    enum err answer;
};

static enum err remember(struct engine *e, unsigned table, struct run *run)
{
    size_t i = table == FAMILY_POSTINGS;
    struct run_row row;
    while (run->next(run->arg, &row))
        e->rows[i][e->counts[i]++] = row;
    return e->answer;
}

static const struct store_ops REMEMBER = {.name = "remember", .add_run = remember};

static enum err write_segment(const struct tail *t, struct engine *e)
{
    struct segmenter *s;
    cr_assert_eq(segmenter_new(&REMEMBER, e, t->cap, &s), OK);
    segmenter_start(s, t);
    enum err result = segmenter_wait(s);
    cr_expect(segmenter_done(s));
    segmenter_free(s);
    return result;
}

static uint64_t be(const uint8_t *p)
{
    struct reader r = reader_of(span_of(p, 8));
    return reader_be64(&r);
}

/* 41 records from 1000: every third removed, a hole, and a tag that comes twice. */
static struct tail filled(void)
{
    struct tail t;
    cr_assert_eq(tail_init(&t, 64), OK);
    tail_start(&t, 1000);
    for (uint64_t seq = 1000; seq <= 1040; seq++) {
        struct record_head h = scratch_head(seq == 1033 ? 1010 : seq);
        if (seq != 1007)
            tail_add(&t, seq, h.day_tag, h.dup_tag);
        if (seq % 3 == 0)
            tail_remove(&t, tail_at(&t, seq));
    }
    return t;
}

static void expect_ascending(const struct run_row *rows, size_t count)
{
    for (size_t i = 1; i < count; i++)
        cr_expect_lt(memcmp(rows[i - 1].key, rows[i].key, 16), 0, "row %zu", i);
}

Test(segment, duplicate_tags_come_once_each_with_the_oldest_sequence)
{
    struct tail t = filled();
    struct engine e = {.answer = OK};
    cr_assert_eq(write_segment(&t, &e), OK);
    expect_ascending(e.rows[0], e.counts[0]);
    cr_expect_eq(e.counts[0], 39, "41 less a hole and a repetition");
    for (size_t i = 0; i < e.counts[0]; i++) {
        uint64_t seq = be(e.rows[0][i].value);
        uint8_t tag[DUP_TAG_BYTES];
        scratch_dup_tag(seq, tag);
        cr_expect_arr_eq(e.rows[0][i].key, tag, DUP_TAG_BYTES);
        cr_expect_neq(seq, 1033, "1010 was first");
    }
    tail_done(&t);
}

Test(segment, postings_are_those_of_live_records)
{
    struct tail t = filled();
    struct engine e = {.answer = OK};
    cr_assert_eq(write_segment(&t, &e), OK);
    expect_ascending(e.rows[1], e.counts[1]);
    size_t live = 0;
    for (uint64_t seq = 1000; seq <= 1040; seq++)
        live += seq % 3 != 0 && seq != 1007;
    cr_expect_eq(e.counts[1], live);
    for (size_t i = 0; i < e.counts[1]; i++) {
        uint64_t seq = be(e.rows[1][i].key + DAY_TAG_BYTES);
        uint8_t day[DAY_TAG_BYTES];
        scratch_day_tag(seq == 1033 ? 1010 : seq, day);
        cr_expect_arr_eq(e.rows[1][i].key, day, DAY_TAG_BYTES);
        cr_expect(seq % 3 != 0 && seq != 1007);
    }
    tail_done(&t);
}

Test(segment, says_when_a_run_could_not_be_written)
{
    struct tail t = filled();
    struct engine e = {.answer = ERR_STORE};
    cr_expect_eq(write_segment(&t, &e), ERR_STORE);
    cr_expect_eq(e.counts[1], 0, "no postings behind a failure");
    tail_done(&t);
}
