/* Proves: the wide loops give the index that a loop over single bytes gives, for every
 * alignment and every place of the hit. (scan.h has no .c: it is inline.) */
#include <criterion/criterion.h>

#include "proto/frame/scan.h"
#include "tests/lib/exact.h"

enum { BYTES_MAX = 50 };

static size_t slow_two(struct span in, size_t at, uint8_t a, uint8_t b)
{
    while (at < in.n && in.p[at] != a && in.p[at] != b && in.p[at] != 0)
        at++;
    return at;
}

static size_t slow_json(struct span in, size_t at)
{
    while (at < in.n && in.p[at] != '"' && in.p[at] != '\\' && in.p[at] > 0x1f)
        at++;
    return at;
}

Test(scan, wide_and_narrow_agree)
{
    static const uint8_t HIT[] = {',', '\n', 0, '"', '\\', 1, 0x1f, 0x20, 0x7f, 0x80, 0xff, 'a'};
    for (size_t n = 0; n <= BYTES_MAX; n++) {
        struct span in = exact_copy(
            span_sub(span_str("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"), 0, n));
        uint8_t *bytes = (uint8_t *)(uintptr_t)in.p;
        for (size_t where = 0; where < n; where++) {
            for (size_t h = 0; h < sizeof HIT; h++) {
                bytes[where] = HIT[h];
                for (size_t at = 0; at <= n; at += 1 + n / 8) {
                    cr_assert(scan_two_or_nul(in, at, ',', '\n') == slow_two(in, at, ',', '\n'),
                              "n %zu hit %zu at %zu", n, where, at);
                    cr_assert(scan_json_string(in, at) == slow_json(in, at), "n %zu hit %zu at %zu",
                              n, where, at);
                }
            }
            bytes[where] = 'a';
        }
        exact_free(in);
    }
}
