/* buf.h - the writing twin of reader.h: appends into memory of a fixed size that somebody
 * else owns. A write that does not fit is left out whole and remembered; check buf_ok()
 * once behind several writes. Integers big-endian. */
#ifndef CPNI_CORE_BUF_H
#define CPNI_CORE_BUF_H

#include "proto/core/span.h"

struct buf {
    uint8_t *p; /* borrowed */
    size_t n;   /* bytes written */
    size_t cap;
    bool full;
};

static inline struct buf buf_of(void *p, size_t cap)
{
    return (struct buf){p, 0, cap, false};
}

static inline bool buf_ok(const struct buf *b)
{
    return !b->full;
}

static inline struct span buf_span(const struct buf *b)
{
    return (struct span){b->p, b->n};
}

static inline void buf_reset(struct buf *b)
{
    b->n = 0;
    b->full = false;
}

/* Room for n bytes, to be filled by the caller; NULL when it does not fit. */
static inline uint8_t *buf_room(struct buf *b, size_t n)
{
    if (b->full || n > b->cap - b->n) {
        b->full = true;
        return NULL;
    }
    uint8_t *room = b->p + b->n;
    b->n += n;
    return room;
}

static inline void buf_bytes(struct buf *b, const void *p, size_t n)
{
    uint8_t *room = buf_room(b, n);
    if (room && n)
        memcpy(room, p, n);
}

static inline void buf_put(struct buf *b, struct span s)
{
    buf_bytes(b, s.p, s.n);
}

static inline void buf_str(struct buf *b, const char *s)
{
    buf_bytes(b, s, strlen(s));
}

static inline void buf_be(struct buf *b, uint64_t value, size_t bytes)
{
    uint8_t *room = buf_room(b, bytes);
    for (size_t i = bytes; room && i > 0; i--, value >>= 8)
        room[i - 1] = (uint8_t)value;
}

static inline void buf_u8(struct buf *b, uint8_t v)
{
    buf_be(b, v, 1);
}

static inline void buf_be16(struct buf *b, uint16_t v)
{
    buf_be(b, v, 2);
}

static inline void buf_be32(struct buf *b, uint32_t v)
{
    buf_be(b, v, 4);
}

static inline void buf_be64(struct buf *b, uint64_t v)
{
    buf_be(b, v, 8);
}

void buf_long_varint(struct buf *b, uint64_t v);

/* LEB128, as reader_varint. Nearly all lengths and tags are below 128. */
static inline void buf_varint(struct buf *b, uint64_t v)
{
    if (v < 0x80)
        buf_bytes(b, &(uint8_t){(uint8_t)v}, 1);
    else
        buf_long_varint(b, v);
}

void buf_lv(struct buf *b, struct span s);  /* varint length, bytes */
void buf_dec(struct buf *b, uint64_t v);    /* decimal digits */
void buf_hex(struct buf *b, struct span s); /* two lower-case digits a byte */

#endif
