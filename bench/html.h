/* html.h - results as one page that needs nothing else: machine, limits, goals, plots, all figures.
 */
#ifndef CPNI_BENCH_HTML_H
#define CPNI_BENCH_HTML_H

#include <stdio.h>

#include "bench/document.h"

/* ERR_NOTFOUND: there is no gnuplot; ERR_SYNTAX: it failed; ERR_NOMEM. d->what tells which. */
MUST_CHECK enum err html_write(const struct document *d, FILE *out, struct diag *diag);

#endif
