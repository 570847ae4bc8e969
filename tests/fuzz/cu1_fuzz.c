/* Any bytes as a request of a consumer, as an answer of a server, and as rows of a vault. */
#include "proto/core/check.h"
#include "proto/wire/cu1.h"
#include "proto/wire/frame.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t room[CU1_ANSWER_BYTES_MAX];
    struct span in = span_of(data, size);
    struct buf out = buf_of(room, sizeof room);
    struct arena a;
    struct diag d = {.at = 0};
    struct cu1_request request;
    struct cu1_answer answer;
    CHECK(arena_init(&a, CU1_ARENA_BYTES) == OK);
    if (size <= CU1_REQUEST_BYTES_MAX && cu1_get_request(in, &a, &request, &d) == OK) {
        CHECK(request.stream.n <= STREAM_BYTES_MAX);
        CHECK(request.kind == CU1_CONFIRM ||
              (request.max_rows && request.max_rows <= PULL_ROWS_MAX));
    }
    CHECK(d.at <= size);
    arena_reset(&a);
    if (cu1_get_answer(in, &a, &answer, &d) == OK)
        CHECK(answer.kind >= CU1_ROWS && answer.fault < CU1_FAULT_COUNT);
    CHECK(d.at <= size);
    arena_reset(&a);
    if (size <= WIRE_FRAME_BYTES_MAX)
        CHECK((cu1_put_rows(span_str("s"), in, &a, &out, &d) == OK) == (out.n > 0));
    CHECK(d.at <= size);
    arena_done(&a);
    return 0;
}
