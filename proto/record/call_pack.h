/* call_pack.h - a call record in few bytes, for calls that wait for their end. Private to
 * the dialog table and its checkpoints; the wire has its own form (proto/wire).
 *
 *   packed = item*       item = [1] tag, then by the type of the tag's row in call.def:
 *     U8, ENUM [1]   U16 [2]   U32, MS [4]   U64, TS [8]   STR lv   IP lv of 4 or 16
 *   tag 0 = an extra: be16 field, lv(name), lv(value)
 * Absent fields have no item; a later item of a tag replaces an earlier one. */
#ifndef CPNI_RECORD_CALL_PACK_H
#define CPNI_RECORD_CALL_PACK_H

#include "proto/core/buf.h"
#include "proto/record/call.h"

void call_pack(const struct call *c, struct buf *b);
void call_pack_extra(const struct extra *x, struct buf *b);

/* Adds the items to *r; spans point into `in`. ERR_SYNTAX. */
MUST_CHECK enum err call_unpack(struct span in, struct record *r, struct diag *d);

#endif
