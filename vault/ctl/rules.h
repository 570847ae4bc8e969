/* rules.h - the number plan of a command's options --number-plan and --country-code. */
#ifndef CPNI_CTL_RULES_H
#define CPNI_CTL_RULES_H

#include "proto/classify/number.h"
#include "vault/ctl/ctl.h"

/* Without the options: NANP. The table of area codes is left out. */
void rules_from_args(const struct ctl_args *a, struct number_rules *out);

#endif
