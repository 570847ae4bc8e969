/* diag.h - where and why an input was refused: a constant sentence and a byte offset.
 * No value of a field ever enters a diag: it is printed in logs, and a log full of
 * numbers dialled is a breach. */
#ifndef CPNI_CORE_DIAG_H
#define CPNI_CORE_DIAG_H

#include <stddef.h>

#include "proto/core/err.h"

struct diag {
    const char *what; /* constant string: "chunk header", "column 10" */
    size_t at;        /* byte offset in the item that was refused */
};

/* Fills d (which may be NULL) and gives e back, so that parsers can `return diag_set(...)`. */
static inline enum err diag_set(struct diag *d, enum err e, const char *what, size_t at)
{
    if (d) {
        d->what = what;
        d->at = at;
    }
    return e;
}

#endif
