/* sip_stream.h - where SIP messages begin and end (RFC 3261 7, 18.3; RFC 5626 3.5.1). Knows
 * start lines, the end of the head and Content-Length; everything else is sip_msg.h's. */
#ifndef CPNI_FRAME_SIP_STREAM_H
#define CPNI_FRAME_SIP_STREAM_H

#include "proto/core/diag.h"
#include "proto/core/limits.h"
#include "proto/core/span.h"

/* The longest start line we look for the end of. RFC 3261 sets no limit; a URI with a
 * multi-kilobyte path is real (there is one in the test corpus). */
enum { SIP_START_LINE_BYTES_MAX = 16 * 1024 };

/* Does `in` begin with a request or status line? OK: yes. ERR_MORE: not yet decided.
 * ERR_SYNTAX: no. Looks at the form only, so new methods pass. */
MUST_CHECK enum err sip_start(struct span in);

struct sip_stream_item {
    struct span message; /* empty: keep-alives only (CR LF, RFC 5626 4.4.1) */
    size_t used;         /* bytes of the input, keep-alives before the message included */
    size_t skip;         /* bytes that follow them and belong to a body too large to keep */
};

/* The next message of a stream. A body that would take the message over SIP_MESSAGE_BYTES_MAX
 * is left out (skip > 0) as soon as the head is complete: we keep no bodies.
 * A message without Content-Length has no body.
 * ERR_MORE: read on. ERR_SYNTAX: no start line here, a Content-Length that is no number, or two
 * that differ. ERR_LIMIT: the head alone exceeds SIP_MESSAGE_BYTES_MAX. */
MUST_CHECK enum err sip_stream_next(struct span in, struct sip_stream_item *out, struct diag *d);

/* Behind an error, or where a capture begins amid a connection: the first place behind a line
 * end where a message may begin; in.n when there is none. */
size_t sip_stream_resync(struct span in);

#endif
