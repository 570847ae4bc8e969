/* An Identity header: room of twice its size suffices, and what is found lies in it. */
#include "proto/core/check.h"
#include "proto/record/passport.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t bytes[128 * 1024];
    struct passport p;
    struct diag d = {0};
    if (2 * size > sizeof bytes)
        return 0;
    struct buf room = buf_of(bytes, 2 * size);
    enum err e = passport_parse(span_of(data, size), &room, &p, &d);
    CHECK(e != ERR_LIMIT);
    if (e == OK)
        CHECK(p.attest < ATTEST_COUNT && p.orig_tn.n <= room.n && p.origid.n <= room.n);
    return 0;
}
