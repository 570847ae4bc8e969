/* A stream read to its end: every step uses bytes, messages begin with a start line. */
#include "proto/core/check.h"
#include "proto/frame/sip_stream.h"
#include "tests/lib/exact.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    enum err e = OK;
    for (struct span rest = span_of(data, size); rest.n && e != ERR_MORE;) {
        struct sip_stream_item item;
        struct diag d = {0};
        e = sip_stream_next(rest, &item, &d);
        CHECK(d.at <= rest.n);
        if (e == OK) {
            CHECK(item.used > 0 && item.used <= rest.n && exact_inside(item.message, rest));
            CHECK(item.message.n == 0 || sip_start(item.message) == OK);
            CHECK(item.message.n <= SIP_MESSAGE_BYTES_MAX);
        }
        size_t used = e == OK ? item.used : sip_stream_resync(rest);
        CHECK(used > 0 && used <= rest.n);
        rest = span_from(rest, used);
    }
    return 0;
}
