/* machine.h - where a figure was measured: without it nobody can tell whether another figure is
 * better or only elsewhere. */
#ifndef CPNI_BENCH_MACHINE_H
#define CPNI_BENCH_MACHINE_H

#include "proto/core/buf.h"

enum { MACHINE_FACTS_MAX = 24, MACHINE_NAME_BYTES = 24, MACHINE_VALUE_BYTES = 128 };

struct machine {
    size_t count;
    struct machine_fact {
        char name[MACHINE_NAME_BYTES], value[MACHINE_VALUE_BYTES];
    } fact[MACHINE_FACTS_MAX];
};

/* dir: where the database lies. What cannot be read is "unknown". */
void machine_read(const char *dir, struct machine *out);

/* The load average of now, as one more fact: others' work is part of a figure. */
void machine_add_load(struct machine *m, const char *name);

/* One more; left out when there are too many. Longer texts are cut. */
void machine_add(struct machine *m, struct span name, struct span value);

/* NULL: there is no such fact. */
const char *machine_fact(const struct machine *m, const char *name);

#endif
