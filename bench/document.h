/* document.h - what `--json` writes and compare, report and scripts read: the machine and any
 * number of series.
 *
 *   {"format": 1, "machine": {name: text}, "series": [
 *     {"name", "mode", "bound": text, "passed": bool, "runs": n,
 *      "figures": {name: {"unit", "better": "higher"|"lower"|"", "decimals", "median", "min",
 * "max", "low", "high", "run": [a value a run]}}, "curve_ms": [at the shares of SERIES_CURVE],
 * "timeline": [[us, durable, us, KiB, us]]}]}
 *
 * Medians and intervals are for scripts; a reader makes them again from the runs. */
#ifndef CPNI_BENCH_DOCUMENT_H
#define CPNI_BENCH_DOCUMENT_H

#include <stdio.h>

#include "bench/machine.h"
#include "bench/series.h"
#include "proto/core/diag.h"

enum { DOCUMENT_SERIES_MAX = 32, DOCUMENT_FORMAT = 1 };

struct document {
    struct machine machine;
    size_t count;
    struct series *series[DOCUMENT_SERIES_MAX]; /* owned */
};

void document_done(struct document *d);

/* Takes it. ERR_LIMIT: too many; it is freed. ERR_NOMEM: s is NULL. */
MUST_CHECK enum err document_add(struct document *d, struct series *s);
const struct series *document_series(const struct document *d, const char *name); /* or NULL */

void document_write(const struct document *d, FILE *out);
/* "-" is standard output. ERR_STORE. */
MUST_CHECK enum err document_save(const struct document *d, const char *path);

/* ERR_SYNTAX, ERR_LIMIT: not such a document, or one of another format. */
MUST_CHECK enum err document_parse(struct span text, struct document *out, struct diag *d);
/* ERR_NOTFOUND: no such file. */
MUST_CHECK enum err document_load(const char *path, struct document *out, struct diag *d);

#endif
