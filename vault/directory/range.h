/* range.h - a range of numbers as the fewest prefixes that cover it and nothing else. */
#ifndef CPNI_DIRECTORY_RANGE_H
#define CPNI_DIRECTORY_RANGE_H

#include "proto/core/span.h"

enum {
    RANGE_DIGITS_MAX = 18, /* E.164 has at most 15; a uint64_t counts 19 */
    PREFIX_BYTES_MAX = 1 + RANGE_DIGITS_MAX
};

/* Gets a prefix, "+1212555"; an error ends the walk. The span is valid during the call. */
typedef enum err prefix_fn(void *arg, struct span prefix);

/* "+1212555", or "A-B" with equally many digits and A <= B: "+12125550100-+12125550149". The
 * second + may be left out. At most 18 prefixes a digit. ERR_SYNTAX: anything else; else what
 * fn said. */
MUST_CHECK enum err range_prefixes(struct span range, prefix_fn *fn, void *arg);

#endif
