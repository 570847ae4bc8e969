/* when.h - a time as people type it: RFC 3339 with any offset, "YYYY-MM-DD HH:MM:SS" or
 * "YYYY-MM-DD", the latter two in UTC. */
#ifndef CPNI_CTL_WHEN_H
#define CPNI_CTL_WHEN_H

#include "proto/core/instant.h"

/* Microseconds since 1970. ERR_SYNTAX: anything else. */
MUST_CHECK enum err when_parse(struct span text, int64_t *out_us);

#endif
