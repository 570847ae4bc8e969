/* frame.h - the frames between our own processes, over Unix seqpacket sockets: one frame a
 * datagram, so that a process that dies leaves no half frame to its successor.
 *
 *   [4] bytes of the payload | [1] version = 1 | [1] type | [2] 0 | [4] id | payload
 *
 * Integers big-endian. The id is the asker's; an answer repeats it. A reader that meets
 * another version, an unknown type or a length over WIRE_FRAME_BYTES_MAX closes: the peer
 * is our own program, so that is a defect or an attack, never a quirk. */
#ifndef CPNI_WIRE_FRAME_H
#define CPNI_WIRE_FRAME_H

#include "proto/core/buf.h"
#include "proto/core/diag.h"
#include "proto/core/limits.h"
#include "proto/core/reader.h"

enum { FRAME_HEAD_BYTES = 12, FRAME_VERSION = 1 };

/* clang-format off */
#define FRAME_TYPES(X)                                                                        \
    /* ingest -> vault */                                                                     \
    X(HELLO, 1) /* lv(feed name) u8 feed_kind, repeated */                                    \
    X(BATCH, 2) /* batch.h */                                                                 \
    /* vault -> ingest */                                                                     \
    X(GREETING, 15) /* the vault (re)started: say HELLO and send again what has no receipt */ \
    X(WELCOME, 16) /* one feed and its cursors: batch.h */                                    \
    X(LIVE, 17) /* lv(key) lv(value): one live dialog handed back */                          \
    X(READY, 18) /* all of WELCOME and LIVE were sent: start */                               \
    X(RECEIPT, 19) /* batch.h */                                                              \
    /* anyone -> vault: control.h */                                                          \
    X(REQUEST, 32)                                                                            \
    /* vault -> anyone */                                                                     \
    X(COLUMNS, 48)                                                                            \
    X(ROW, 49)                                                                                \
    X(PROGRESS, 50)                                                                           \
    X(END, 51)                                                                                \
    /* forward <-> vault: pull.h */                                                           \
    X(FORWARD_HELLO, 64)                                                                      \
    X(FORWARD_SECRET, 65)                                                                     \
    X(CONSUMER_ASK, 66)                                                                       \
    X(CONSUMER, 67)                                                                           \
    X(PULL, 68)                                                                               \
    X(ROWS, 69)                                                                               \
    X(CONFIRM, 70)                                                                            \
    X(CONFIRMED, 71)                                                                          \
    X(POSITION, 72)                                                                           \
    X(REFUSED, 73)                                                                            \
    X(CONSUMER_GONE, 74)
/* clang-format on */

enum frame_type {
#define FRAME_TYPE(name, code) FRAME_##name = (code),
    FRAME_TYPES(FRAME_TYPE)
#undef FRAME_TYPE
};

struct frame {
    enum frame_type type;
    uint32_t id;
    struct span payload; /* borrowed from the buffer that was read */
};

void frame_head(uint8_t out[static FRAME_HEAD_BYTES], enum frame_type type, uint32_t id,
                size_t payload_bytes);

/* The first frame of `in`. OK: *out and *used (bytes of the frame). ERR_MORE: incomplete.
 * ERR_VERSION, ERR_SYNTAX, ERR_LIMIT: close the connection. */
MUST_CHECK enum err frame_next(struct span in, struct frame *out, size_t *used, struct diag *d);

#endif
