/* sdp.h - what a call record keeps of a session description (RFC 4566, RFC 8866): the first
 * active medium, its address, its first codec, and whether it is on hold.
 *
 * Keys are skipped before anything else looks at their line and counted (I5; cpni-rules B3):
 * they would decrypt the conversation. The rest of the description is not kept. */
#ifndef CPNI_RECORD_SDP_H
#define CPNI_RECORD_SDP_H

#include "proto/record/call.h"

struct sdp {
    struct ip media_ip; /* of the first medium, else of the session */
    enum media_kind media_kind;
    struct span codec; /* encoding name; points into the text or to a constant */
    bool hold;         /* sendonly, inactive or c=0.0.0.0: RFC 3264 8.4, RFC 2543 B.5 */
    unsigned secrets_dropped;
};

/* The description in a message body: the body itself, or its first application/sdp part.
 * RFC 2046 5.1: boundary; parts may be nested. Empty: there is none. */
struct span sdp_in_body(struct span content_type, struct span body);

/* ERR_SYNTAX: does not begin with v=0 or has a line that is not "letter=". Secrets are
 * counted in *out also then. */
MUST_CHECK enum err sdp_parse(struct span text, struct sdp *out, struct diag *d);

#endif
