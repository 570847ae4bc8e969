/* progress.h - a bar on stderr for long work, where stderr is a terminal. */
#ifndef CPNI_CTL_PROGRESS_H
#define CPNI_CTL_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct progress {
    FILE *out;   /* borrowed; NULL = not a terminal, shows nothing */
    int percent; /* as shown; -1 = nothing is */
};

/* Shows where `out` is a terminal. */
struct progress progress_on(FILE *out);
/* Draws when the percentage changed. */
void progress_show(struct progress *p, uint64_t done, uint64_t total);
/* Takes the bar away, so that a line can be printed. */
void progress_clear(struct progress *p);

#endif
