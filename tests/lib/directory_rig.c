#include "tests/lib/directory_rig.h"

#include "proto/core/check.h"

void directory_rig_reopen(struct directory_rig *r)
{
    struct diag d;
    directory_close(r->directory);
    CHECK(directory_open(r->vault.store, r->vault.keys, &r->directory, &d) == OK);
}

void directory_rig_init(struct directory_rig *r)
{
    memset(r, 0, sizeof *r);
    rig_init(&r->vault);
    directory_rig_reopen(r);
}

void directory_rig_done(struct directory_rig *r)
{
    directory_import_free(r->import);
    directory_close(r->directory);
    rig_done(&r->vault);
}

static void keep_problem(void *arg, const struct import_problem *p)
{
    struct directory_rig *r = arg;
    r->problem = *p;
    r->problems++;
}

void rig_import_begin(struct directory_rig *r, bool move)
{
    r->problems = 0;
    CHECK(directory_import_new(r->directory, move, keep_problem, r, &r->import) == OK);
}

enum err rig_import_row(struct directory_rig *r, uint64_t line, const char *customer,
                        const char *account, enum entry_kind kind, const char *value)
{
    return directory_import_row(r->import, line, span_str(customer), span_str(account), kind,
                                span_str(value));
}

enum err rig_import_end(struct directory_rig *r, struct import_counts *out)
{
    enum err e = directory_import_commit(r->import, store_begin(r->vault.store), 1700000000000000);
    *out = directory_import_counts(r->import);
    r->import = directory_import_free(r->import);
    rig_commit(&r->vault);
    return e;
}

void rig_import_one(struct directory_rig *r, const char *customer, const char *account,
                    enum entry_kind kind, const char *value)
{
    struct import_counts counts;
    rig_import_begin(r, false);
    CHECK(rig_import_row(r, 1, customer, account, kind, value) == OK);
    CHECK(rig_import_end(r, &counts) == OK);
}

uint64_t rig_customer(struct directory_rig *r, const char *id)
{
    uint64_t ordinal = 0;
    enum err e = directory_find_customer(r->directory, span_str(id), &ordinal);
    CHECK(e == OK || e == ERR_NOTFOUND);
    return ordinal;
}
