/* A request that decodes encodes alike, and an argument that is found lies inside it. */
#include "proto/core/check.h"
#include "proto/wire/control.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct control_request r;
    struct diag d = {"", 0};
    if (control_request_decode(span_of(data, size), &r, &d) != OK) {
        CHECK(d.at <= size);
        return 0;
    }
    static uint8_t again[1024 * 1024];
    struct buf b = buf_of(again, sizeof again);
    buf_lv(&b, r.verb);
    for (size_t i = 0; i < r.args_count; i++) {
        buf_lv(&b, r.arg[i].name);
        buf_lv(&b, r.arg[i].value);
    }
    CHECK(!buf_ok(&b) || span_eq(buf_span(&b), span_of(data, size)));
    struct span found = control_arg(&r, "a");
    CHECK(found.n == 0 || (found.p >= data && found.p + found.n <= data + size));
    return 0;
}
