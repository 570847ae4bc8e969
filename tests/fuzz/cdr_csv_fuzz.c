/* A line of an Asterisk file: refused, or a record that classifies and encodes. */
#include "proto/classify/classify.h"
#include "proto/core/check.h"
#include "proto/record/cdr_record.h"
#include "proto/wire/record_wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct csv_row row;
    static struct record r;
    static uint8_t columns[LINE_BYTES_MAX], values[CDR_ASTERISK_ROOM_BYTES], wire[RECORD_BYTES_MAX];
    static const struct derive_rules RULES = {.numbers = {.plan = PLAN_NANP}};
    struct buf scratch = buf_of(columns, sizeof columns), room = buf_of(values, sizeof values);
    uint8_t derived[DERIVE_ROOM_BYTES];
    struct buf out = buf_of(wire, sizeof wire), numbers = buf_of(derived, sizeof derived);
    struct classify_counts counts = {.unknown = 0};
    struct diag d = {"", 0};
    struct span in = span_of(data, size);
    if (csv_next(in, true, &scratch, &row, &d) != OK)
        return 0;
    if (cdr_asterisk(&row, span_sub(in, 0, row.used), NULL, &room, &r, &d) != OK) {
        CHECK(d.at <= CDR_LINE_BYTES_MAX);
        return 0;
    }
    classify_record(&r, &RULES, &numbers, &counts);
    CHECK(r.dedup.n > 0 && record_encode(&r, &out) == OK);
    return 0;
}
