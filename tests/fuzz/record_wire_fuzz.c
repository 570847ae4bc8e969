/* A record that decodes encodes to one that decodes alike, and errors lie inside the input. */
#include "proto/core/check.h"
#include "proto/wire/record_wire.h"
#include "tests/lib/random_record.h"

static enum err decode(struct span wire, struct record *r, struct diag *d)
{
    struct record_parts parts;
    record_reset(r);
    enum err e = record_split(wire, &parts, d);
    if (e == OK)
        e = record_decode_items(parts.core, r, d);
    if (e == OK)
        e = record_decode_items(parts.location, r, d);
    r->dedup = e == OK ? parts.dedup : SPAN_EMPTY;
    return e;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct record first, second;
    static uint8_t again[WIRE_FRAME_BYTES_MAX];
    struct buf b = buf_of(again, sizeof again);
    struct diag d = {"", 0};
    if (decode(span_of(data, size), &first, &d) != OK) {
        CHECK(d.at <= size);
        return 0;
    }
    CHECK(size > sizeof again / 2 || record_encode(&first, &b) == OK);
    if (b.n) {
        CHECK(decode(buf_span(&b), &second, &d) == OK);
        CHECK(call_equal(&first.call, &second.call) && span_eq(first.dedup, second.dedup));
    }
    return 0;
}
