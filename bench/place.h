/* place.h - the folder a run works in: an empty vault in it, and what becomes of it. */
#ifndef CPNI_BENCH_PLACE_H
#define CPNI_BENCH_PLACE_H

#include "vault/local.h"

enum { PLACE_BYTES = 256 };

struct place {
    char dir[PLACE_BYTES]; /* holds state/, and what the feeds need */
    char state[PLACE_BYTES + 8];
    bool keep;
};

/* dir NULL: a new folder in $TMPDIR or /tmp. Else it is made, and must not hold a state yet. The
 * vault in it is created. ERR_CONFLICT, ERR_STORE: d->what. */
MUST_CHECK enum err place_new(const char *dir, bool keep, struct place *out, struct diag *d);
/* Where folders are made that nobody named: $TMPDIR or /tmp. */
const char *place_parent(void);

/* A new folder in `in` (NULL: place_parent()) without a vault. ERR_STORE, ERR_LIMIT. */
MUST_CHECK enum err place_folder(const char *in, struct place *out);
/* Removed, unless it is to be kept. */
void place_done(struct place *p);

/* DIR/name. */
void place_path(const struct place *p, const char *name, char out[static 2 * PLACE_BYTES]);

#endif
