/* Proves, on each engine: what was committed is there, with all its indexes; what was not is
 * nowhere; and on the durable one that all of it is there again after a restart. */
#include "tests/unit/vault/store/scratch.h"

#include "vault/store/inside.h"

static const struct store_ops *const ENGINES[] = {&STORE_RAM, &STORE_ROCKS};

/* Each case runs on each engine, in a store of its own with segments of 20 records. */
typedef void case_fn(struct store *s);

static void on_each(case_fn *fn)
{
    for (size_t i = 0; i < sizeof ENGINES / sizeof *ENGINES; i++) {
        struct scratch at = scratch_new();
        struct store *s = scratch_create(ENGINES[i], &at, 20);
        fn(s);
        store_close(s);
        scratch_done(&at);
    }
}

static enum err get(struct store *s, enum family f, const char *key, struct buf *out)
{
    buf_reset(out);
    return store_get(s, f, span_str(key), out);
}

static void rows_case(struct store *s)
{
    uint8_t bytes[32];
    struct buf b = buf_of(bytes, sizeof bytes);
    struct txn *t = store_begin(s);
    txn_put(t, FAMILY_USAGE, span_str("a"), span_str("one"));
    txn_put(t, FAMILY_LIVE, span_str("a"), span_str("other family"));
    txn_put(t, FAMILY_USAGE, span_str("b"), SPAN_EMPTY);
    cr_expect_eq(get(s, FAMILY_USAGE, "a", &b), ERR_NOTFOUND, "not before the commit");
    cr_assert_eq(scratch_commit(s), OK);
    cr_expect_eq(get(s, FAMILY_USAGE, "a", &b), OK);
    cr_expect(span_is(buf_span(&b), "one"));
    cr_expect_eq(get(s, FAMILY_USAGE, "b", &b), OK);
    cr_expect_eq(b.n, 0);
    t = store_begin(s);
    txn_put(t, FAMILY_USAGE, span_str("a"), span_str("two"));
    txn_put(t, FAMILY_USAGE, span_str("b"), span_str("for nothing"));
    txn_delete(t, FAMILY_USAGE, span_str("b"));
    cr_assert_eq(scratch_commit(s), OK);
    cr_expect_eq(get(s, FAMILY_USAGE, "a", &b), OK);
    cr_expect(span_is(buf_span(&b), "two"));
    cr_expect_eq(get(s, FAMILY_USAGE, "b", &b), ERR_NOTFOUND);
    cr_expect_eq(get(s, FAMILY_LIVE, "a", &b), OK);
    struct buf small = buf_of(bytes, 2);
    cr_expect_eq(get(s, FAMILY_USAGE, "a", &small), ERR_LIMIT);
}

Test(store, rows_are_there_after_their_commit)
{
    on_each(rows_case);
}

static bool gather(void *arg, struct span key, struct span value)
{
    struct buf *b = arg;
    buf_put(b, key);
    buf_put(b, value);
    return b->n < 8;
}

static void walk_case(struct store *s)
{
    uint8_t bytes[64];
    struct buf b = buf_of(bytes, sizeof bytes);
    cr_expect_eq(store_last_key(s, FAMILY_OUTBOX, &b), ERR_NOTFOUND);
    struct txn *t = store_begin(s);
    static const char *const KEYS[] = {"e", "a", "c", "b", "d"};
    for (size_t i = 0; i < 5; i++)
        txn_put(t, FAMILY_OUTBOX, span_str(KEYS[i]), span_str("="));
    cr_assert_eq(scratch_commit(s), OK);
    cr_assert_eq(store_walk(s, FAMILY_OUTBOX, SPAN_EMPTY, gather, &b), OK);
    cr_expect(span_is(buf_span(&b), "a=b=c=d="), "stops when it is told");
    buf_reset(&b);
    cr_assert_eq(store_walk(s, FAMILY_OUTBOX, span_str("bb"), gather, &b), OK);
    cr_expect(span_is(buf_span(&b), "c=d=e="));
    buf_reset(&b);
    cr_assert_eq(store_last_key(s, FAMILY_OUTBOX, &b), OK);
    cr_expect(span_is(buf_span(&b), "e"));
}

Test(store, a_walk_is_in_order_and_stops)
{
    on_each(walk_case);
}

