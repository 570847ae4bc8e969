/* sip_same.h - are two readings of one SIP message the same, field by field? */
#ifndef CPNI_TESTS_SIP_SAME_H
#define CPNI_TESTS_SIP_SAME_H

#include "proto/record/sip_msg.h"

bool sip_same(const struct sip_msg *a, const struct sip_msg *b);

/* Reads `in` both ways, with libosip2 judging what is not plain, and everything: same result,
 * same diag, same message. Arenas as for sip_msg_parse(). *out, *d: of the first way. */
bool sip_same_both_ways(struct span in, struct arena *a, struct arena *b, struct sip_msg *out,
                        struct diag *d, enum err *result);

#endif
