/* args.h - the command line, read by the rows of verbs.h. */
#ifndef CPNI_CTL_ARGS_H
#define CPNI_CTL_ARGS_H

#include "vault/ctl/ctl.h"

enum { ARGS_WORDS_BYTES = 64 };

struct ctl_line {
    char words[ARGS_WORDS_BYTES]; /* "usage consumer": as far as they were given */
    struct ctl_args args;         /* args.verb NULL: no whole command */
    bool help, version;
    const char *socket_path; /* NULL = not given */
    enum ctl_format format;
};

/* OK, also when help is asked for and the rest is incomplete. ERR_SYNTAX: d->what tells, in
 * constant words; d->at is the index in argv. Values are borrowed from argv. */
MUST_CHECK enum err args_parse(int argc, char *const *argv, struct ctl_line *out, struct diag *d);

/* Is the word one of "a|b|c"? */
bool args_choice(const char *choices, const char *word);

#endif
