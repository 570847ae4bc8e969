/* Proves: when the n-th write of the engine fails, n = 1, 2, 3... until none does, the store says
 * so at once, acknowledges nothing from then on, and what it acknowledged before is there. */
#include "tests/unit/vault/store/scratch.h"

#include "vault/store/index.h"
#include "vault/store/inside.h"

/* STORE_RAM with a fuse. One test is one process, so the fuse may be a variable of the file; the
 * segment thread burns it too. */
static _Atomic int fuse;

static enum err burn(void)
{
    return atomic_fetch_sub(&fuse, 1) == 1 ? ERR_STORE : OK;
}

static enum err fail_commit(struct engine *e)
{
    enum err result = burn();
    return result == OK ? STORE_RAM.commit(e) : result;
}

static enum err fail_month_add(struct engine *e, uint32_t month)
{
    enum err result = burn();
    return result == OK ? STORE_RAM.month_add(e, month) : result;
}

static enum err fail_add_run(struct engine *e, unsigned table, struct run *run)
{
    enum err result = burn();
    return result == OK ? STORE_RAM.add_run(e, table, run) : result;
}

/* Gives the sequence behind the last acknowledged record; *failed tells whether one was not. */
static uint64_t work(struct store *s, bool *failed)
{
    uint64_t acked = 1;
    *failed = false;
    for (int i = 0; i < 20; i++) {
        struct txn *t = store_begin(s);
        enum err e = OK;
        for (int j = 0; j < 10 && e == OK; j++)
            e = scratch_record(s, t);
        if (e == OK && acked > 20)
            scratch_delete(t, acked - 15);
        if (e == OK)
            e = scratch_commit(s);
        if (e == OK)
            e = index_settle(s->index); /* so that each run is reached in every round */
        if (e != OK) {
            cr_assert_eq(e, ERR_STORE);
            *failed = true;
            return acked;
        }
        acked = store_next_seq(s);
    }
    return acked;
}

Test(store_fault, every_write_that_fails_is_told)
{
    struct store_ops ops = STORE_RAM;
    ops.commit = fail_commit;
    ops.month_add = fail_month_add;
    ops.add_run = fail_add_run;
    bool failed = true;
    int n = 0;
    for (n = 1; failed; n++) {
        struct scratch at = scratch_new();
        struct store_options o = {.create = true, .segment_records = 20};
        struct store *s;
        fuse = n;
        enum err e = store_open_with(&ops, &o, &s, NULL);
        if (e == OK) {
            uint64_t acked = work(s, &failed);
            for (uint64_t seq = 1; seq < acked; seq++)
                cr_assert(scratch_seen(s, seq), "%d: %lu", n, (unsigned long)seq);
            store_close(s);
        } else {
            cr_assert_eq(e, ERR_STORE);
        }
        scratch_done(&at);
    }
    cr_expect_gt(n, 30, "the fuse reached commits, months and runs: %d", n);
}

/* After one failure the page cache is unknown: nothing may be acknowledged any more. */
Test(store_fault, nothing_is_acknowledged_after_a_failure)
{
    struct store_ops ops = STORE_RAM;
    ops.commit = fail_commit;
    struct store_options o = {.create = true};
    struct store *s;
    fuse = 2;
    cr_assert_eq(store_open_with(&ops, &o, &s, NULL), OK);
    store_begin(s);
    cr_expect_eq(scratch_commit(s), ERR_STORE);
    store_begin(s);
    cr_expect_eq(scratch_commit(s), ERR_STORE, "though the engine would work again");
    store_close(s);
}
