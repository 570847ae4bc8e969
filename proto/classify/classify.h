/* classify.h - record -> classified record. Runs right behind the parser, in place, so that a
 * secret never outlives the frame it came in (I5).
 *
 * Parsers know nothing of classes: what they do not map they add as extras with field 0 and
 * the sender's name. Here each extra gets its row of the table; those to drop leave. */
#ifndef CPNI_CLASSIFY_CLASSIFY_H
#define CPNI_CLASSIFY_CLASSIFY_H

#include "proto/classify/derive.h"
#include "proto/classify/field.h"

/* How many extras met which fate, for metrics. Canonical fields are not counted: they are the
 * same in every record. */
struct classify_counts {
    uint64_t by_handling[HANDLING_COUNT];
    uint64_t unknown; /* rule zero: sealed, but somebody should name it (I1) */
    uint64_t cut;     /* numbers from which digits dialled behind them were removed */
};

/* Gives each extra its field id and removes those to drop, and what is dialled behind numbers in
 * the others; order is kept. An id that the parser has already set stays. */
void classify_extras(enum feed_kind kind, struct extra extra[], size_t *count,
                     struct classify_counts *counts);

/* All of it: extras; digits behind the number cut off; numbers normalised and enums derived
 * (derive.h, into `room`, DERIVE_ROOM_BYTES, which must live as long as the record); the
 * record bounded (record_bound()). */
void classify_record(struct record *r, const struct derive_rules *rules, struct buf *room,
                     struct classify_counts *counts);

#endif
