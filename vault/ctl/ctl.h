/* ctl.h - cpnictl: what its parts share. One command a run; a client without keys and
 * without a database (init excepted, which makes both).
 *
 * Data goes to stdout, everything else to stderr. No error echoes a value that was typed or
 * read: a terminal's history and a log of stderr are no place for numbers dialled. */
#ifndef CPNI_CTL_CTL_H
#define CPNI_CTL_CTL_H

#include <stdio.h>

#include "proto/wire/control.h"

enum ctl_format { FORMAT_TABLE, FORMAT_JSON, FORMAT_CSV };

struct ctl {         /* of one run */
    FILE *out, *err; /* borrowed */
    const char *socket_path;
    enum ctl_format format;
};

enum option_kind {
    OPTION_FLAG, /* no value; sent as "1" */
    OPTION_TEXT,
    OPTION_NUMBER, /* decimal digits */
    OPTION_TIME,   /* when.h; sent as microseconds since 1970 */
    OPTION_CHOICE, /* one of the words of `value`, which has them with '|' between */
    OPTION_LOCAL   /* text that stays in this process: file names, endpoints */
};

struct ctl_option {
    const char *name; /* without dashes; the argument's name in the request, too */
    enum option_kind kind;
    const char *value; /* what the help calls the value */
    bool required;
    const char *help;
};

struct ctl_args;
/* Gives an exit code: enum control_status. */
typedef int ctl_fn(const struct ctl *c, const struct ctl_args *a);

struct ctl_verb {
    const char *words;       /* "calls list": also the verb of the request */
    const char *operand;     /* what the help calls it; NULL = takes none */
    const char *operand_arg; /* its name in the request; NULL = not sent */
    const char *help;
    const struct ctl_option *option;
    size_t options_count;
    ctl_fn *run;
};
enum { CTL_OPTIONS_MAX = 12 };

struct ctl_args {
    const struct ctl_verb *verb;
    const char *operand;                /* NULL = not given */
    const char *value[CTL_OPTIONS_MAX]; /* by index of the verb's options; "1" for a flag */
};
/* Value of an option of the verb; NULL = not given. */
const char *ctl_arg(const struct ctl_args *a, const char *name);

/* "cpnictl: what" on stderr; gives the status back. */
int ctl_fail(const struct ctl *c, enum control_status status, const char *what);
/* Exit code of an error of this program's own work. */
enum control_status ctl_status(enum err e);

/* One run: argv as main() has it. */
int ctl_run(int argc, char **argv, FILE *out, FILE *err);

#endif
