/* Proves: a buf writes nothing that does not fit, remembers it, and writes the texts and
 * integers it promises. */
#include <criterion/criterion.h>

#include "proto/core/buf.h"
#include "tests/lib/exact.h"

Test(buf, writes_integers_and_texts)
{
    uint8_t room[64];
    struct buf b = buf_of(room, sizeof room);
    buf_u8(&b, 1);
    buf_be16(&b, 0x0203);
    buf_be32(&b, 0x04050607);
    buf_be64(&b, 0x08090a0b0c0d0e0f);
    buf_hex(&b, span_sub(buf_span(&b), 0, 15));
    cr_expect(buf_ok(&b));
    cr_expect(span_is(span_from(buf_span(&b), 15), "0102030405060708090a0b0c0d0e0f"));
}

Test(buf, decimal_digits)
{
    static const struct {
        uint64_t value;
        const char *text;
    } ROW[] = {{0, "0"}, {9, "9"}, {10, "10"}, {UINT64_MAX, "18446744073709551615"}};
    for (size_t i = 0; i < sizeof ROW / sizeof ROW[0]; i++) {
        uint8_t room[20];
        struct buf b = buf_of(room, sizeof room);
        buf_dec(&b, ROW[i].value);
        cr_expect(span_is(buf_span(&b), ROW[i].text), "%s", ROW[i].text);
    }
}

/* Each writer, with one byte less than it needs. */
static void write_all(struct buf *b, int which)
{
    switch (which) {
    case 0:
        buf_be64(b, 1);
        break;
    case 1:
        buf_str(b, "12345678");
        break;
    case 2:
        buf_lv(b, span_str("1234567"));
        break;
    case 3:
        buf_dec(b, 12345678);
        break;
    case 4:
        buf_hex(b, span_str("1234"));
        break;
    default:
        buf_varint(b, UINT64_C(1) << 49);
        break;
    }
}

Test(buf, what_does_not_fit_is_left_out_whole)
{
    for (int which = 0; which <= 5; which++) {
        for (size_t cap = 0; cap <= 8; cap++) {
            struct span block = exact_copy(span_sub(span_str("........"), 0, cap));
            struct buf b = buf_of((void *)(uintptr_t)block.p, cap);
            write_all(&b, which);
            cr_expect(buf_ok(&b) == (cap == 8), "writer %d cap %zu", which, cap);
            cr_expect(b.n == (cap == 8 ? 8 : 0), "writer %d cap %zu", which, cap);
            buf_u8(&b, 0);
            cr_expect(!buf_ok(&b), "once full, always full: what follows would be out of place");
            exact_free(block);
        }
    }
}

Test(buf, reset_makes_it_usable_again)
{
    uint8_t room[2];
    struct buf b = buf_of(room, sizeof room);
    buf_str(&b, "abc");
    buf_reset(&b);
    buf_str(&b, "ab");
    cr_expect(buf_ok(&b) && span_is(buf_span(&b), "ab"));
}