struct adding {
    struct store *store;
    size_t rows;
};

static bool add_while_walking(void *arg, struct span key, struct span value)
{
    (void)value;
    struct adding *a = arg;
    uint8_t longer[8];
    struct buf b = buf_of(longer, sizeof longer);
    a->rows++;
    buf_put(&b, key);
    buf_str(&b, "!");
    struct txn *t = store_begin(a->store);
    txn_put(t, FAMILY_OUTBOX, buf_span(&b), SPAN_EMPTY);
    cr_assert_eq(scratch_commit(a->store), OK);
    return a->rows < 50;
}

static void moment_case(struct store *s)
{
    struct txn *t = store_begin(s);
    txn_put(t, FAMILY_OUTBOX, span_str("a"), SPAN_EMPTY);
    txn_put(t, FAMILY_OUTBOX, span_str("b"), SPAN_EMPTY);
    cr_assert_eq(scratch_commit(s), OK);
    struct adding a = {s, 0};
    cr_assert_eq(store_walk(s, FAMILY_OUTBOX, SPAN_EMPTY, add_while_walking, &a), OK);
    cr_expect_eq(a.rows, 2);
}

Test(store, a_walk_sees_what_was_there_when_it_began)
{
    on_each(moment_case);
}

static void records_case(struct store *s)
{
    cr_expect_eq(store_next_seq(s), 1);
    for (int i = 0; i < 30; i++)
        scratch_add(s, 7);
    cr_expect_eq(store_next_seq(s), 211);
    for (uint64_t seq = 1; seq <= 210; seq++)
        cr_assert(scratch_has(s, seq) && scratch_seen(s, seq), "%lu", (unsigned long)seq);
    cr_expect_not(scratch_has(s, 211));
    cr_expect_not(scratch_seen(s, 211));
    scratch_expect_postings(s, 211, scratch_all);
    cr_expect_eq(store_verify(s, NULL), OK);
    struct store_stats st;
    store_stats(s, &st);
    cr_expect_eq(st.records, 210);
    cr_expect_eq(st.commits, 30);
}

Test(store, records_are_found_by_sequence_tag_and_day)
{
    on_each(records_case);
}

/* I3: a repetition inside a batch is a repetition. Postings, though, are of what is committed. */
static void open_batch_case(struct store *s)
{
    struct txn *t = store_begin(s);
    cr_assert_eq(scratch_record(s, t), OK);
    cr_expect(scratch_seen(s, 1));
    scratch_expect_postings(s, 1, scratch_all);
    cr_assert_eq(scratch_commit(s), OK);
    scratch_expect_postings(s, 2, scratch_all);
}

Test(store, tags_of_the_open_batch_are_seen_at_once)
{
    on_each(open_batch_case);
}

/* What is being made durable and what is gathered meanwhile: duplicates are known at once,
 * everything else when it is durable. */
static void two_batches_case(struct store *s)
{
    uint8_t note[HEAD_NOTE_BYTES], proven[HEAD_NOTE_BYTES];
    scratch_add(s, 3);
    struct txn *t = store_begin(s);
    cr_assert_eq(scratch_record(s, t), OK);
    scratch_note(5, note);
    cr_expect_not(store_committing(s));
    cr_assert_eq(store_commit_begin(s, note), OK);
    cr_expect(store_committing(s));
    t = store_begin(s);
    cr_assert_eq(scratch_record(s, t), OK);
    cr_expect(scratch_seen(s, 4) && scratch_seen(s, 5));
    scratch_expect_postings(s, 4, scratch_all);
    cr_assert_eq(store_commit_end(s), OK);
    cr_expect_not(store_committing(s));
    store_proven_note(s, proven);
    cr_expect_arr_eq(proven, note, sizeof note);
    scratch_expect_postings(s, 5, scratch_all);
    cr_expect(scratch_has(s, 4));
    cr_expect_not(scratch_has(s, 5));
    cr_assert_eq(store_commit_end(s), OK, "of nothing");
    cr_assert_eq(scratch_commit(s), OK);
    scratch_expect_postings(s, 6, scratch_all);
    cr_expect_eq(store_verify(s, NULL), OK);
}

Test(store, gathers_a_batch_while_another_becomes_durable)
{
    on_each(two_batches_case);
}

