/* batch.h - what ingest hands to the vault: operations that become durable together, and
 * the receipt that says they did. Also the greeting.
 *
 *   batch   = op*
 *   op      = [1] kind, then
 *     1 RECORD       lv(record_wire.h record)
 *     2 CURSOR       be16 feed id, lv(key), lv(value)      where a source goes on
 *     3 LIVE_PUT     be16 feed id, lv(key), lv(value)      a dialog that must live on
 *     4 LIVE_DELETE  be16 feed id, lv(key)
 *   receipt = [1] status (enum err), varint accepted, duplicate, unassigned, refused
 *   hello   = (lv(feed name), [1] feed kind)*            kind 0: whatever the vault knows
 *   welcome = be16 feed id, [1] feed kind, lv(feed name), then lv(key) lv(value) of each cursor
 *
 * A batch is applied whole or not at all; applying it again changes nothing. */
#ifndef CPNI_WIRE_BATCH_H
#define CPNI_WIRE_BATCH_H

#include "proto/core/buf.h"
#include "proto/core/diag.h"
#include "proto/core/limits.h"
#include "proto/core/reader.h"

enum batch_op_kind { BATCH_RECORD = 1, BATCH_CURSOR, BATCH_LIVE_PUT, BATCH_LIVE_DELETE };

struct batch_op {
    enum batch_op_kind kind;
    uint16_t feed_id;  /* not of RECORD */
    struct span key;   /* not of RECORD */
    struct span value; /* of RECORD: the record */
};

/* Writers leave b full when it does not fit. */
void batch_put_record(struct buf *b, struct span record);
void batch_put_cursor(struct buf *b, uint16_t feed_id, struct span key, struct span value);
void batch_put_live(struct buf *b, uint16_t feed_id, struct span key, struct span value);
void batch_delete_live(struct buf *b, uint16_t feed_id, struct span key);

/* The next operation of a batch; reader_more() says whether there is one. */
MUST_CHECK enum err batch_next(struct reader *r, struct batch_op *out, struct diag *d);

struct receipt {
    enum err status;
    uint32_t accepted, duplicate, unassigned, refused;
};
void receipt_encode(const struct receipt *r, struct buf *b);
MUST_CHECK enum err receipt_decode(struct span in, struct receipt *out, struct diag *d);

#endif
