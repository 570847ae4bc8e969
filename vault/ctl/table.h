/* table.h - rows for people and programs: an aligned table, JSON (one object a line), CSV
 * (RFC 4180). Fed with the payloads of COLUMNS and ROW frames (control.h).
 *
 * A null is "-" in a table, null in JSON, nothing in CSV. Times are RFC 3339, UTC. Cells
 * come from strangers: a table shows no control character and no half UTF-8, which could
 * drive the terminal. */
#ifndef CPNI_CTL_TABLE_H
#define CPNI_CTL_TABLE_H

#include "vault/ctl/ctl.h"

enum {
    TABLE_COLUMNS_MAX = 128,
    TABLE_SAMPLE_ROWS = 500, /* rows that decide the widths; later ones may stick out */
    TABLE_CELL_COLUMNS_MAX = 48
};

struct table;
MUST_CHECK enum err table_new(FILE *out, enum ctl_format format, struct table **out_table);
/* Prints what it still holds. */
struct table *table_free(struct table *t);

/* ERR_SYNTAX: not such a payload, or rows before columns. Once more begins a new table. */
MUST_CHECK enum err table_columns(struct table *t, struct span columns, struct diag *d);
MUST_CHECK enum err table_row(struct table *t, struct span row, struct diag *d);
/* Prints what it still holds: after an END, and before a long wait. */
void table_flush(struct table *t);

#endif
