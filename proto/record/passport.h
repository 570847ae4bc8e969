/* passport.h - the caller's identity assertion: an Identity header (RFC 8224) holding a
 * PASSporT (RFC 8225), with the SHAKEN claims (RFC 8588).
 *
 *   base64url(header) . base64url(payload) . signature ;info=<uri>;alg=ES256;ppt=shaken
 *
 * Decoded, not verified: verification needs certificates and a network. The compact form has
 * no header and no payload (RFC 8225 section 7): that it was there is all it says. */
#ifndef CPNI_RECORD_PASSPORT_H
#define CPNI_RECORD_PASSPORT_H

#include "proto/core/buf.h"
#include "proto/record/call.h"

struct passport {
    bool compact;
    enum stir_attest attest;     /* 0 = no such claim */
    struct span orig_tn, origid; /* in the caller's room */
    uint32_t iat;                /* seconds since 1970; 0 = none */
};

/* ERR_SYNTAX, ERR_MORE: not of this form. ERR_LIMIT: `room` is full; twice value.n always
 * suffices. */
MUST_CHECK enum err passport_parse(struct span value, struct buf *room, struct passport *out,
                                   struct diag *d);

#endif
