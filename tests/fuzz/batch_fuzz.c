/* Operations lie inside the batch, one behind another; receipts that decode encode alike. */
#include "proto/core/check.h"
#include "proto/wire/batch.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct reader r = reader_of(span_of(data, size));
    struct batch_op op;
    struct diag d = {"", 0};
    while (reader_more(&r)) {
        size_t before = reader_at(&r);
        if (batch_next(&r, &op, &d) != OK) {
            CHECK(d.at <= size);
            break;
        }
        CHECK(reader_at(&r) > before && op.key.n + op.value.n < reader_at(&r) - before);
    }
    struct receipt receipt;
    uint8_t again[1 + 4 * 5];
    struct buf b = buf_of(again, sizeof again);
    if (receipt_decode(span_of(data, size), &receipt, &d) == OK) {
        receipt_encode(&receipt, &b);
        CHECK(span_eq(buf_span(&b), span_of(data, size)));
    }
    return 0;
}
