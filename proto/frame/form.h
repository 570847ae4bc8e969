/* form.h - what wraps a CDR on its way through HTTP: percent-encoding, a form field, base64.
 * Results are the input itself where nothing had to be decoded, else they live in `room`. */
#ifndef CPNI_FRAME_FORM_H
#define CPNI_FRAME_FORM_H

#include "proto/core/buf.h"
#include "proto/core/diag.h"

/* %HH becomes a byte; anything else stands for itself. A '+' is never a blank: FreeSWITCH
 * encodes blanks as %20 and a '+' begins many numbers. A '%' without two hex digits stays, for
 * FreeSWITCH leaves values alone that look encoded already. ERR_LIMIT: room is full. */
MUST_CHECK enum err form_percent(struct span in, struct buf *room, struct span *out);

/* The document in a body that a switch posted: the body itself when it begins like JSON or XML
 * (the Content-Type lies, feeds.md 2.1), else the form field "cdr", percent- or base64-encoded.
 * ERR_NOTFOUND: no such field. ERR_SYNTAX: bad base64. ERR_LIMIT: room is full. */
MUST_CHECK enum err form_cdr(struct span body, struct buf *room, struct span *out, struct diag *d);

/* RFC 4648 section 4 and section 5 (the letters of JSON Web Tokens); padding may be left out.
 * ERR_SYNTAX: a foreign letter, a length that cannot be, bits set behind the last byte.
 * ERR_LIMIT: room is full. The result is always in `room`. */
MUST_CHECK enum err base64_decode(struct span in, struct buf *room, struct span *out);
MUST_CHECK enum err base64url_decode(struct span in, struct buf *room, struct span *out);

#endif
