/* load.h - `cpnictl ingest FILE --feed NAME`: a file parsed in this process, its records
 * handed to the vault as an ingest worker does. */
#ifndef CPNI_CTL_LOAD_H
#define CPNI_CTL_LOAD_H

#include "vault/ctl/ctl.h"

ctl_fn load_run;

#endif
