/* Packets of a capture, each behind a byte of its length and a byte that moves the clock:
 * fragments and TCP put together; what comes out is SIP or HEP by its first bytes. */
#include "proto/core/check.h"
#include "proto/core/reader.h"
#include "proto/frame/hep.h"
#include "proto/frame/sip_stream.h"
#include "proto/frame/traffic.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static enum err look(void *arg, const struct traffic_item *item)
{
    (void)arg;
    if (item->kind == TRAFFIC_SIP)
        CHECK(sip_start(item->payload) == OK);
    else
        CHECK(hep_shape(item->payload) != HEP_NONE);
    return OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct traffic *t;
    struct reader r = reader_of(span_of(data, size));
    int64_t t_us = 0;
    CHECK(traffic_new(&t) == OK);
    while (reader_more(&r)) {
        size_t n = reader_u8(&r);
        t_us += (int64_t)reader_u8(&r) << 16;
        struct span frame = reader_take(&r, n);
        if (reader_ok(&r))
            CHECK(traffic_feed(t, 1, frame, t_us, look, NULL) == OK);
    }
    CHECK(traffic_finish(t, t_us, look, NULL) == OK);
    traffic_free(t);
    return 0;
}
