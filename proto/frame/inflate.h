/* inflate.h - bounded decompression of zlib and gzip (RFC 1950, 1952; told apart by the head).
 * What comes out is limited twice: in bytes, by the caller's memory, and by
 * INFLATE_RATIO_MAX times what went in, so that a small bomb buys little time. */
#ifndef CPNI_FRAME_INFLATE_H
#define CPNI_FRAME_INFLATE_H

#include "proto/core/buf.h"
#include "proto/core/diag.h"
#include "proto/core/limits.h"

/* SIP and JSON text shrink 3 to 20 times; deflate can reach 1032. The first
 * INFLATE_FREE_BYTES of a member are not held against it. */
enum { INFLATE_RATIO_MAX = 100, INFLATE_FREE_BYTES = 4096 };

struct inflater; /* belongs to one thread; about 40 KB, taken once and reused */

MUST_CHECK enum err inflater_new(struct inflater **out_inflater); /* ERR_NOMEM */
struct inflater *inflater_free(struct inflater *f);               /* wipes; returns NULL */

/* One whole item into `out`, which is emptied first; ends any stream in progress.
 * ERR_SYNTAX: damaged, cut short, or bytes behind its end. ERR_LIMIT: out->cap or
 * INFLATED_BYTES_MAX or the ratio is exceeded. */
MUST_CHECK enum err inflater_whole(struct inflater *f, struct span in, struct buf *out,
                                   struct diag *d);

/* A stream of members back to back, without any length around them (heplify over TCP).
 * inflater_reset() begins it; inflater_feed() appends to `out` and takes from *in what it used.
 * OK: all of *in is used. ERR_FULL: out is full; take from it and call again. ERR_SYNTAX,
 * ERR_LIMIT: close the connection. */
void inflater_reset(struct inflater *f);
MUST_CHECK enum err inflater_feed(struct inflater *f, struct span *in, struct buf *out,
                                  struct diag *d);

#endif