/* Every batch passes the mark of a segment while the one before it is being written. */
static void small_segments_case(struct store *s)
{
    uint8_t note[HEAD_NOTE_BYTES];
    for (int i = 0; i < 200; i++) {
        struct txn *t = store_begin(s);
        for (int j = 0; j < 30; j++)
            cr_assert_eq(scratch_record(s, t), OK);
        cr_assert_eq(store_commit_end(s), OK);
        scratch_note(store_next_seq(s), note);
        cr_assert_eq(store_commit_begin(s, note), OK);
    }
    cr_assert_eq(store_commit_end(s), OK);
    scratch_expect_postings(s, 6001, scratch_all);
    for (uint64_t seq = 1; seq <= 6000; seq += 37)
        cr_expect(scratch_has(s, seq) && scratch_seen(s, seq));
    cr_expect_eq(store_verify(s, NULL), OK);
}

Test(store, segments_are_sealed_between_two_batches)
{
    on_each(small_segments_case);
}

/* It would read its row as it was, and bring back what that commit takes out. */
Test(store, takes_nothing_out_while_a_commit_is_under_way, .signal = SIGABRT)
{
    struct scratch at = scratch_new();
    struct store *s = scratch_create(&STORE_RAM, &at, 0);
    uint8_t note[HEAD_NOTE_BYTES];
    scratch_add(s, 9);
    scratch_delete(store_begin(s), 6);
    scratch_note(10, note);
    cr_assert_eq(store_commit_begin(s, note), OK);
    scratch_delete(store_begin(s), 8);
}

static bool every_fourth_gone(uint64_t seq, uint64_t next)
{
    return seq < next && seq % 4 != 0;
}

static void delete_case(struct store *s)
{
    for (int i = 0; i < 12; i++)
        scratch_add(s, 9);
    struct txn *t = store_begin(s);
    for (uint64_t seq = 4; seq <= 108; seq += 4)
        scratch_delete(t, seq);
    cr_assert_eq(scratch_commit(s), OK);
    for (uint64_t seq = 1; seq <= 108; seq++) {
        cr_expect_eq(scratch_has(s, seq), seq % 4 != 0);
        cr_expect(scratch_seen(s, seq), "a deleted record does not come again");
    }
    scratch_expect_postings(s, 109, every_fourth_gone);
    cr_expect_eq(store_verify(s, NULL), OK);
}

Test(store, a_deleted_record_leaves_only_its_tag)
{
    on_each(delete_case);
}

static void months_case(struct store *s)
{
    static const struct {
        uint32_t month, kept;
    } ROWS[] = {{199001, 199001}, {209912, 209912}, {198912, 0}, {210001, 0},
                {202600, 0},      {202613, 0},      {0, 0},      {UINT32_MAX, 0}};
    for (size_t i = 0; i < sizeof ROWS / sizeof *ROWS; i++) {
        cr_expect_eq(store_month(s, ROWS[i].month, ROWS[i].month), ROWS[i].kept, "%u",
                     ROWS[i].month);
        uint8_t value[SCRATCH_VALUE_BYTES], got[SCRATCH_VALUE_BYTES];
        struct buf b = buf_of(got, sizeof got);
        uint64_t seq = store_next_seq(s);
        struct txn *t = store_begin(s);
        scratch_value(seq, value);
        if (ROWS[i].month != ROWS[i].kept)
            cr_expect_eq(txn_record(t, ROWS[i].month, seq, span_of(value, sizeof value)),
                         ERR_LIMIT);
        cr_expect_eq(txn_record(t, ROWS[i].kept, seq, span_of(value, sizeof value)), OK);
        cr_assert_eq(scratch_commit(s), OK);
        cr_expect_eq(store_record(s, ROWS[i].kept, seq, &b), OK);
        buf_reset(&b);
        cr_expect_eq(store_record(s, 202001, seq, &b), ERR_NOTFOUND);
    }
}

Test(store, months_out_of_range_share_a_family)
{
    on_each(months_case);
}

