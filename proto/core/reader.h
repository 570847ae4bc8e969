/* reader.h - a cursor that owns the bounds. Reads go through it; one that would pass the
 * end gives zero, remembers the failure and moves no further, so a parser checks once
 * behind several reads. Integers are big-endian unless the name says le. */
#ifndef CPNI_CORE_READER_H
#define CPNI_CORE_READER_H

#include "proto/core/span.h"

struct reader {
    struct span in; /* borrowed */
    size_t at;
    bool failed;
};

static inline struct reader reader_of(struct span in)
{
    return (struct reader){in, 0, false};
}

static inline bool reader_ok(const struct reader *r)
{
    return !r->failed;
}

static inline bool reader_more(const struct reader *r)
{
    return !r->failed && r->at < r->in.n;
}

static inline size_t reader_at(const struct reader *r)
{
    return r->at;
}

static inline size_t reader_left(const struct reader *r)
{
    return r->failed ? 0 : r->in.n - r->at;
}

/* The next n bytes; empty on failure. */
static inline struct span reader_take(struct reader *r, size_t n)
{
    if (r->failed || n > r->in.n - r->at) {
        r->failed = true;
        return SPAN_EMPTY;
    }
    struct span taken = {r->in.p + r->at, n};
    r->at += n;
    return taken;
}

static inline uint64_t reader_be(struct reader *r, size_t bytes)
{
    struct span s = reader_take(r, bytes);
    uint64_t value = 0;
    for (size_t i = 0; i < s.n; i++)
        value = value << 8 | s.p[i];
    return value;
}

/* Of constant widths: a load and a swap each, for parsers of small fields live on them. */
static inline uint8_t reader_u8(struct reader *r)
{
    const uint8_t *p = reader_take(r, 1).p;
    return p ? p[0] : 0;
}

static inline uint16_t reader_be16(struct reader *r)
{
    const uint8_t *p = reader_take(r, 2).p;
    return p ? (uint16_t)((unsigned)p[0] << 8 | p[1]) : (uint16_t)0;
}

static inline uint32_t reader_be32(struct reader *r)
{
    const uint8_t *p = reader_take(r, 4).p;
    return p ? (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3] : 0;
}

static inline uint64_t reader_be64(struct reader *r)
{
    return reader_be(r, 8);
}

static inline uint32_t reader_le32(struct reader *r)
{
    return __builtin_bswap32(reader_be32(r));
}

static inline uint16_t reader_le16(struct reader *r)
{
    return __builtin_bswap16(reader_be16(r));
}

uint64_t reader_long_varint(struct reader *r);

/* LEB128, shortest form only, at most 10 bytes: one value has one encoding. Most are one byte. */
static inline uint64_t reader_varint(struct reader *r)
{
    if (r->failed || r->at == r->in.n || r->in.p[r->at] >= 0x80)
        return reader_long_varint(r);
    return r->in.p[r->at++];
}

/* varint length, then that many bytes. */
static inline struct span reader_lv(struct reader *r)
{
    uint64_t n = reader_varint(r);
    if (n > reader_left(r)) {
        r->failed = true;
        return SPAN_EMPTY;
    }
    return reader_take(r, (size_t)n);
}

#endif
