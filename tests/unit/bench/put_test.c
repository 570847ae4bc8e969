/* Proves: text is put whole or not at all. */
#include "bench/put.h"

#include <criterion/criterion.h>

#include "proto/core/instant.h"

Test(put, formats_behind_what_is_there)
{
    uint8_t room[32];
    struct buf b = buf_of(room, sizeof room);
    put_format(&b, "%s-%d", "a", 1);
    put_format(&b, "%s", "b");
    cr_expect(span_is(buf_span(&b), "a-1b"));
}

Test(put, what_does_not_fit_is_left_out_and_remembered)
{
    uint8_t room[6];
    struct buf b = buf_of(room, sizeof room);
    put_format(&b, "%s", "1234");
    put_format(&b, "%s", "56");
    cr_expect_not(buf_ok(&b));
    cr_expect(span_is(buf_span(&b), "1234"));
    put_format(&b, "%s", "");
    cr_expect(span_is(buf_span(&b), "1234"), "and nothing comes behind the gap");
}

Test(put, stamps_are_utc_and_cut)
{
    uint8_t room[32];
    struct buf b = buf_of(room, sizeof room);
    put_stamp(&b, INT64_C(1795165207) * US_PER_S + 999999);
    cr_expect(span_is(buf_span(&b), "2026-11-20 09:00:07"));
}
