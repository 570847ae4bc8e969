/* vault_fixture.h - a vault of its own in a folder of its own, spoken to over a local link:
 * the verbs of a test. One fixture a test program; it changes the working directory. */
#ifndef CPNI_TESTS_VAULT_FIXTURE_H
#define CPNI_TESTS_VAULT_FIXTURE_H

#include "proto/record/call.h"
#include "proto/wire/batch.h"
#include "proto/wire/control.h"
#include "vault/local.h"

enum { FIX_FRAMES_MAX = 8192, FIX_COLUMNS_MAX = 160 };

struct fix_frame {
    enum frame_type type;
    uint32_t id;
    size_t n;
    uint8_t *p; /* owned */
};

struct fix {
    char dir[64];
    struct vault_options options;
    struct vault *vault;
    struct vault_link *link;
    struct peer peer;
    int64_t now_us;       /* the vault's clock */
    int64_t monotonic_us; /* ... that is never set */
    uint32_t next_id;
    size_t frames_count; /* of the last exchange */
    struct fix_frame frame[FIX_FRAMES_MAX];
    uint8_t *batch_bytes;
    struct buf batch;
};

/* A peer who may do everything: all roles, ingest, forward. */
struct peer fix_peer_all(void);

void fix_init(struct fix *f, const struct peer *p); /* makes folder and vault, opens it */
void fix_done(struct fix *f);                       /* closes, removes the folder */
void fix_reopen(struct fix *f, bool clean);         /* clean = false: as after a crash */
void fix_as(struct fix *f, const struct peer *p);   /* from now on spoken to as p */

/* Sends one frame; the answers are in f->frame. */
enum err fix_send(struct fix *f, enum frame_type type, struct span payload);
const struct fix_frame *fix_find(const struct fix *f, enum frame_type type); /* NULL: none */

/* HELLO for one feed; its number. */
uint16_t fix_hello(struct fix *f, const char *feed, uint8_t kind);

/* A plausible answered call: 555 numbers, 61.5 s at t (microseconds). */
void fix_call(struct record *r, uint16_t feed, const char *from, const char *to, int64_t t,
              const char *dedup);
void fix_add(struct fix *f, const struct record *r); /* to the batch being built */
struct receipt fix_commit(struct fix *f);            /* sends it, gives its receipt */

/* A request: verb, then name, value, ..., NULL. Gives the END status. */
enum control_status fix_ask(struct fix *f, const char *verb, ...);
const char *fix_end_text(const struct fix *f);
size_t fix_rows(const struct fix *f);
/* Cell of the row-th ROW under that column, NUL-terminated in a static buffer; "" when the
 * column or the row is not there. */
const char *fix_cell(const struct fix *f, size_t row, const char *column);

/* Imports lines "customer,account,kind,value" (no header); the END status. */
enum control_status fix_import(struct fix *f, const char *lines);

/* All usage rows, as text sorted by content: equal texts mean equal totals. Caller frees. */
char *fix_usage(struct fix *f);

/* Does any file below the folder contain the bytes? Searches plain and lower-case hex. */
bool fix_disk_has(const struct fix *f, struct span bytes);

#endif
