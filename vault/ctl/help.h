/* help.h - what --help prints, from the rows of verbs.h. */
#ifndef CPNI_CTL_HELP_H
#define CPNI_CTL_HELP_H

#include "vault/ctl/ctl.h"

/* Of one command, or of all that begin with these words; "" = all. */
void help_print(const char *words, FILE *out);

#endif
