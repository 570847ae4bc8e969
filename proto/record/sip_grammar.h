/* sip_grammar.h - libosip2's judgement of what sip_uri.h read (the only user of libosip2).
 * Values of which the judgement is certain are not brought here: sip_plain.h.
 *
 * The scanner finds the spans, the library parses the same text on its own; a value that
 * either refuses, or that the two read differently, is refused. A number that two programs
 * read differently is how one customer's call gets into another one's records.
 *
 * The library wants NUL-terminated text and allocates; text is copied to the stack, what it
 * allocated is freed before return. */
#ifndef CPNI_RECORD_SIP_GRAMMAR_H
#define CPNI_RECORD_SIP_GRAMMAR_H

#include "proto/record/sip_uri.h"

/* Longest value judged; RFC 4475's longest header has under 1 KiB. */
enum { SIP_VALUE_BYTES_MAX = 8 * 1024 };

/* ERR_SYNTAX: refused or read differently. ERR_LIMIT: over SIP_VALUE_BYTES_MAX. */
MUST_CHECK enum err sip_grammar_uri(struct span text, const struct sip_uri *ours);
MUST_CHECK enum err sip_grammar_addr(struct span text, const struct sip_addr *ours);
MUST_CHECK enum err sip_grammar_via(struct span text, struct span host, struct span branch);
MUST_CHECK enum err sip_grammar_cseq(struct span text, uint32_t number, struct span method);

#endif
