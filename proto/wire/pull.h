/* clang-format off */
/* pull.h - between forward and vault: who may pull, window rows, confirmations.
 *
 * forward -> vault                          vault -> forward
 *   FORWARD_HELLO  (empty)                    FORWARD_SECRET  [32] CURVE public [32] secret
 *   CONSUMER_ASK   [32] CURVE public key      CONSUMER        lv(name) [1] families; or empty
 *   PULL           pull_ask                   ROWS            pull_rows
 *   CONFIRM        pull_ask (cursor)          CONFIRMED       be64 cursor
 *                                             REFUSED         [1] enum pull_refusal
 *                                             POSITION        lv(stream) be64: a hint, unasked
 *                                             CONSUMER_GONE   [32] CURVE public key, unasked
 *
 *   pull_ask  = [32] CURVE public key, lv(stream), be64 cursor, be32 rows at most
 *   pull_rows = be64 next cursor, be64 chain sequence, lv(chain hash), lv(row)*
 *   row       = be64 position, be32 revision, lv(account), be64 period start, be32 period,
 *               lv(service, direction, call type, jurisdiction, rate band),
 *               varint(attempts, answered, duration ms, incomplete, forwarded),
 *               [1] count (lv(increment) varint seconds)*, [1] count (lv(outcome) varint calls)*
 *
 * An answer is one frame: the vault gives fewer rows than were asked for when no more fit,
 * and the next cursor says where to go on. A row has sums only; forward could not show a
 * call if it wanted to (I7). */
/* clang-format on */
#ifndef CPNI_WIRE_PULL_H
#define CPNI_WIRE_PULL_H

#include "proto/core/buf.h"
#include "proto/core/diag.h"
#include "proto/core/reader.h"

enum pull_family { PULL_USAGE = 1, PULL_AGG = 2 }; /* bits: which streams a consumer may read */
enum pull_refusal { PULL_NO_STREAM = 1, PULL_CURSOR_OLD, PULL_DENIED, PULL_BUSY, PULL_DAMAGED };
enum {
    PULL_ROWS_MAX = 4096,
    PULL_INCREMENTS_MAX = 8,
    PULL_FAILED_MAX = 8,
    PULL_ROW_BYTES_MAX = 1024,
    STREAM_BYTES_MAX = 32,
    CONSUMER_KEY_BYTES = 32,
    CONSUMER_NAME_BYTES_MAX = 64
};

struct pull_ask {
    struct span consumer_key; /* 32 bytes */
    struct span stream;
    uint64_t cursor;
    uint32_t max_rows;
};
void pull_ask_encode(const struct pull_ask *a, struct buf *b);
MUST_CHECK enum err pull_ask_decode(struct span in, struct pull_ask *out, struct diag *d);

struct pull_count { /* a name of a fixed list and a number */
    struct span name;
    uint64_t value;
};
struct pull_row {
    uint64_t position;
    uint32_t revision;
    struct span account; /* token or id, as this consumer may see it */
    int64_t period_start_s;
    uint32_t period_s;
    struct span service, direction, call_type, juris, rate_band;
    uint64_t attempts, answered, duration_ms, incomplete, forwarded;
    size_t billed_count, failed_count;
    struct pull_count billed[PULL_INCREMENTS_MAX]; /* "6/6" -> seconds */
    struct pull_count failed[PULL_FAILED_MAX];     /* "busy" -> calls */
};

struct pull_rows_head {
    uint64_t next_cursor, chain_seq;
    struct span chain_hash;
};
void pull_rows_head_encode(const struct pull_rows_head *h, struct buf *b);
MUST_CHECK enum err pull_rows_head_decode(struct reader *r, struct pull_rows_head *out,
                                          struct diag *d);
/* Leaves b as it was, but full, when the row does not fit. */
void pull_row_encode(const struct pull_row *row, struct buf *b);
MUST_CHECK enum err pull_row_next(struct reader *r, struct pull_row *out, struct diag *d);

/* CONSUMER: who a key belongs to. Of an unknown key there is nothing: no bytes, no family. */
struct pull_consumer {
    struct span name;
    unsigned families; /* bits of enum pull_family */
};
void pull_consumer_encode(const struct pull_consumer *c, struct buf *b);
MUST_CHECK enum err pull_consumer_decode(struct span in, struct pull_consumer *out, struct diag *d);

/* POSITION: the newest position of a stream. */
struct pull_position {
    struct span stream;
    uint64_t position;
};
void pull_position_encode(const struct pull_position *p, struct buf *b);
MUST_CHECK enum err pull_position_decode(struct span in, struct pull_position *out, struct diag *d);

#endif
