/* record_wire.h - a classified record as bytes: between processes, and inside the seal.
 *
 *   record  = lv(core) lv(location) lv(dedup)        lv = varint length, bytes
 *   core, location = item*                            extras behind, in the sender's order
 *   item    = varint tag, lv(value)
 *   tag     1..255   a row of call.def; integers big-endian without leading zero bytes,
 *                    TS as zigzag integer, IP 16 bytes (4 for IPv4), STR as is
 *           256 + f  an extra with field id f (classify/field.h); of an id that stands for many
 *                    names (field_is_pattern(): rule zero, f = 0) the value is lv(name) bytes
 * location holds the fields of letter L and the extras with handling SEAL-L: they are
 * sealed under a key of their own (47 USC 222(f)). dedup is not stored.
 * An unknown tag below 256 is skipped (a later minor version wrote it). A reader takes items in
 * any order, so that parts can be put together, but a canonical tag only once a part. Extras
 * whose row says DROP are never written (I5). */
#ifndef CPNI_WIRE_RECORD_WIRE_H
#define CPNI_WIRE_RECORD_WIRE_H

#include "proto/core/buf.h"
#include "proto/core/reader.h"
#include "proto/record/call.h"

/* The three parts, borrowed from the encoded bytes. */
struct record_parts {
    struct span core, location, dedup;
};

/* ERR_LIMIT: b is too small, b unchanged. RECORD_BYTES_MAX always fits a record after
 * record_bound() with a key of at most FIELD_BYTES_MAX. */
MUST_CHECK enum err record_encode(const struct record *r, struct buf *b);
MUST_CHECK enum err record_split(struct span wire, struct record_parts *out, struct diag *d);

/* Adds the items of one part to *r (record_reset first); spans borrow `items`, names of extras
 * are static. ERR_SYNTAX; ERR_LIMIT: more than EXTRAS_MAX extras. */
MUST_CHECK enum err record_decode_items(struct span items, struct record *r, struct diag *d);

/* One canonical field as an item, for what the vault fills in itself. */
void record_put_uint(struct buf *b, unsigned tag, uint64_t value);

#endif
