/* usage.h - `cpnictl usage ...`: consumers of usage totals, and a pull as billing does it. */
#ifndef CPNI_CTL_USAGE_H
#define CPNI_CTL_USAGE_H

#include "proto/wire/pull.h"
#include "vault/ctl/ctl.h"

ctl_fn consumer_add_run;
ctl_fn usage_pull_run;

/* A usage row as payloads of COLUMNS and ROW, for table.h. ERR_LIMIT: b is full. */
MUST_CHECK enum err usage_put_columns(struct buf *b);
MUST_CHECK enum err usage_put_row(const struct pull_row *row, struct buf *b);

#endif
