/* Proves: a change of any byte, of the length or of the group changes the hash; a name holds
 * all pairs of a text that is in it. (That every name is found is proven where the tables are
 * used: field_test, cdr_freeswitch_test.) */
#include <criterion/criterion.h>

#include "proto/core/name_hash.h"
#include "tests/lib/exact.h"

enum { BYTES_MAX = 40 };
static const char LETTERS[] = "the_quick_brown_fox_jumps_over_a_lazy_dog";

Test(name_hash, every_byte_counts)
{
    for (size_t n = 0; n <= BYTES_MAX; n++) {
        struct span a = exact_copy(span_of(LETTERS, n)), b = exact_copy(a);
        cr_expect(name_hash(a, 1) == name_hash(b, 1), "%zu bytes", n);
        cr_expect(name_hash(a, 1) != name_hash(a, 2), "%zu bytes", n);
        for (size_t i = 0; i < n; i++) {
            uint8_t *byte = (uint8_t *)(uintptr_t)&b.p[i];
            *byte ^= 1;
            cr_expect(name_hash(a, 1) != name_hash(b, 1), "byte %zu of %zu", i, n);
            *byte ^= 1;
        }
        cr_expect(n == 0 || name_hash(a, 1) != name_hash(span_sub(b, 0, n - 1), 1), "%zu bytes", n);
        exact_free(a);
        exact_free(b);
    }
}

Test(name_hash, pairs_of_a_part_are_among_those_of_the_whole)
{
    struct span whole = span_of(LETTERS, BYTES_MAX);
    for (size_t at = 0; at < whole.n; at++)
        for (size_t n = 0; n <= whole.n - at; n++)
            cr_assert_eq(name_pairs(span_sub(whole, at, n)) & ~name_pairs(whole), 0);
    cr_expect_neq(name_pairs(span_str("_sdp")) & ~name_pairs(span_str("rtp_audio_in")), 0);
}
