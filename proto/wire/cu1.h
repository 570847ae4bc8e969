/* cu1.h - the messages of usage.proto as bytes: what a consumer asks and is answered.
 *
 * Only user of protobuf-c. It allocates from the caller's arena, which holds what is
 * decoded until arena_reset(); rows are the sums of pull.h, so nothing else can be said
 * on this path (I7). */
#ifndef CPNI_WIRE_CU1_H
#define CPNI_WIRE_CU1_H

#include "proto/core/arena.h"
#include "proto/wire/pull.h"

#define CU1_VERSION "CU1" /* first frame of every message */

enum {
    CU1_REQUEST_BYTES_MAX = 4096,      /* an Envelope with a Pull or Confirm is under 64 */
    CU1_ANSWER_BYTES_MAX = 256 * 1024, /* the rows of one frame of pull.h: under three times */
    CU1_ARENA_BYTES = 2 * 1024 * 1024, /* any request, and the rows of one frame, to encode */
    CU1_READER_ARENA_BYTES = 16 * 1024 * 1024, /* any answer, to decode */
    CU1_ROWS_DEFAULT = 1000,
    CU1_WAIT_MS_MAX = 60000
};

enum cu1_kind { CU1_PULL = 1, CU1_CONFIRM, CU1_ROWS, CU1_CONFIRMED, CU1_ERROR, CU1_HINT };

/* CU1_FAULT(code, number in usage.proto, "text for a person") */
#define CU1_FAULTS(X)                                                                              \
    X(UNKNOWN, 0, "failed")                                                                        \
    X(STREAM, 1, "no such stream")                                                                 \
    X(CURSOR_OLD, 2, "cursor is older than the outbox keeps: start again from 0")                  \
    X(DENIED, 3, "this consumer may not read this stream")                                         \
    X(PROTOCOL, 4, "not a CU1 request")                                                            \
    X(BUSY, 5, "try again later")
enum cu1_fault {
#define CU1_FAULT_CODE(code, number, text) CU1_FAULT_##code = number,
    CU1_FAULTS(CU1_FAULT_CODE)
#undef CU1_FAULT_CODE
        CU1_FAULT_COUNT
};
const char *cu1_fault_text(enum cu1_fault f);

/* A Pull or a Confirm. Decoded: max_rows is 1..PULL_ROWS_MAX and wait_ms at most
 * CU1_WAIT_MS_MAX, whatever was asked. */
struct cu1_request {
    enum cu1_kind kind;
    struct span stream;
    uint64_t cursor;
    uint32_t max_rows, wait_ms; /* of PULL */
};
/* The encoders append to b; ERR_NOMEM: the arena is full; ERR_LIMIT: b is. */
MUST_CHECK enum err cu1_put_request(const struct cu1_request *q, struct arena *a, struct buf *b);
/* ERR_SYNTAX: not an Envelope with a Pull or Confirm, or the stream's name is too long. */
MUST_CHECK enum err cu1_get_request(struct span in, struct arena *a, struct cu1_request *out,
                                    struct diag *d);

/* pull_rows: payload of the vault's ROWS, checked here. */
MUST_CHECK enum err cu1_put_rows(struct span stream, struct span pull_rows, struct arena *a,
                                 struct buf *b, struct diag *d);
MUST_CHECK enum err cu1_put_confirmed(struct span stream, uint64_t cursor, struct arena *a,
                                      struct buf *b);
MUST_CHECK enum err cu1_put_fault(enum cu1_fault f, struct buf *b);
MUST_CHECK enum err cu1_put_hint(const struct pull_position *p, struct arena *a, struct buf *b);

struct cu1_answer {
    enum cu1_kind kind;
    struct span stream;         /* not of ERROR */
    uint64_t cursor;            /* ROWS: the next; CONFIRMED: the confirmed; HINT: the newest */
    struct pull_rows_head head; /* of ROWS */
    const struct pull_row *row; /* of ROWS, in the arena */
    size_t rows_count;
    enum cu1_fault fault; /* of ERROR */
};
MUST_CHECK enum err cu1_get_answer(struct span in, struct arena *a, struct cu1_answer *out,
                                   struct diag *d);

#endif
