/* rows.h - what a consumer of usage totals keeps: the newest revision of each row. The totals of an
 * account that calls while they are pulled come twice, the second time with all of the first. */
#ifndef CPNI_BENCH_ROWS_H
#define CPNI_BENCH_ROWS_H

#include "bench/truth.h"

struct rows {
    size_t count, cap;    /* cap is a power of two */
    struct rows_row *row; /* owned; open addressing */
};

MUST_CHECK enum err rows_init(struct rows *r); /* ERR_NOMEM */
void rows_done(struct rows *r);

/* Takes the place of an older revision of the same account, period and kinds. ERR_NOMEM. */
MUST_CHECK enum err rows_take(struct rows *r, const struct pull_row *row);

/* Adds all of them. */
void rows_sum(const struct rows *r, struct truth *out);

#endif
