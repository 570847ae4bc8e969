/* csv.h - one record of a CSV file as spans of its columns, RFC 4180 with tolerance for what
 * switches write: LF or CR LF, blanks before a quote, a newline inside quotes, a quote inside a
 * quoted column that nobody doubled. One pass, no memory. */
#ifndef CPNI_FRAME_CSV_H
#define CPNI_FRAME_CSV_H

#include "proto/core/buf.h"
#include "proto/core/diag.h"
#include "proto/core/limits.h"

struct csv_column {
    struct span text; /* points into the input, or into the scratch where quotes were doubled */
    bool quoted;      /* Asterisk: `""` is an empty name, nothing at all is "never answered" */
};

struct csv_row {
    struct csv_column column[CSV_COLUMNS_MAX]; /* only columns_count of them are written */
    size_t columns_count;                      /* an empty line has one empty, unquoted column */
    size_t used;                               /* bytes of the input, line end included */
};

struct csv_dialect {
    uint8_t delimiter;
    uint8_t quote; /* 0: none, every byte but the delimiter is text */
};
#define CSV_COMMA ((struct csv_dialect){',', '"'}) /* RFC 4180 */

/* The next record of `in`. at_end: no more bytes will follow, the last line may lack its end.
 * The scratch is emptied first; LINE_BYTES_MAX bytes of it always suffice.
 * ERR_MORE: the record is not complete (never when at_end and in is not empty).
 * ERR_SYNTAX: a NUL byte, or a quote still open at the end.
 * ERR_LIMIT: more than LINE_BYTES_MAX or CSV_COLUMNS_MAX, or the scratch is full.
 * After ERR_SYNTAX and ERR_LIMIT go on behind csv_line_bytes(). */
MUST_CHECK enum err csv_next(struct span in, bool at_end, struct buf *scratch, struct csv_row *out,
                             struct diag *d);
/* The same of another dialect. */
MUST_CHECK enum err csv_next_as(struct csv_dialect dialect, struct span in, bool at_end,
                                struct buf *scratch, struct csv_row *out, struct diag *d);

/* Bytes up to and including the first line feed; all of it when there is none. */
size_t csv_line_bytes(struct span in);

/* Bytes of the UTF-8 byte order mark that a file may begin with: 3 or 0. */
size_t csv_mark_bytes(struct span in);

#endif
