/* The first byte picks the link type; the payload lies in the frame. */
#include "proto/core/check.h"
#include "proto/frame/packet.h"
#include "tests/lib/exact.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const int LINK[] = {0, 1, 101, 108, 113, 228, 229, 276};
    if (size == 0)
        return 0;
    struct span frame = span_of(data + 1, size - 1);
    struct packet p;
    struct diag d = {0};
    enum err e = packet_parse(LINK[data[0] % 8], frame, &p, &d);
    CHECK(e == OK || e == ERR_SYNTAX);
    CHECK(d.at <= frame.n);
    CHECK(e != OK || exact_inside(p.payload, frame));
    return 0;
}
