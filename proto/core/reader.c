#include "proto/core/reader.h"

uint64_t reader_long_varint(struct reader *r)
{
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
        uint8_t byte = reader_u8(r);
        if (shift == 63 && byte > 1)
            break;
        value |= (uint64_t)(byte & 0x7f) << shift;
        if (byte & 0x80)
            continue;
        if (byte == 0 && shift > 0)
            break; /* a longer form of a smaller number */
        return r->failed ? 0 : value;
    }
    r->failed = true;
    return 0;
}
