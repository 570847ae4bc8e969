/* knob.h - the table of settings (knobs.def) and how one value is read and described. */
#ifndef CPNI_CPNID_KNOB_H
#define CPNI_CPNID_KNOB_H

#include "ingest/cpnid/config.h"
#include "proto/core/buf.h"

enum knob_kind {
    KNOB_COUNT,
    KNOB_MS,
    KNOB_S,
    KNOB_BYTES,
    KNOB_BOOL,
    KNOB_TEXT,
    KNOB_DIGITS,
    KNOB_PATH,
    KNOB_ADDRESS,
    KNOB_PERIOD,
    KNOB_INCREMENTS,
    KNOB_FEED_KIND,
    KNOB_NUMBER_PLAN,
    KNOB_KIND_COUNT
};

struct knob {
    const char *name;
    enum knob_kind kind;
    uint64_t min, max; /* of the number, or of the bytes of a text */
    const char *preset, *help;
    size_t offset; /* of the member, in struct config or struct config_feed */
};

struct knob_table {
    const struct knob *row;
    size_t count; /* at most 64: a set of rows is a bit mask */
};
extern const struct knob_table CONFIG_KNOBS, FEED_KNOBS;

/* Row of that name; table.count when there is none. */
size_t knob_find(struct knob_table t, struct span name);

/* Reads text into the member of `object`. ERR_SYNTAX, ERR_LIMIT: knob_wants() says what
 * would have been right; the member is unchanged. */
MUST_CHECK enum err knob_set(const struct knob *k, struct span text, void *object);

/* Every row at its default. */
void knobs_default(struct knob_table t, void *object);

/* "milliseconds, 1 to 1000" */
void knob_wants(const struct knob *k, struct buf *out);

#endif
