/* directory_rig.h - a directory on a rig, and imports in one line, for its tests. */
#ifndef CPNI_TEST_DIRECTORY_RIG_H
#define CPNI_TEST_DIRECTORY_RIG_H

#include "tests/lib/vault_rig.h"
#include "vault/directory/directory.h"

struct directory_rig {
    struct vault_rig vault;
    struct directory *directory;
    struct import *import;
    struct import_problem problem; /* the last one */
    size_t problems;
};

void directory_rig_init(struct directory_rig *r);
void directory_rig_done(struct directory_rig *r);
void directory_rig_reopen(struct directory_rig *r);

void rig_import_begin(struct directory_rig *r, bool move);
enum err rig_import_row(struct directory_rig *r, uint64_t line, const char *customer,
                        const char *account, enum entry_kind kind, const char *value);
/* Commits, or drops what was refused; gives the counts. */
enum err rig_import_end(struct directory_rig *r, struct import_counts *out);

/* One row that must be taken. */
void rig_import_one(struct directory_rig *r, const char *customer, const char *account,
                    enum entry_kind kind, const char *value);

/* Ordinal of a customer; 0: there is none. */
uint64_t rig_customer(struct directory_rig *r, const char *id);

#endif
