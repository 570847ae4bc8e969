/* Whole items and streams: the limits hold, and both ways agree on what a single item holds. */
#include "proto/core/check.h"
#include "proto/frame/inflate.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t whole[INFLATED_BYTES_MAX], piece[4096];
    struct inflater *f;
    struct span rest = span_of(data, size);
    struct buf out = buf_of(whole, sizeof whole);
    struct diag d = {0};
    size_t total = 0;
    CHECK(inflater_new(&f) == OK);
    enum err e = inflater_whole(f, rest, &out, &d), stream = ERR_FULL;
    CHECK(d.at <= size && out.n <= sizeof whole);
    for (inflater_reset(f); stream == ERR_FULL; total += out.n) {
        out = buf_of(piece, sizeof piece);
        stream = inflater_feed(f, &rest, &out, &d);
        CHECK(e != OK || memcmp(whole + total, piece, out.n) == 0);
    }
    CHECK(e != OK || stream == OK);
    CHECK(total <= INFLATE_RATIO_MAX * size + size / 2 * INFLATE_FREE_BYTES + sizeof piece);
    inflater_free(f);
    return 0;
}
