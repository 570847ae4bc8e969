/* Proves: records taken out in one batch, whatever their order and however many of one row, are
 * all gone behind the commit and none before it; rows of which nothing is left are deleted; too
 * many rows and records that are not there are refused. */
#include "vault/store/edits.h"

#include "tests/unit/vault/store/scratch.h"
#include "vault/store/inside.h"

enum { TABLE = FAMILY_COUNT, ROWS = 5, ROW_RECORDS = 10 };

static const struct store_ops *ops = &STORE_RAM;
static struct engine *engine;
static struct edits edits;

/* Rows of ten: sequences 1 to 50. */
static void setup(void)
{
    struct store_options o = {.create = true};
    struct pack pack;
    cr_assert_eq(ops->open(&o, &engine, NULL), OK);
    cr_assert_eq(ops->month_add(engine, 202611), OK);
    cr_assert_eq(pack_init(&pack), OK);
    for (uint64_t seq = 1; seq <= ROWS * ROW_RECORDS; seq++) {
        uint8_t value[SCRATCH_VALUE_BYTES], key[SEQ_BYTES];
        scratch_value(seq, value);
        pack_add(&pack, TABLE, seq, span_of(value, sizeof value));
        if (seq % ROW_RECORDS != 0)
            continue;
        seq_key(key, pack.first);
        ops->put(engine, TABLE, span_of(key, sizeof key), buf_span(&pack.bytes));
        pack_reset(&pack);
    }
    pack_done(&pack);
    scratch_commit_engine(ops, engine);
}

static void teardown(void)
{
    edits_reset(&edits);
    ops->close(engine);
}

TestSuite(edits, .init = setup, .fini = teardown);

static bool there(uint64_t seq)
{
    struct cursor *c;
    struct span key, row, value;
    cr_assert_eq(record_cursor(ops, engine, TABLE, seq, &c), OK);
    bool found = ops->cursor_row(c, &key, &row) && pack_find(key, row, seq, &value) == OK;
    cr_assert_eq(ops->cursor_free(c), OK);
    return found;
}

static size_t rows_left(void)
{
    unsigned table = TABLE;
    struct cursor *c;
    struct span key, row;
    size_t n = 0;
    cr_assert_eq(ops->cursors(engine, &table, 1, SPAN_EMPTY, &c), OK);
    for (; ops->cursor_row(c, &key, &row); ops->cursor_next(c))
        n++;
    cr_assert_eq(ops->cursor_free(c), OK);
    return n;
}

static enum err take_out(uint64_t seq)
{
    return edits_remove(&edits, ops, engine, TABLE, seq);
}

Test(edits, all_of_a_batch_at_once)
{
    static const uint64_t GONE[] = {33, 1, 35, 50, 31, 2};
    enum { COUNT = sizeof GONE / sizeof *GONE };
    for (size_t i = 0; i < COUNT; i++)
        cr_assert_eq(take_out(GONE[i]), OK);
    cr_expect_eq(edits.count, 3, "a row is kept once");
    cr_expect(there(33), "nothing changes before the commit");
    edits_put(&edits, ops, engine);
    scratch_commit_engine(ops, engine);
    for (uint64_t seq = 1; seq <= ROWS * ROW_RECORDS; seq++) {
        bool gone = false;
        for (size_t i = 0; i < COUNT; i++)
            gone = gone || GONE[i] == seq;
        cr_expect_eq(there(seq), !gone, "record %lu", seq);
    }
    cr_expect_eq(rows_left(), ROWS);
}

Test(edits, a_row_without_records_is_deleted)
{
    for (uint64_t seq = 20; seq > 10; seq--)
        cr_assert_eq(take_out(seq), OK);
    edits_put(&edits, ops, engine);
    scratch_commit_engine(ops, engine);
    cr_expect_eq(rows_left(), ROWS - 1);
    cr_expect(there(10) && there(21));
}

Test(edits, what_is_not_there_is_told)
{
    cr_assert_eq(take_out(14), OK);
    cr_expect_eq(take_out(14), ERR_NOTFOUND, "twice in a batch");
    cr_expect_eq(take_out(0), ERR_NOTFOUND);
    cr_expect_eq(take_out(51), ERR_NOTFOUND);
    edits_put(&edits, ops, engine);
    scratch_commit_engine(ops, engine);
    cr_expect_eq(take_out(14), ERR_NOTFOUND, "in another batch");
    for (uint64_t seq = 41; seq <= 50; seq++)
        cr_assert_eq(take_out(seq), OK);
    cr_expect_eq(take_out(45), ERR_NOTFOUND, "of a row that is gone");
}

Test(edits, takes_so_many_rows_and_no_more)
{
    edits.count = TXN_DELETES_MAX;
    cr_expect_eq(take_out(1), ERR_FULL);
    edits.count = 0;
}
