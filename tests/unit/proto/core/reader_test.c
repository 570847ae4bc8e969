/* Proves: a reader never reads past its span, remembers the first failure, and accepts one
 * encoding of each number only. */
#include <criterion/criterion.h>

#include "proto/core/buf.h"
#include "proto/core/reader.h"
#include "tests/lib/exact.h"

Test(reader, integers_in_both_orders)
{
    static const struct span IN = BYTES("\1\2\3\4\5\6\7\x08\x09\1\2\3\4\1\2");
    struct reader r = reader_of(IN);
    cr_expect(reader_u8(&r) == 1);
    cr_expect(reader_be64(&r) == 0x0203040506070809);
    cr_expect(reader_le32(&r) == 0x04030201);
    cr_expect(reader_le16(&r) == 0x0201);
    cr_expect(reader_ok(&r) && !reader_more(&r) && reader_left(&r) == 0);
}

Test(reader, a_read_past_the_end_gives_zero_and_is_remembered)
{
    struct span in = exact_copy(span_str("abc"));
    struct reader r = reader_of(in);
    cr_expect(reader_be16(&r) == 0x6162);
    cr_expect(reader_be16(&r) == 0);
    cr_expect(!reader_ok(&r) && reader_at(&r) == 2 && reader_left(&r) == 0);
    cr_expect(reader_u8(&r) == 0, "also where a byte would be left");
    cr_expect(reader_take(&r, 0).n == 0 && !reader_more(&r));
    exact_free(in);
}

Test(reader, take_of_a_huge_count_fails)
{
    struct reader r = reader_of(span_str("abc"));
    reader_u8(&r);
    cr_expect(reader_take(&r, SIZE_MAX).n == 0);
    cr_expect(!reader_ok(&r));
}

Test(reader, varint_accepts_the_shortest_form_only)
{
    static const struct {
        const char *what;
        struct span in;
        bool ok;
        uint64_t value;
    } ROW[] = {
        {"zero", BYTES("\0"), true, 0},
        {"one byte", BYTES("\x7f"), true, 127},
        {"two bytes", BYTES("\x80\1"), true, 128},
        {"largest", BYTES("\xff\xff\xff\xff\xff\xff\xff\xff\xff\1"), true, UINT64_MAX},
        {"65 bits", BYTES("\xff\xff\xff\xff\xff\xff\xff\xff\xff\2"), false, 0},
        {"eleven bytes", BYTES("\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\1"), false, 0},
        {"long form of zero", BYTES("\x80\0"), false, 0},
        {"long form of 127", BYTES("\xff\0"), false, 0},
        {"cut", BYTES("\x80"), false, 0},
        {"nothing", BYTES(""), false, 0},
    };
    for (size_t i = 0; i < sizeof ROW / sizeof ROW[0]; i++) {
        struct span in = exact_copy(ROW[i].in);
        struct reader r = reader_of(in);
        cr_expect(reader_varint(&r) == ROW[i].value, "%s", ROW[i].what);
        cr_expect(reader_ok(&r) == ROW[i].ok, "%s", ROW[i].what);
        exact_free(in);
    }
}

Test(reader, lv_refuses_a_length_that_is_not_there)
{
    static const struct span IN = BYTES("\2ab\5abc");
    struct reader r = reader_of(IN);
    cr_expect(span_is(reader_lv(&r), "ab"));
    cr_expect(reader_lv(&r).n == 0);
    cr_expect(!reader_ok(&r));
}

Test(reader, reads_back_what_buf_wrote)
{
    for (unsigned bit = 0; bit < 64; bit++) {
        for (int delta = -1; delta <= 1; delta++) {
            uint8_t room[16];
            struct buf b = buf_of(room, sizeof room);
            uint64_t value = (UINT64_C(1) << bit) + (uint64_t)(int64_t)delta;
            buf_varint(&b, value);
            struct reader r = reader_of(buf_span(&b));
            cr_expect(reader_varint(&r) == value, "bit %u %d", bit, delta);
            cr_expect(reader_ok(&r) && !reader_more(&r));
        }
    }
}
