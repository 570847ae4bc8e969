/* Bodies and encodings: results lie in the input or the room, which never needs to be larger
 * than the input. */
#include "proto/core/check.h"
#include "proto/frame/form.h"
#include "tests/lib/exact.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static enum err (*const DECODE[])(struct span, struct buf *, struct span *) = {
        form_percent, base64_decode, base64url_decode};
    static uint8_t bytes[1 << 20];
    struct span in = span_of(data, size), out;
    struct diag d = {0};
    if (size > sizeof bytes)
        return 0;
    struct buf room = buf_of(bytes, size);
    if (form_cdr(in, &room, &out, &d) == OK)
        CHECK(exact_inside(out, in) || exact_inside(out, buf_span(&room)));
    CHECK(d.at <= size);
    for (size_t i = 0; i < 3; i++) {
        buf_reset(&room);
        enum err e = DECODE[i](in, &room, &out);
        CHECK(e != ERR_LIMIT);
        CHECK(e != OK || exact_inside(out, in) || exact_inside(out, buf_span(&room)));
    }
    return 0;
}
