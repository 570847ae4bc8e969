/* control.h - requests of people and tools to the vault, and tables as answers.
 *
 *   REQUEST payload = lv(verb) then lv(name) lv(value) of each argument
 *   COLUMNS payload = ([1] column kind, lv(name))*
 *   ROW payload     = lv(cell)*, one a column; an empty cell is null
 *   PROGRESS        = varint done, varint total
 *   END             = [1] status (enum control_status), lv(text)
 * A request is answered by COLUMNS (if it lists), ROW*, and always END.
 * Verbs are "noun verb": "calls list"; arguments are named like cpnictl's options. */
#ifndef CPNI_WIRE_CONTROL_H
#define CPNI_WIRE_CONTROL_H

#include "proto/core/buf.h"
#include "proto/core/diag.h"
#include "proto/core/reader.h"

/* Also the exit codes of cpnictl. */
enum control_status {
    CONTROL_DONE = 0,
    CONTROL_FAILED = 1,
    CONTROL_USAGE = 2,
    CONTROL_DENIED = 3,
    CONTROL_NOTFOUND = 4,
    CONTROL_UNREACHABLE = 5,
    CONTROL_INTEGRITY = 6
};

/* TEXT and LABEL are quoted in JSON; NUMBER is not; TIME is a decimal of microseconds
 * since 1970 and printed as RFC 3339; JSON is printed as it is. */
enum column_kind { COLUMN_TEXT = 1, COLUMN_NUMBER, COLUMN_TIME, COLUMN_JSON };

enum { CONTROL_ARGS_MAX = 32 };
struct control_arg {
    struct span name, value;
};
struct control_request {
    struct span verb;
    size_t args_count;
    struct control_arg arg[CONTROL_ARGS_MAX];
};
MUST_CHECK enum err control_request_decode(struct span in, struct control_request *out,
                                           struct diag *d);
/* Value of an argument; empty when not given. */
struct span control_arg(const struct control_request *r, const char *name);

void control_put_verb(struct buf *b, const char *verb);
void control_put_arg(struct buf *b, const char *name, struct span value);
void control_put_column(struct buf *b, enum column_kind kind, const char *name);
void control_put_end(struct buf *b, enum control_status status, const char *text);

#endif
