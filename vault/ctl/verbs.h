/* verbs.h - every command of cpnictl, one row each: parsing, --help and the request come
 * from the row. cpnictl.1 has the same list; a test compares them. */
#ifndef CPNI_CTL_VERBS_H
#define CPNI_CTL_VERBS_H

#include "vault/ctl/ctl.h"

extern const struct ctl_verb CTL_VERBS[];
extern const size_t CTL_VERBS_COUNT;

/* Options that every command takes, before or behind its words. */
extern const struct ctl_option CTL_GLOBALS[];
extern const size_t CTL_GLOBALS_COUNT;

/* How many commands begin with these words ("usage consumer"), and the one that is them. */
size_t verbs_under(const char *words, const struct ctl_verb **out_exact);

#endif
