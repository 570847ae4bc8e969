/* init.h - `cpnictl init` and `cpnictl recover`: a new vault in a directory, and the way on with
 * a damaged one. The commands that work without the daemon: they link the vault itself. */
#ifndef CPNI_CTL_INIT_H
#define CPNI_CTL_INIT_H

#include "vault/ctl/ctl.h"

ctl_fn init_run, recover_run;

#endif
