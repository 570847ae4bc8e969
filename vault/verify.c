/* verify.c - is all of it still what was written? Levels of the design: the store's own
 * checksums and indexes, the audit chain; deep: every record's seal, and the totals
 * recomputed from the records. */
#include "proto/core/check.h"
#include "vault/state.h"

struct deep {
    struct vault *vault;
    struct arena arena;
    struct verify_result *seals;
    struct usage_totals opened; /* grand totals of all records that count */
    enum err e;
};

static bool open_one(void *arg, uint32_t month, uint64_t seq, struct span value)
{
    struct deep *x = arg;
    struct grant g = grant_system();
    struct opened o;
    struct usage_key key;
    struct usage_totals delta;
    arena_reset(&x->arena);
    enum err e = commit_open(x->vault, &g, month, seq, value, &x->arena, &o);
    x->seals->items++;
    if (e == ERR_STORE || e == ERR_NOMEM) {
        x->e = e;
        return false;
    }
    x->seals->bad += e != OK;
    if (e == OK && o.record.call.account != 0 &&
        usage_delta(&x->vault->rules, &o.record.call, &key, &delta) == OK)
        usage_add(&x->opened, &delta);
    return true;
}

static bool sum_window(void *arg, const struct window_row *row)
{
    struct usage_totals *sum = arg;
    usage_add(sum, &row->totals);
    return true;
}

/* Every member of the totals is one item: its sum over the windows must be its sum over
 * the records. */
static void compare(const struct usage_totals *records, const struct usage_totals *windows,
                    struct verify_result *out)
{
    uint64_t a[sizeof *records / sizeof(uint64_t)], b[sizeof *windows / sizeof(uint64_t)];
    _Static_assert(sizeof a == sizeof *records, "totals are counters and nothing else");
    memcpy(a, records, sizeof a);
    memcpy(b, windows, sizeof b);
    for (size_t i = 0; i < sizeof a / sizeof a[0]; i++) {
        out->items++;
        out->bad += a[i] != b[i];
    }
}

static enum err run_deep(struct vault *v, struct verify_result *seals, struct verify_result *totals)
{
    struct deep x = {.vault = v, .seals = seals};
    struct usage_totals windows = {0};
    enum err e = windows_checkpoint(v->windows, vault_txn(v), store_next_seq(v->store) - 1);
    if (e == OK)
        e = vault_flush(v);
    if (e == OK)
        e = arena_init(&x.arena, (size_t)4 * RECORD_BYTES_MAX);
    if (e == OK)
        e = store_walk_records(v->store, 1, open_one, &x);
    if (e == OK)
        e = x.e;
    if (e == OK)
        e = windows_walk(v->windows, 0, sum_window, &windows);
    if (e == OK)
        compare(&x.opened, &windows, totals);
    arena_done(&x.arena);
    return e;
}

enum err verify_run(struct vault *v, bool deep, struct verify_result out[static VERIFY_CHECKS_MAX],
                    size_t *out_count)
{
    struct diag d = {0};
    uint64_t entries = 0;
    size_t n = 0;
    enum err e = store_verify(v->store, &d);
    if (e != OK && e != ERR_FORGED)
        return e;
    out[n++] = (struct verify_result){"database files and indexes", 1, e != OK};
    e = audit_verify(v->audit, &entries);
    if (e != OK && e != ERR_FORGED)
        return e;
    out[n++] = (struct verify_result){"audit chain", entries, e != OK};
    if (deep) {
        out[n] = (struct verify_result){.check = "record seals"};
        out[n + 1] = (struct verify_result){.check = "usage recomputed from records"};
        e = run_deep(v, &out[n], &out[n + 1]);
        n += 2;
        if (e != OK && e != ERR_FORGED)
            return e;
        out[n - 1].bad += e != OK; /* an outbox or a row that does not say what it should */
    }
    *out_count = n;
    return OK;
}
