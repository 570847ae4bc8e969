/* init.h - `cpnictl init`: a new vault in a directory. The one command that works without
 * the daemon: it links the vault itself. */
#ifndef CPNI_CTL_INIT_H
#define CPNI_CTL_INIT_H

#include "vault/ctl/ctl.h"

ctl_fn init_run;

#endif
