/* json_text.h - bytes of strangers as a JSON string (RFC 8259 7): quotes, backslashes and
 * control characters escaped, invalid UTF-8 repaired with U+FFFD. */
#ifndef CPNI_CORE_JSON_TEXT_H
#define CPNI_CORE_JSON_TEXT_H

#include "proto/core/buf.h"

/* The string with its quotes. */
void buf_json(struct buf *b, struct span text);

/* Bytes of the well-formed UTF-8 sequence at the start of s (RFC 3629), 0 if there is none. */
size_t utf8_sequence(struct span s);

#endif
