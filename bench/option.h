/* option.h - command lines as tables: an option is a row that names the member it sets, its
 * bounds and its help, so that parsing, bounds and --help cannot disagree. */
#ifndef CPNI_BENCH_OPTION_H
#define CPNI_BENCH_OPTION_H

#include <stdio.h>

#include "proto/core/diag.h"
#include "proto/core/span.h"

enum option_kind {
    OPTION_FLAG,   /* bool */
    OPTION_NUMBER, /* uint64_t, min..max */
    OPTION_REAL,   /* double, 0 < value <= max */
    OPTION_TEXT,   /* const char *, borrowed from argv */
    OPTION_CHOICE  /* unsigned: index in "a|b|c" */
};

struct option_row {
    const char *name; /* without its dashes */
    enum option_kind kind;
    const char *value; /* its name in --help; of CHOICE the choices; NULL of FLAG */
    size_t member;     /* offset in the verb's struct */
    uint64_t min, max;
    const char *help;
};

struct option_table {
    const struct option_row *row;
    size_t count;
    const char *operand;   /* its name in --help; NULL = none is taken */
    size_t operand_member; /* const char * */
    const char *second;    /* another operand; NULL = none is taken */
    size_t second_member;
};

/* Sets the members that argv names and leaves the others. ERR_SYNTAX, ERR_LIMIT: d->what tells
 * in constant words, d->at is the index in argv. ERR_NOTFOUND: --help was given. */
MUST_CHECK enum err options_parse(const struct option_table *t, int argc, char *const *argv,
                                  void *out, struct diag *d);

void options_help(const struct option_table *t, FILE *out);

#endif
