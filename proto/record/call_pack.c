#include "proto/record/call_pack.h"

#include "proto/core/reader.h"

static const uint8_t WIDTH[] = {
    [CALL_U8] = 1, [CALL_U16] = 2, [CALL_U32] = 4, [CALL_U64] = 8, [CALL_TS] = 8,
    [CALL_MS] = 4, [CALL_STR] = 0, [CALL_IP] = 0,  [CALL_ENUM] = 1};

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "unpack_field() copies low bytes");

static struct span ip_bytes(const struct ip *a)
{
    static const struct ip V4 = {{[10] = 0xff, [11] = 0xff}};
    if (ip_absent(*a))
        return SPAN_EMPTY;
    bool is_v4 = memcmp(a->b, V4.b, 12) == 0;
    return is_v4 ? span_of(a->b + 12, 4) : span_of(a->b, 16);
}

static void put_number(struct buf *b, uint8_t tag, uint64_t number, size_t width)
{
    buf_u8(b, tag);
    buf_be(b, number, width);
}

static void put_text(struct buf *b, uint8_t tag, struct span text)
{
    buf_u8(b, tag);
    buf_lv(b, text);
}

static inline void pack_number(struct buf *b, uint8_t tag, uint64_t number, size_t width)
{
    if (number)
        put_number(b, tag, number, width);
}

static inline void pack_text(struct buf *b, uint8_t tag, struct span text)
{
    if (text.n)
        put_text(b, tag, text);
}

/* One statement a row, so that the compiler sees where it stands and how wide it is: most of the
 * 75 fields are absent, and that is a load and a test each. */
#define PACK_U8(b, tag, v)   pack_number(b, tag, v, 1)
#define PACK_U16(b, tag, v)  pack_number(b, tag, v, 2)
#define PACK_U32(b, tag, v)  pack_number(b, tag, v, 4)
#define PACK_U64(b, tag, v)  pack_number(b, tag, v, 8)
#define PACK_TS(b, tag, v)   pack_number(b, tag, (uint64_t)(v), 8)
#define PACK_MS(b, tag, v)   pack_number(b, tag, v, 4)
#define PACK_ENUM(b, tag, v) pack_number(b, tag, v, 1)
#define PACK_STR(b, tag, v)  pack_text(b, tag, v)
#define PACK_IP(b, tag, v)   pack_text(b, tag, ip_bytes(&(v)))

void call_pack(const struct call *c, struct buf *b)
{
#define CALL_FIELD(tag, name, type, letter, meaning) PACK_##type(b, tag, c->name);
#include "proto/record/call.def"
#undef CALL_FIELD
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
