/* Proves: spans never reach past their bytes, and each function gives what its line in span.h
 * promises, also at the edges (empty spans, indexes past the end, the largest number). */
#include <criterion/criterion.h>

#include "proto/core/span.h"
#include "tests/lib/exact.h"

Test(span, parts_are_clipped_to_the_span)
{
    struct span s = span_str("abcdef");
    cr_expect(span_is(span_sub(s, 2, 3), "cde"));
    cr_expect(span_is(span_sub(s, 4, 99), "ef"));
    cr_expect(span_sub(s, 99, 1).n == 0);
    cr_expect(span_sub(s, 1, SIZE_MAX).n == 5);
    cr_expect(span_is(span_from(s, 6), ""));
    cr_expect(span_sub(SPAN_EMPTY, 3, 3).p == NULL);
}

Test(span, comparisons)
{
    cr_expect(span_eq(SPAN_EMPTY, span_str("")));
    cr_expect(!span_is(span_str("ab"), "abc"));
    cr_expect(span_ieq(span_str("Call-ID"), span_str("cALL-id")));
    cr_expect(!span_ieq(span_str("a"), span_str("ab")));
    cr_expect(!span_ieq(span_str("@"), span_str("`")), "only letters have a case");
    cr_expect(span_ieq(SPAN_EMPTY, span_str("")));
    cr_expect(span_cmp(span_str("ab"), span_str("abc")) < 0);
    cr_expect(span_cmp(span_str("b"), span_str("abc")) > 0);
    cr_expect(span_cmp(span_str("\xff"), span_str("a")) > 0, "bytes have no sign");
    cr_expect(span_cmp(SPAN_EMPTY, SPAN_EMPTY) == 0);
    cr_expect(span_starts(span_str("abc"), span_str("ab")));
    cr_expect(!span_starts(span_str("a"), span_str("ab")));
    cr_expect(span_ends(span_str("abc"), span_str("bc")));
    cr_expect(!span_ends(span_str("c"), span_str("bc")));
}

/* Any two bytes, at any place of texts of any length up to three words: as byte by byte. */
Test(span, case_is_ignored_in_words_as_in_bytes)
{
    for (size_t n = 1; n <= 24; n++)
        for (size_t at = 0; at < n; at++)
            for (unsigned pair = 0; pair < 0x10000; pair += n == 9 ? 1 : 37) {
                uint8_t a[24], b[24];
                memset(a, 'K', sizeof a);
                memset(b, 'k', sizeof b);
                a[at] = (uint8_t)pair;
                b[at] = (uint8_t)(pair >> 8);
                bool same = byte_lower(a[at]) == byte_lower(b[at]);
                cr_assert_eq(span_ieq(span_of(a, n), span_of(b, n)), same, "%zu %zu %u", n, at,
                             pair);
            }
}

Test(span, find_gives_the_index_or_the_end)
{
    struct span s = exact_copy(span_str("a\r\n\r\nb"));
    cr_expect(span_find(s, '\n') == 2);
    cr_expect(span_find(s, 'x') == s.n);
    cr_expect(span_find(SPAN_EMPTY, 'x') == 0);
    cr_expect(span_find_span(s, span_str("\n\r\n")) == 2);
    cr_expect(span_find_span(s, span_str("\nb\n")) == s.n);
    exact_free(s);
}

/* Short texts are searched in another way than long ones. */
Test(span, find_span_at_every_place_of_short_and_long_texts)
{
    static const struct span WHAT = SPAN_LIT("aab");
    for (size_t n = 0; n < 300; n += n < 8 ? 1 : 37) {
        for (size_t where = 0; where + WHAT.n <= n; where++) {
            uint8_t text[300];
            memset(text, 'a', n);
            memcpy(text + where, WHAT.p, WHAT.n);
            struct span s = exact_copy(span_of(text, n));
            cr_expect(span_find_span(s, WHAT) == where, "%zu of %zu", where, n);
            cr_expect(span_find_span(s, span_str("b\1")) == n, "%zu", n);
            exact_free(s);
        }
    }
    cr_expect(span_find_span(span_str("aa"), WHAT) == 2);
    cr_expect(span_find_span(span_str("aa"), SPAN_EMPTY) == 2);
}

Test(span, trim_takes_blanks_at_both_ends)
{
    cr_expect(span_is(span_trim(span_str(" \t\r\n a b \r\n")), "a b"));
    cr_expect(span_trim(span_str(" \t ")).n == 0);
    cr_expect(span_trim(SPAN_EMPTY).n == 0);
}

Test(span, cut_walks_a_list)
{
    struct span rest = span_str("a,,b");
    cr_expect(span_is(span_cut(&rest, ','), "a"));
    cr_expect(span_is(span_cut(&rest, ','), ""));
    cr_expect(span_is(span_cut(&rest, ','), "b"));
    cr_expect(rest.n == 0);
    rest = span_str("a,");
    span_cut(&rest, ',');
    cr_expect(rest.n == 0);
}

Test(span, numbers_are_digits_within_their_maximum)
{
    static const struct {
        const char *text;
        uint64_t max;
        enum err e;
        uint64_t value;
    } ROW[] = {
        {"0", 0, OK, 0},
        {"007", 7, OK, 7},
        {"8", 7, ERR_LIMIT, 0},
        {"65535", 65535, OK, 65535},
        {"65536", 65535, ERR_LIMIT, 0},
        {"18446744073709551615", UINT64_MAX, OK, UINT64_MAX},
        {"18446744073709551616", UINT64_MAX, ERR_LIMIT, 0},
        {"99999999999999999999999", UINT64_MAX, ERR_LIMIT, 0},
        {"", 9, ERR_SYNTAX, 0},
        {"-1", 9, ERR_SYNTAX, 0},
        {" 1", 9, ERR_SYNTAX, 0},
        {"1a", 99, ERR_SYNTAX, 0},
    };
    for (size_t i = 0; i < sizeof ROW / sizeof ROW[0]; i++) {
        uint64_t value = 0;
        cr_expect(span_u64(span_str(ROW[i].text), ROW[i].max, &value) == ROW[i].e, "%s",
                  ROW[i].text);
        cr_expect(value == ROW[i].value, "%s", ROW[i].text);
    }
}
