/* cdr_mapped.h - a line or document of any switch -> canonical record, as its map says.
 *
 * A text that is not of its form refuses the record where bills depend on it, in a time or a
 * duration; elsewhere it stays what it is, an extra. A negative duration, of a clock that was set
 * back, is none (CALL_CLOCK_SUSPECT). Durations that the switch states go before
 * those of its instants: it knows what it counted. An instant that follows from another one and
 * a stated duration is computed (TIME_DERIVED). A call that nothing says to be answered or not,
 * or answered without a duration, is incomplete: never billed by guess.
 *
 * Results borrow from the input, the map, the columns and `room`; the caller sets feed_id and
 * t_receive; classify_record() follows at once. Errors name the field, never its value. */
#ifndef CPNI_RECORD_CDR_MAPPED_H
#define CPNI_RECORD_CDR_MAPPED_H

#include "proto/core/buf.h"
#include "proto/record/cdr_map.h"
#include "proto/record/zone.h"

enum {
    /* A row of text; a runaway quote is given up behind it. CUCM's widest have 8 KiB. */
    CDR_ROW_BYTES_MAX = 32 * 1024,
    CDR_TITLE_BYTES_MAX = 16 * 1024,
    CDR_KEY_BYTES_MAX = 4096, /* FIELD_BYTES_MAX: what a batch takes as the key of a record */
    /* A document without its backslashes and its longest path; most never touch it. */
    CDR_MAPPED_ROOM_BYTES = 2 * HTTP_BODY_BYTES_MAX
};

/* What the columns of a csv feed are called at this place of its file. Zeroed: not known yet. */
struct cdr_columns {
    bool ready, told; /* told: by a title line, else by the map */
    size_t count;
    struct span name[CSV_COLUMNS_MAX];
    uint16_t place[CDR_MAP_SOURCES_MAX]; /* column of each source */
    size_t bytes;                        /* of the title line's names */
    uint8_t byte[CDR_TITLE_BYTES_MAX];
};

/* Is the row a title line? Then the columns are called so from now on. Behind one whose names are
 * over CDR_TITLE_BYTES_MAX every row is refused. */
bool cdr_columns_told(const struct cdr_map *m, const struct csv_row *row, struct cdr_columns *c);

struct cdr_mapper {
    const struct cdr_map *map;
    const struct zone *zone;     /* of local times */
    struct cdr_columns *columns; /* csv */
    struct buf *room;            /* CDR_MAPPED_ROOM_BYTES */
};

/* One row of a csv feed.
 * ERR_NOTFOUND: the map says that it is no call. ERR_SYNTAX: neither a call nor none, a column
 * that is not of its form, or not as many as the title line has (d->what). ERR_LIMIT: too long. */
MUST_CHECK enum err cdr_mapped_row(const struct cdr_mapper *x, const struct csv_row *row,
                                   struct record *out, struct diag *d);

/* One line of pairs, or one JSON object; errors likewise. */
MUST_CHECK enum err cdr_mapped_text(const struct cdr_mapper *x, struct span text,
                                    struct record *out, struct diag *d);

#endif
