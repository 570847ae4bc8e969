/* A body: the first line is its Content-Type. */
#include "proto/core/check.h"
#include "proto/record/sdp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sdp s;
    struct diag d = {0};
    struct span body = span_of(data, size), type = span_cut(&body, '\n');
    struct span text = sdp_in_body(type, body);
    CHECK(text.n == 0 || (text.p >= body.p && text.p + text.n <= body.p + body.n));
    if (sdp_parse(text, &s, &d) != OK)
        CHECK(d.at <= text.n);
    CHECK(s.codec.n <= size + 8);
    return 0;
}
