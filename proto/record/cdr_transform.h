/* cdr_transform.h - one text of a switch -> one member of the canonical record, by the transforms
 * of cdr_map.h. */
#ifndef CPNI_RECORD_CDR_TRANSFORM_H
#define CPNI_RECORD_CDR_TRANSFORM_H

#include "proto/core/buf.h"
#include "proto/record/cdr_map.h"
#include "proto/record/zone.h"

struct cdr_text {
    struct span text; /* not empty */
    const struct cdr_rule *rule;
    const struct cdr_map *map; /* of the rule */
    const struct zone *zone;   /* of local times */
    struct buf *room;          /* for what has to be decoded */
};

/* Sets the rule's field, and the bits of time_quality that a time brings. False: the text is not
 * of the transform's form, *c is as it was. */
bool cdr_transform(const struct cdr_text *t, struct call *c);

#endif
