#include "proto/core/buf.h"

void buf_long_varint(struct buf *b, uint64_t v)
{
    uint8_t bytes[10];
    size_t n = 0;
    do {
        bytes[n] = (uint8_t)(v & 0x7f);
        v >>= 7;
        bytes[n++] |= v ? 0x80 : 0;
    } while (v);
    buf_bytes(b, bytes, n);
}

void buf_lv(struct buf *b, struct span s)
{
    size_t before = b->n;
    buf_varint(b, s.n);
    buf_put(b, s);
    if (b->full)
        b->n = before; /* whole or not at all */
}

void buf_dec(struct buf *b, uint64_t v)
{
    uint8_t digits[20];
    size_t at = sizeof digits;
    do
        digits[--at] = (uint8_t)('0' + v % 10);
    while ((v /= 10) != 0);
    buf_bytes(b, digits + at, sizeof digits - at);
}

void buf_hex(struct buf *b, struct span s)
{
    static const char DIGITS[] = "0123456789abcdef";
    uint8_t *room = buf_room(b, 2 * s.n);
    for (size_t i = 0; room && i < s.n; i++) {
        room[2 * i] = (uint8_t)DIGITS[s.p[i] >> 4];
        room[2 * i + 1] = (uint8_t)DIGITS[s.p[i] & 15];
    }
}
