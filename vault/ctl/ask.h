/* ask.h - the commands that are one request and one listing: their row of verbs.h says all. */
#ifndef CPNI_CTL_ASK_H
#define CPNI_CTL_ASK_H

#include "vault/ctl/ctl.h"

ctl_fn ask_run;
/* `calls list`: a table shows few columns unless all are asked for. */
ctl_fn calls_run;

/* The request of a command: its words and options. ERR_LIMIT: b is full. */
MUST_CHECK enum err ask_put(const struct ctl_args *a, struct buf *b);

#endif
