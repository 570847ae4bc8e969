/* record_text.h - a record as lines, for comparing with the expected text beside a fixture:
 * "name value" of each canonical field that is there, "extra name value", "key ...". Times as
 * RFC 3339; a NUL byte, and any control byte of a key, as '|'. */
#ifndef CPNI_TESTS_RECORD_TEXT_H
#define CPNI_TESTS_RECORD_TEXT_H

#include "proto/core/buf.h"
#include "proto/record/call.h"

void record_text(const struct record *r, struct buf *out);

#endif