/* A sender's timestamps cannot use the families up: only months near the clock get one. */
static void window_case(struct store *s)
{
    static const struct {
        uint32_t month, now, kept;
    } ROWS[] = {{202611, 202611, 202611}, {202612, 202611, 202612}, {202701, 202611, 0},
                {202701, 202612, 202701}, {201611, 202611, 201611}, {201610, 202611, 0},
                {202601, 203601, 202601}, {202601, 203602, 0},      {202611, 197001, 0},
                {202611, 0, 0},           {209912, 202611, 0}};
    for (size_t i = 0; i < sizeof ROWS / sizeof *ROWS; i++)
        cr_expect_eq(store_month(s, ROWS[i].month, ROWS[i].now), ROWS[i].kept, "%u in %u",
                     ROWS[i].month, ROWS[i].now);
    uint8_t value[SCRATCH_VALUE_BYTES];
    scratch_value(1, value);
    cr_assert_eq(txn_record(store_begin(s), 202601, 1, span_of(value, sizeof value)), OK);
    cr_assert_eq(scratch_commit(s), OK);
    cr_expect_eq(store_month(s, 202601, 203602), 202601, "it has a family by now");
}

Test(store, months_far_from_the_clock_share_a_family)
{
    on_each(window_case);
}

/* The clock goes on for a century. On the engine in memory: 400 families of RocksDB take a while.
 */
Test(store, there_are_only_so_many_months)
{
    struct scratch at = scratch_new();
    struct store *s = scratch_create(&STORE_RAM, &at, 0);
    uint32_t kept = 0, moved = 0;
    for (uint32_t month = MONTH_FIRST; month <= MONTH_LAST; month++) {
        if (month % 100 < 1 || month % 100 > 12)
            continue;
        uint64_t seq = store_next_seq(s);
        uint8_t value[SCRATCH_VALUE_BYTES];
        scratch_value(seq, value);
        uint32_t to = store_month(s, month, month);
        cr_assert(to == month || to == 0);
        kept += to == month;
        moved += to == 0;
        cr_assert_eq(txn_record(store_begin(s), to, seq, span_of(value, sizeof value)), OK);
        cr_assert_eq(scratch_commit(s), OK);
    }
    cr_expect_eq(kept, STORE_MONTHS_MAX - 1);
    cr_expect_eq(moved, 1320 - (STORE_MONTHS_MAX - 1));
    cr_expect_eq(store_verify(s, NULL), OK);
    store_close(s);
    scratch_done(&at);
}

Test(store, a_batch_has_an_end)
{
    struct scratch at = scratch_new();
    struct store *s = scratch_create(&STORE_RAM, &at, 0);
    for (int round = 0; round < 3; round++) {
        struct txn *t = store_begin(s);
        for (uint32_t i = 0; i < TXN_RECORDS_MAX; i++)
            cr_assert_eq(scratch_record(s, t), OK);
        cr_expect_eq(scratch_record(s, t), ERR_FULL);
        cr_assert_eq(scratch_commit(s), OK);
    }
    cr_expect(scratch_seen(s, 1) && scratch_seen(s, 3 * TXN_RECORDS_MAX));
    store_close(s);
    scratch_done(&at);
}

/* --- restart --- */

static bool deleted_by_number(uint64_t seq, uint64_t next)
{
    return seq < next && seq % 10 != 3;
}

Test(store, all_of_it_is_there_after_a_restart)
{
    struct scratch at = scratch_new();
    struct store_options o = scratch_options(&at);
    o.segment_records = 20;
    struct store *s = scratch_create(&STORE_ROCKS, &at, 20);
    uint64_t commits = store_commit_number(s), next = 1;
    for (int round = 0; round < 6; round++) {
        for (int i = 0; i < 5; i++)
            scratch_add(s, 5);
        struct txn *t = store_begin(s);
        for (; next < store_next_seq(s); next++)
            if (next % 10 == 3)
                scratch_delete(t, next);
        cr_assert_eq(scratch_commit(s), OK);
        store_close(s);
        s = scratch_open(&STORE_ROCKS, o);
        cr_assert_eq(store_next_seq(s), next);
        cr_assert_eq(store_commit_number(s), commits += 6);
        uint8_t note[HEAD_NOTE_BYTES], expected[HEAD_NOTE_BYTES];
        store_head_note(s, note);
        scratch_note(next, expected);
        cr_expect_arr_eq(note, expected, sizeof note);
        for (uint64_t seq = 1; seq < next; seq++) {
            cr_assert_eq(scratch_has(s, seq), seq % 10 != 3);
            cr_assert(scratch_seen(s, seq));
        }
        scratch_expect_postings(s, next, deleted_by_number);
        cr_assert_eq(store_verify(s, NULL), OK);
    }
    store_close(s);
    scratch_done(&at);
}

