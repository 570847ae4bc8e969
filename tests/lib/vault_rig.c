#include "tests/lib/vault_rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "proto/core/check.h"

static void path_in(const struct vault_rig *r, const char *name, char out[static 96])
{
    CHECK(snprintf(out, 96, "%s/%s", r->dir, name) < 96);
}

void rig_init(struct vault_rig *r)
{
    struct store_options options = {.create = true, .segment_records = 16};
    char keyring[96], root[96];
    struct diag d;
    strcpy(r->dir, "/tmp/cpni-rig-XXXXXX");
    CHECK(mkdtemp(r->dir));
    path_in(r, "keyring", keyring);
    path_in(r, "root", root);
    CHECK(keyring_create(keyring, root, &d) == OK);
    CHECK(keyring_open(keyring, root, false, &r->keys, &d) == OK);
    CHECK(store_open_with(&STORE_RAM, &options, &r->store, &d) == OK);
}

void rig_done(struct vault_rig *r)
{
    static const char *const FILES[] = {"keyring", "root"};
    char path[96];
    store_close(r->store);
    keyring_close(r->keys);
    for (size_t i = 0; i < sizeof FILES / sizeof FILES[0]; i++) {
        path_in(r, FILES[i], path);
        unlink(path);
    }
    rmdir(r->dir);
}

static void commit_as_before(struct vault_rig *r)
{
    uint8_t note[HEAD_NOTE_BYTES];
    store_head_note(r->store, note);
    CHECK(store_commit(r->store, note) == OK);
}

void rig_commit(struct vault_rig *r)
{
    static const uint8_t NOTE[HEAD_NOTE_BYTES];
    CHECK(store_commit(r->store, NOTE) == OK);
}

void rig_write(struct vault_rig *r, enum family f, struct span key, struct span value)
{
    txn_put(store_begin(r->store), f, key, value);
    commit_as_before(r);
}

void rig_delete(struct vault_rig *r, enum family f, struct span key)
{
    txn_delete(store_begin(r->store), f, key);
    commit_as_before(r);
}

void rig_flip(struct vault_rig *r, enum family f, struct span key, size_t at, uint8_t bits)
{
    uint8_t room[4096];
    struct buf value = buf_of(room, sizeof room);
    CHECK(store_get(r->store, f, key, &value) == OK && at < value.n);
    room[at] ^= bits;
    rig_write(r, f, key, buf_span(&value));
}

static bool count_step(void *arg, struct span key, struct span value)
{
    (void)key;
    (void)value;
    ++*(size_t *)arg;
    return true;
}

size_t rig_rows(struct vault_rig *r, enum family f)
{
    size_t count = 0;
    CHECK(store_walk(r->store, f, SPAN_EMPTY, count_step, &count) == OK);
    return count;
}

struct search {
    struct span bytes;
    bool found;
};

static bool search_step(void *arg, struct span key, struct span value)
{
    struct search *s = arg;
    s->found = span_find_span(key, s->bytes) < key.n || span_find_span(value, s->bytes) < value.n;
    return !s->found;
}

bool rig_holds(struct vault_rig *r, struct span bytes)
{
    struct search s = {bytes, false};
    for (unsigned f = 0; f < FAMILY_COUNT && !s.found; f++)
        CHECK(store_walk(r->store, (enum family)f, SPAN_EMPTY, search_step, &s) == OK);
    return s.found;
}
