/* A frame uses no more than there is, and its head encodes alike. */
#include "proto/core/check.h"
#include "proto/wire/frame.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span rest = span_of(data, size);
    struct frame f;
    struct diag d = {"", 0};
    size_t used = 0;
    while (frame_next(rest, &f, &used, &d) == OK) {
        uint8_t head[FRAME_HEAD_BYTES];
        CHECK(used <= rest.n && f.payload.n == used - FRAME_HEAD_BYTES);
        frame_head(head, f.type, f.id, f.payload.n);
        CHECK(memcmp(head, rest.p, sizeof head) == 0);
        rest = span_from(rest, used);
    }
    CHECK(d.at <= rest.n);
    return 0;
}
