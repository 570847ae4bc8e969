/* A FreeSWITCH document: refused, or a record that classifies and encodes. */
#include "proto/classify/classify.h"
#include "proto/core/check.h"
#include "proto/record/cdr_record.h"
#include "proto/wire/record_wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct record r;
    static uint8_t values[CDR_FREESWITCH_ROOM_BYTES], wire[RECORD_BYTES_MAX];
    static const struct derive_rules RULES = {.numbers = {.plan = PLAN_NANP}};
    struct buf room = buf_of(values, sizeof values), out = buf_of(wire, sizeof wire);
    uint8_t derived[DERIVE_ROOM_BYTES];
    struct buf numbers = buf_of(derived, sizeof derived);
    struct classify_counts counts = {.unknown = 0};
    struct diag d = {"", 0};
    enum err e = cdr_freeswitch(span_of(data, size), &room, &r, &d);
    CHECK(size > HTTP_BODY_BYTES_MAX || e != ERR_LIMIT || room.n < sizeof values);
    if (e != OK) {
        CHECK(d.at <= size);
        return 0;
    }
    classify_record(&r, &RULES, &numbers, &counts);
    CHECK(r.dedup.n > 0 && record_encode(&r, &out) == OK);
    return 0;
}
