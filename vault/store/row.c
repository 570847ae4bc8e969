#include "proto/core/reader.h"
#include "vault/store/store.h"

void record_head_encode(uint8_t out[static RECORD_HEAD_BYTES], const struct record_head *h)
{
    struct buf b = buf_of(out, RECORD_HEAD_BYTES);
    buf_u8(&b, RECORD_FORMAT);
    buf_u8(&b, h->flags);
    buf_be32(&b, h->incarnation);
    buf_be64(&b, h->owner_masked);
    buf_bytes(&b, h->day_tag, DAY_TAG_BYTES);
    buf_bytes(&b, h->dup_tag, DUP_TAG_BYTES);
}

enum err record_head_decode(struct span value, struct record_head *out, struct span *sealed)
{
    struct reader r = reader_of(value);
    if (value.n && reader_u8(&r) != RECORD_FORMAT)
        return ERR_VERSION;
    struct record_head h = {
        .flags = reader_u8(&r), .incarnation = reader_be32(&r), .owner_masked = reader_be64(&r)};
    struct span day = reader_take(&r, DAY_TAG_BYTES);
    struct span dup = reader_take(&r, DUP_TAG_BYTES);
    if (!reader_ok(&r))
        return ERR_SYNTAX;
    memcpy(h.day_tag, day.p, DAY_TAG_BYTES);
    memcpy(h.dup_tag, dup.p, DUP_TAG_BYTES);
    *out = h;
    *sealed = span_from(value, RECORD_HEAD_BYTES);
    return OK;
}
