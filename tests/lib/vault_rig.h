/* vault_rig.h - a store in memory and a fresh keyring in a folder of its own, for tests of what
 * is built on them. Closing a module and opening it again on the same rig is a restart. */
#ifndef CPNI_TEST_VAULT_RIG_H
#define CPNI_TEST_VAULT_RIG_H

#include "vault/crypt/keyring.h"
#include "vault/store/store.h"

struct vault_rig {
    char dir[64];
    struct store *store;
    struct keyring *keys;
};

/* Abort when the machine does not let them. */
void rig_init(struct vault_rig *r);
void rig_done(struct vault_rig *r);

void rig_commit(struct vault_rig *r); /* the open batch, with a note of zeros */

/* Changes a committed row behind everybody's back: XORs one byte. */
void rig_flip(struct vault_rig *r, enum family f, struct span key, size_t at, uint8_t bits);
void rig_write(struct vault_rig *r, enum family f, struct span key, struct span value);
void rig_delete(struct vault_rig *r, enum family f, struct span key);
size_t rig_rows(struct vault_rig *r, enum family f);

/* Does any key or value of any family hold these bytes? */
bool rig_holds(struct vault_rig *r, struct span bytes);

#endif
