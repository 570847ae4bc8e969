#include "proto/record/call_pack.h"

#include "proto/core/reader.h"

static const uint8_t WIDTH[] = {
    [CALL_U8] = 1, [CALL_U16] = 2, [CALL_U32] = 4, [CALL_U64] = 8, [CALL_TS] = 8,
    [CALL_MS] = 4, [CALL_STR] = 0, [CALL_IP] = 0,  [CALL_ENUM] = 1};

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "unpack_field() copies low bytes");

/* By constant widths: most of the 75 fields are absent, and this says so in one load. */
static uint64_t load(const void *member, size_t width)
{
    switch (width) {
    case 1:
        return *(const uint8_t *)member;
    case 2:
        return *(const uint16_t *)member;
    case 4:
        return *(const uint32_t *)member;
    default:
        return *(const uint64_t *)member;
    }
}

static struct span ip_bytes(const struct ip *a)
{
    static const struct ip V4 = {{[10] = 0xff, [11] = 0xff}};
    if (ip_absent(*a))
        return SPAN_EMPTY;
    bool is_v4 = memcmp(a->b, V4.b, 12) == 0;
    return is_v4 ? span_of(a->b + 12, 4) : span_of(a->b, 16);
}

static void pack_field(const struct call_field *f, const void *member, struct buf *b)
{
    size_t width = WIDTH[f->type];
    if (width) {
        uint64_t number = load(member, width);
        if (number) {
            buf_u8(b, f->tag);
            buf_be(b, number, width);
        }
        return;
    }
    struct span text = f->type == CALL_STR ? *(const struct span *)member : ip_bytes(member);
    if (text.n) {
        buf_u8(b, f->tag);
        buf_lv(b, text);
    }
}

void call_pack(const struct call *c, struct buf *b)
{
    for (size_t i = 0; i < CALL_FIELDS_COUNT; i++)
        pack_field(&CALL_FIELDS[i], (const uint8_t *)c + CALL_FIELDS[i].offset, b);
}

void call_pack_extra(const struct extra *x, struct buf *b)
{
    buf_u8(b, 0);
    buf_be16(b, x->field);
    buf_lv(b, x->name);
    buf_lv(b, x->value);
}

static void unpack_extra(struct reader *in, struct record *r)
{
    uint16_t field = reader_be16(in);
    struct span name = reader_lv(in);
    struct span value = reader_lv(in);
    if (reader_ok(in))
        record_extra(r, field, name, value);
}

static bool unpack_field(struct reader *in, const struct call_field *f, void *member)
{
    size_t width = WIDTH[f->type];
    if (width) {
        uint64_t number = reader_be(in, width);
        memcpy(member, &number, width);
        return reader_ok(in);
    }
    struct span text = reader_lv(in);
    if (f->type == CALL_STR)
        memcpy(member, &text, sizeof text);
    else if (text.n == 4)
        *(struct ip *)member = ip_v4(text.p);
    else if (text.n == 16)
        *(struct ip *)member = ip_v6(text.p);
    else
        return false;
    return reader_ok(in);
}

enum err call_unpack(struct span packed, struct record *r, struct diag *d)
{
    struct reader in = reader_of(packed);
    while (reader_more(&in)) {
        size_t at = reader_at(&in);
        uint8_t tag = reader_u8(&in);
        const struct call_field *f = call_field_by_tag(tag);
        bool good = tag == 0 || f;
        if (tag == 0)
            unpack_extra(&in, r);
        else if (f)
            good = unpack_field(&in, f, (uint8_t *)&r->call + f->offset);
        if (!good || !reader_ok(&in))
            return diag_set(d, ERR_SYNTAX, "packed call", at);
    }
    return OK;
}
