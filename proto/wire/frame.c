#include "proto/wire/frame.h"

#include "proto/core/check.h"

static bool type_known(unsigned type)
{
    switch (type) {
#define FRAME_TYPE(name, code) case code:
        FRAME_TYPES(FRAME_TYPE)
#undef FRAME_TYPE
        return true;
    default:
        return false;
    }
}

void frame_head(uint8_t out[static FRAME_HEAD_BYTES], enum frame_type type, uint32_t id,
                size_t payload_bytes)
{
    CHECK(payload_bytes <= WIRE_FRAME_BYTES_MAX);
    CHECK(type_known(type));
    struct buf b = buf_of(out, FRAME_HEAD_BYTES);
    buf_be32(&b, (uint32_t)payload_bytes);
    buf_u8(&b, FRAME_VERSION);
    buf_u8(&b, (uint8_t)type);
    buf_be16(&b, 0);
    buf_be32(&b, id);
    CHECK(buf_ok(&b));
}

enum err frame_next(struct span in, struct frame *out, size_t *used, struct diag *d)
{
    struct reader r = reader_of(in);
    size_t payload_bytes = reader_be32(&r);
    unsigned version = reader_u8(&r);
    unsigned type = reader_u8(&r);
    unsigned reserved = reader_be16(&r);
    uint32_t id = reader_be32(&r);
    if (!reader_ok(&r))
        return diag_set(d, ERR_MORE, "frame head", in.n);
    if (version != FRAME_VERSION)
        return diag_set(d, ERR_VERSION, "frame version", 4);
    if (payload_bytes > WIRE_FRAME_BYTES_MAX)
        return diag_set(d, ERR_LIMIT, "frame length", 0);
    if (!type_known(type))
        return diag_set(d, ERR_SYNTAX, "frame type", 5);
    if (reserved != 0)
        return diag_set(d, ERR_SYNTAX, "frame reserved bytes", 6);
    struct span payload = reader_take(&r, payload_bytes);
    if (!reader_ok(&r))
        return diag_set(d, ERR_MORE, "frame payload", in.n);
    *out = (struct frame){(enum frame_type)type, id, payload};
    *used = reader_at(&r);
    return OK;
}
