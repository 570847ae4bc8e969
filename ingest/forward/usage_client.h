/* usage_client.h - the other end of the usage protocol: what cpnictl, tests and benchmarks
 * pull with, in the way that a billing system would (DEALER, CURVE, one request in flight).
 * Blocking; belongs to one thread. */
#ifndef CPNI_FORWARD_USAGE_CLIENT_H
#define CPNI_FORWARD_USAGE_CLIENT_H

#include "ingest/forward/key_file.h"
#include "proto/wire/cu1.h"

struct usage_client;
/* Borrows nothing. The connection is made in the background. ERR_SYNTAX: the key file lacks
 * the server's key or the endpoint. ERR_NET: the endpoint is no address. */
MUST_CHECK enum err usage_client_new(const struct key_file *k, struct usage_client **out,
                                     struct diag *d);
struct usage_client *usage_client_free(struct usage_client *c);

/* One request and its answer, also an answer of kind CU1_ERROR; it is valid until the next
 * call. ERR_DENIED: the server does not know the key. ERR_NET: no answer in timeout_ms (the
 * request is forgotten; both requests may be sent again without harm). ERR_SYNTAX: the
 * answer is not one of CU1. */
MUST_CHECK enum err usage_client_call(struct usage_client *c, const struct cu1_request *q,
                                      int timeout_ms, struct cu1_answer *out, struct diag *d);

#endif
