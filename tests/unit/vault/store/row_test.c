/* Proves: a record head reads back as written; what is too short or of another format is told
 * apart. */
#include "tests/unit/vault/store/scratch.h"

Test(row, reads_back_what_was_written)
{
    uint8_t value[SCRATCH_VALUE_BYTES];
    struct record_head expected = scratch_head(123456789), got = {0};
    struct span sealed;
    scratch_value(123456789, value);
    cr_assert_eq(record_head_decode(span_of(value, sizeof value), &got, &sealed), OK);
    cr_expect_eq(got.flags, expected.flags);
    cr_expect_eq(got.incarnation, expected.incarnation);
    cr_expect_eq(got.owner_masked, expected.owner_masked);
    cr_expect_arr_eq(got.day_tag, expected.day_tag, DAY_TAG_BYTES);
    cr_expect_arr_eq(got.dup_tag, expected.dup_tag, DUP_TAG_BYTES);
    cr_expect(sealed.p == value + RECORD_HEAD_BYTES && sealed.n == 50);
}

/* The bytes on disk, so that a change of the format shows. */
Test(row, is_laid_out_as_documented)
{
    static const uint8_t EXPECTED[RECORD_HEAD_BYTES] = {
        1,   9,   0,   0,   1,   2,             /* format, flags, incarnation */
        1,   2,   3,   4,   5,   6,   7,   8,   /* owner */
        'd', 'a', 'y', '-', 't', 'a', 'g', '!', /* day tag */
        'd', 'u', 'p', 'l', 'i', 'c', 'a', 't', 'e', '-', 't', 'a', 'g', '!', '!', '!'};
    struct record_head h = {.flags = 9, .incarnation = 258, .owner_masked = 0x0102030405060708};
    memcpy(h.day_tag, "day-tag!", DAY_TAG_BYTES);
    memcpy(h.dup_tag, "duplicate-tag!!!", DUP_TAG_BYTES);
    uint8_t got[RECORD_HEAD_BYTES];
    record_head_encode(got, &h);
    cr_expect_arr_eq(got, EXPECTED, sizeof EXPECTED);
}

Test(row, every_prefix_of_a_head_is_refused)
{
    uint8_t value[SCRATCH_VALUE_BYTES];
    struct record_head h;
    struct span sealed;
    scratch_value(1, value);
    for (size_t n = 0; n < RECORD_HEAD_BYTES; n++) {
        uint8_t *exact = malloc(n ? n : 1); /* so that the sanitizer sees the byte behind */
        memcpy(exact, value, n);
        cr_expect_eq(record_head_decode(span_of(exact, n), &h, &sealed), ERR_SYNTAX, "%zu", n);
        free(exact);
    }
    cr_expect_eq(record_head_decode(span_of(value, RECORD_HEAD_BYTES), &h, &sealed), OK);
    cr_expect_eq(sealed.n, 0);
    value[0] = 2;
    cr_expect_eq(record_head_decode(span_of(value, sizeof value), &h, &sealed), ERR_VERSION);
}
