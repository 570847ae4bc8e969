/* cdr_record.h - a call detail record of a switch -> canonical record. Which column or variable
 * becomes what is data: cdr_maps.def.
 *
 * Results borrow from the input and from `room`, which the caller empties when the record has
 * been encoded. The caller sets feed_id and t_receive. Extras have field 0: classify_record()
 * follows at once. Errors name the column or member, never its value. */
#ifndef CPNI_RECORD_CDR_RECORD_H
#define CPNI_RECORD_CDR_RECORD_H

#include "proto/core/buf.h"
#include "proto/frame/csv.h"
#include "proto/record/call.h"
#include "proto/record/zone.h"

/* Asterisk itself writes no line over 1023 bytes; four times that is the longest that is read. */
enum { CDR_LINE_BYTES_MAX = 4096 };

/* Room that always suffices: the key of the record; a document's values, once without their
 * backslashes and once without their percent signs, and its applications. */
enum {
    CDR_ASTERISK_ROOM_BYTES = CDR_LINE_BYTES_MAX,
    CDR_FREESWITCH_ROOM_BYTES = 2 * HTTP_BODY_BYTES_MAX + 4096
};

/* Asterisk cdr_csv (16 to 21 columns) or the shipped cdr_custom layout (18 or 19 columns, clid
 * first); which one is told by the columns that hold dates (feeds.md 3.1, 3.2). `line` is the
 * record's bytes, without its line end.
 * A zone of NULL means that the feed names none: UTC is taken, and time_quality says so.
 * ERR_SYNTAX: neither layout, or a column that must be a date or number is none (d->at is the
 * column, from 0); ERR_LIMIT: over CDR_LINE_BYTES_MAX. */
MUST_CHECK enum err cdr_asterisk(const struct csv_row *row, struct span line,
                                 const struct zone *zone, struct buf *room, struct record *out,
                                 struct diag *d);

/* A FreeSWITCH mod_json_cdr document (feeds.md 2.1). Encoded values (%HH) are decoded in
 * `variables`, nowhere else. ERR_SYNTAX: not JSON, or no uuid, or no start time; ERR_LIMIT. */
MUST_CHECK enum err cdr_freeswitch(struct span json, struct buf *room, struct record *out,
                                   struct diag *d);

#endif