Test(store, a_new_one_has_an_empty_note)
{
    struct scratch at = scratch_new();
    struct store *s = scratch_create(&STORE_ROCKS, &at, 0);
    uint8_t note[HEAD_NOTE_BYTES], zeros[HEAD_NOTE_BYTES] = {0};
    store_head_note(s, note);
    cr_expect_arr_eq(note, zeros, sizeof zeros);
    store_close(s);
    scratch_done(&at);
}

Test(store, refuses_to_make_or_to_find_the_wrong_thing)
{
    struct scratch at = scratch_new();
    struct store_options o = scratch_options(&at);
    struct store *s = NULL;
    struct diag d = {0};
    cr_expect_eq(store_open(&o, &s, &d), ERR_NOTFOUND);
    cr_expect_not_null(d.what);
    store_close(scratch_create(&STORE_ROCKS, &at, 0));
    o.create = true;
    cr_expect_eq(store_open(&o, &s, &d), ERR_CONFLICT);
    o.create = false;
    store_close(scratch_open(&STORE_ROCKS, o));
    scratch_done(&at);
}

Test(store, read_only_reads_all_and_changes_nothing)
{
    struct scratch at = scratch_new();
    struct store *s = scratch_create(&STORE_ROCKS, &at, 20);
    for (int i = 0; i < 10; i++)
        scratch_add(s, 9);
    store_close(s);
    struct store_options o = scratch_options(&at);
    o.read_only = true;
    struct stat before, after;
    cr_assert_eq(stat(at.head, &before), 0);
    s = scratch_open(&STORE_ROCKS, o);
    for (uint64_t seq = 1; seq <= 90; seq++)
        cr_assert(scratch_has(s, seq) && scratch_seen(s, seq));
    scratch_expect_postings(s, 91, scratch_all);
    cr_expect_eq(store_verify(s, NULL), OK);
    store_close(s);
    cr_assert_eq(stat(at.head, &after), 0);
    cr_expect_eq(before.st_mtim.tv_nsec, after.st_mtim.tv_nsec);
    scratch_done(&at);
}

/* I4 and the operator's peace: nobody else reads any file. */
Test(store, its_files_are_its_owners_only)
{
    struct scratch at = scratch_new();
    umask(022);
    struct store *s = scratch_create(&STORE_ROCKS, &at, 20);
    for (int i = 0; i < 10; i++)
        scratch_add(s, 9);
    store_close(s);
    DIR *dir = opendir(at.db);
    size_t files = 0;
    for (struct dirent *e; dir && (e = readdir(dir)) != NULL;) {
        struct stat st;
        if (e->d_name[0] == '.' || fstatat(dirfd(dir), e->d_name, &st, 0) != 0)
            continue;
        files++;
        cr_expect_eq(st.st_mode & 077, 0, "%s", e->d_name);
    }
    closedir(dir);
    cr_expect_gt(files, 5);
    scratch_done(&at);
}

/* The log lost between the flush of the state row and that of the records: the head record has
 * nothing to say against it. */
Test(store, misses_newest_rows_that_are_gone)
{
    struct scratch at = scratch_new();
    struct store_options o = scratch_options(&at);
    struct store *s = scratch_create(&STORE_ROCKS, &at, 0), *again = NULL;
    struct diag d = {0};
    uint8_t key[SEQ_BYTES];
    scratch_add(s, 10);
    seq_key(key, 10);
    size_t slot = (scratch_month(10) / 100 - MONTH_FIRST / 100) * 12 + scratch_month(10) % 100;
    s->ops->del(s->engine, table_of_slot(s, slot), span_of(key, sizeof key));
    scratch_commit_engine(s->ops, s->engine);
    store_close(s);
    cr_expect_eq(store_open(&o, &again, &d), ERR_FORGED);
    cr_expect(d.what && strstr(d.what, "accept the loss"));
    scratch_done(&at);
}
