/* sip_plain.h - the plain values among those libosip2 would have to judge: read here in one
 * pass, and without asking it.
 *
 * libosip2 allocates for every header; asking it about each value is most of the cost of a
 * message. A plain value is one of which it is certain beforehand that sip_uri.h reads it,
 * that sip_grammar.h agrees, and what both read: nothing escaped or folded, no blank but the
 * one that belongs there, no IPv6 literal, no password, no headers behind '?', parameters
 * without quotes and none empty. It holds no comma outside quotes, so it is the one element of
 * a list, too. That is nearly all of what switches send; of everything else these functions
 * say false, which means nothing but: ask sip_uri.h and sip_grammar.h.
 *
 * The fuzz target sip_plain holds every true against both. Spans point into the text. */
#ifndef CPNI_RECORD_SIP_PLAIN_H
#define CPNI_RECORD_SIP_PLAIN_H

#include "proto/record/sip_uri.h"

/* Longer values are left to libosip2, whose copies have a limit. */
enum { SIP_PLAIN_BYTES_MAX = 1024 };

struct sip_plain_via {
    struct span transport; /* as sent */
    struct span sent_by;   /* host, or host:port */
    struct span branch;    /* empty = none */
};

bool sip_plain_uri(struct span text, struct sip_uri *out);
/* tag: the value of the first tag=; empty = none. */
bool sip_plain_addr(struct span text, struct sip_addr *out, struct span *tag);
bool sip_plain_via(struct span text, struct sip_plain_via *out);
bool sip_plain_cseq(struct span text, uint32_t *number, struct span *method);

#endif
