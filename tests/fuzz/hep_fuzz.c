/* Frames of all versions, and framing: nothing points outside the input. */
#include "proto/core/check.h"
#include "proto/frame/hep.h"
#include "tests/lib/exact.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span in = span_of(data, size), frame;
    struct diag d = {0};
    struct hep h;
    if (hep_parse(in, 0, &h, &d) == OK) {
        CHECK(exact_inside(h.payload, in) && exact_inside(h.auth_key, in));
        CHECK(exact_inside(h.agent_name, in) && exact_inside(h.correlation, in));
    }
    CHECK(d.at <= size);
    if (hep_next(in, &frame, &d) == OK)
        CHECK(frame.n >= 6 && frame.n <= size && frame.p == data);
    CHECK(d.at <= size);
    (void)hep_shape(in);
    return 0;
}
