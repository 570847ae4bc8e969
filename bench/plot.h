/* plot.h - gnuplot as a function: a script in, an SVG out. */
#ifndef CPNI_BENCH_PLOT_H
#define CPNI_BENCH_PLOT_H

#include <stdio.h>

#include "proto/core/diag.h"

/* The program is looked for in $PATH. */
#define PLOT_PROGRAM "gnuplot"

/* Runs `program` over a script that ends with its plot command; the terminal is set already. Writes
 * what it draws to out, from "<svg" on, to stand in a page. ERR_NOTFOUND: there is no such program;
 * ERR_SYNTAX: it failed; ERR_STORE: no room for its files. */
MUST_CHECK enum err plot_svg(const char *program, const char *script, FILE *out, struct diag *d);

#endif
