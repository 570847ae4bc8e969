/* Any bytes through every decoder of pull.h; what is read of a row is inside the input. */
#include "proto/core/check.h"
#include "proto/wire/pull.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void rows(struct span in, struct diag *d)
{
    struct reader r = reader_of(in);
    struct pull_rows_head head;
    struct pull_row row;
    enum err e = pull_rows_head_decode(&r, &head, d);
    while (e == OK && reader_more(&r)) {
        size_t before = reader_at(&r);
        e = pull_row_next(&r, &row, d);
        CHECK(reader_at(&r) > before || !reader_ok(&r));
        CHECK(e != OK || (row.billed_count <= PULL_INCREMENTS_MAX && row.account.n <= in.n));
    }
    CHECK(reader_at(&r) <= in.n);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span in = span_of(data, size);
    struct diag d = {.at = 0};
    struct pull_ask ask;
    struct pull_consumer consumer;
    struct pull_position position;
    if (pull_ask_decode(in, &ask, &d) == OK)
        CHECK(ask.stream.n <= STREAM_BYTES_MAX && ask.max_rows <= PULL_ROWS_MAX);
    CHECK(d.at <= size);
    if (pull_consumer_decode(in, &consumer, &d) == OK)
        CHECK(consumer.name.n <= CONSUMER_NAME_BYTES_MAX);
    CHECK(d.at <= size);
    if (pull_position_decode(in, &position, &d) == OK)
        CHECK(position.stream.n <= STREAM_BYTES_MAX);
    CHECK(d.at <= size);
    rows(in, &d);
    CHECK(d.at <= size);
    return 0;
}
