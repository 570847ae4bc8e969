#include "proto/wire/record_wire.h"

#include <endian.h>

#include "proto/classify/field.h"

enum { TAG_EXTRA = 256 };

static size_t varint_bytes(uint64_t v)
{
    size_t n = 1;
    while (v >>= 7)
        n++;
    return n;
}

static uint64_t zigzag(int64_t v)
{
    return ((uint64_t)v << 1) ^ (uint64_t)(v >> 63);
}

static int64_t unzigzag(uint64_t v)
{
    return (int64_t)(v >> 1) ^ -(int64_t)(v & 1);
}

/* Tag and length of an item in front of its n bytes of value, and where those go; NULL: no room, or
 * not in the short form, which nearly all items have. One check of the room instead of three. */
static inline uint8_t *short_item(struct buf *b, unsigned tag, size_t n)
{
    const size_t tag_bytes = tag < 0x80 ? 1 : 2;
    if (n >= 0x80 || tag >= 0x4000 || b->full || tag_bytes + 1 + n > b->cap - b->n)
        return NULL;
    uint8_t *room = b->p + b->n;
    room[0] = (uint8_t)(tag_bytes == 1 ? tag : tag | 0x80);
    room[tag_bytes - 1] = (uint8_t)(tag_bytes == 1 ? tag : tag >> 7);
    room[tag_bytes] = (uint8_t)n;
    b->n += tag_bytes + 1 + n;
    return room + tag_bytes + 1;
}

static inline void put_str(struct buf *b, unsigned tag, struct span value)
{
    if (value.n == 0)
        return;
    uint8_t *room = short_item(b, tag, value.n);
    if (room) {
        memcpy(room, value.p, value.n);
        return;
    }
    buf_varint(b, tag);
    buf_lv(b, value);
}

static inline void put_uint(struct buf *b, unsigned tag, uint64_t value)
{
    if (value == 0)
        return; /* absent */
    size_t bytes = (size_t)(71 - __builtin_clzll(value)) / 8;
    uint64_t shortest = htobe64(value << (64 - 8 * bytes));
    uint8_t *room = b->cap - b->n >= 16 ? short_item(b, tag, bytes) : NULL;
    if (room)
        memcpy(room, &shortest, sizeof shortest); /* what is behind the item is still free */
    else
        put_str(b, tag, span_of(&shortest, bytes));
}

void record_put_uint(struct buf *b, unsigned tag, uint64_t value)
{
    put_uint(b, tag, value);
}

static void put_ip(struct buf *b, unsigned tag, struct ip a)
{
    static const uint8_t V4_MAPPED[12] = {[10] = 0xff, [11] = 0xff};
    if (ip_absent(a))
        return;
    size_t head = memcmp(a.b, V4_MAPPED, sizeof V4_MAPPED) == 0 ? sizeof V4_MAPPED : 0;
    put_str(b, tag, span_of(a.b + head, sizeof a.b - head));
}

/* One statement a row, so that the compiler sees tag, type and offset as constants: this
 * runs for every record. */
#define PUT_U8(b, tag, v)   put_uint(b, tag, v)
#define PUT_U16(b, tag, v)  put_uint(b, tag, v)
#define PUT_U32(b, tag, v)  put_uint(b, tag, v)
#define PUT_U64(b, tag, v)  put_uint(b, tag, v)
#define PUT_MS(b, tag, v)   put_uint(b, tag, v)
#define PUT_ENUM(b, tag, v) put_uint(b, tag, v)
#define PUT_TS(b, tag, v)   put_uint(b, tag, zigzag(v))
#define PUT_STR(b, tag, v)  put_str(b, tag, v)
#define PUT_IP(b, tag, v)   put_ip(b, tag, v)

/* Letter L goes into the part with its own key, all others into the core. */
#define CORE_K(put) put
#define CORE_S(put) put
#define CORE_T(put) put
#define CORE_U(put) put
#define CORE_X(put) put
#define CORE_L(put)
#define LOCATION_K(put)
#define LOCATION_S(put)
#define LOCATION_T(put)
#define LOCATION_U(put)
#define LOCATION_X(put)
#define LOCATION_L(put) put

static void put_core(struct buf *b, const struct call *c)
{
#define CALL_FIELD(tag, name, type, letter, meaning) CORE_##letter(PUT_##type(b, tag, c->name);)
#include "proto/record/call.def"
#undef CALL_FIELD
}

static void put_location(struct buf *b, const struct call *c)
{
#define CALL_FIELD(tag, name, type, letter, meaning) LOCATION_##letter(PUT_##type(b, tag, c->name);)
#include "proto/record/call.def"
#undef CALL_FIELD
}

static void put_extra(struct buf *b, const struct extra *x)
{
    const unsigned tag = TAG_EXTRA + (unsigned)x->field;
    bool pattern = field_is_pattern(x->field);
    uint8_t *room = pattern ? NULL : short_item(b, tag, x->value.n);
    if (room) {
        if (x->value.n)
            memcpy(room, x->value.p, x->value.n);
        return;
    }
    buf_varint(b, tag);
    if (!pattern) {
        buf_lv(b, x->value);
        return;
    }
    buf_varint(b, varint_bytes(x->name.n) + x->name.n + x->value.n);
    buf_lv(b, x->name);
    buf_put(b, x->value);
}

/* A field that must be dropped is not written even when nobody dropped it before (I5). */
static void put_extras(struct buf *b, const struct record *r, bool location)
{
    for (size_t i = 0; i < r->extras_count; i++) {
        unsigned handling = field_row(r->extra[i].field)->handling;
        if (handling != HANDLE_DROP && (handling == HANDLE_SEAL_L) == location)
            put_extra(b, &r->extra[i]);
    }
}

static void put_items(struct buf *b, const struct record *r, bool location)
{
    if (location)
        put_location(b, &r->call);
    else
        put_core(b, &r->call);
    put_extras(b, r, location);
}

/* A part whose length is known only behind it: one byte is kept for it, and a longer
 * length moves the part. */
static void put_part(struct buf *b, const struct record *r, bool location)
{
    size_t at = b->n;
    buf_u8(b, 0);
    size_t start = b->n;
    put_items(b, r, location);
    size_t n = b->n - start;
    size_t shift = varint_bytes(n) - 1;
    if (!buf_ok(b) || !buf_room(b, shift))
        return;
    memmove(b->p + start + shift, b->p + start, n);
    struct buf length = buf_of(b->p + at, shift + 1);
    buf_varint(&length, n);
}

enum err record_encode(const struct record *r, struct buf *b)
{
    struct buf before = *b;
    put_part(b, r, false);
    put_part(b, r, true);
    buf_lv(b, r->dedup);
    if (buf_ok(b))
        return OK;
    *b = before;
    return ERR_LIMIT;
}

enum err record_split(struct span wire, struct record_parts *out, struct diag *d)
{
    struct reader r = reader_of(wire);
    struct record_parts parts;
    parts.core = reader_lv(&r);
    parts.location = reader_lv(&r);
    parts.dedup = reader_lv(&r);
    if (!reader_ok(&r))
        return diag_set(d, ERR_SYNTAX, "record part runs past the record", reader_at(&r));
    if (reader_more(&r))
        return diag_set(d, ERR_SYNTAX, "bytes behind the record", reader_at(&r));
    *out = parts;
    return OK;
}

/* Big-endian, shortest form, of a member of `bytes` bytes. */
static bool read_uint(struct span v, size_t bytes, uint64_t *out)
{
    if (v.n == 0 || v.n > bytes || v.p[0] == 0)
        return false;
    struct reader r = reader_of(v);
    *out = reader_be(&r, v.n);
    return true;
}

static bool read_ip(struct span v, struct ip *out)
{
    struct ip a;
    if (v.n == 4)
        a = ip_v4(v.p);
    else if (v.n == sizeof a.b)
        a = ip_v6(v.p);
    else
        return false;
    *out = a;
    return !ip_absent(a);
}

/* Sets the member behind `at`; false when the value does not fit its type. */
static bool set_member(void *at, enum call_type_of_field type, struct span v)
{
    static const uint8_t BYTES[] = {
        [CALL_U8] = 1, [CALL_U16] = 2, [CALL_U32] = 4, [CALL_U64] = 8, [CALL_TS] = 8,
        [CALL_MS] = 4, [CALL_STR] = 0, [CALL_IP] = 0,  [CALL_ENUM] = 1};
    uint64_t u = 0;
    if (BYTES[type] && !read_uint(v, BYTES[type], &u))
        return false;
    switch (type) {
    case CALL_U8:
    case CALL_ENUM:
        *(uint8_t *)at = (uint8_t)u;
        return true;
    case CALL_U16:
        *(uint16_t *)at = (uint16_t)u;
        return true;
    case CALL_U32:
    case CALL_MS:
        *(uint32_t *)at = (uint32_t)u;
        return true;
    case CALL_U64:
        *(uint64_t *)at = u;
        return true;
    case CALL_TS:
        *(int64_t *)at = unzigzag(u);
        return true;
    case CALL_STR:
        *(struct span *)at = v;
        return v.n > 0;
    case CALL_IP:
        return read_ip(v, at);
    }
    return false;
}

static enum err get_extra(struct record *r, uint64_t tag, struct span v)
{
    if (tag > TAG_EXTRA + (uint64_t)UINT16_MAX)
        return ERR_SYNTAX;
    if (r->extras_count == EXTRAS_MAX)
        return ERR_LIMIT;
    struct extra x = {.field = (uint16_t)(tag - TAG_EXTRA), .value = v};
    x.name = field_name(x.field);
    if (field_is_pattern(x.field)) {
        struct reader named = reader_of(v);
        x.name = reader_lv(&named);
        if (!reader_ok(&named))
            return ERR_SYNTAX;
        x.value = span_from(v, reader_at(&named));
    }
    r->extra[r->extras_count++] = x;
    return OK;
}

/* Which canonical tags were met: the second of a kind would silently replace the first. */
struct tags_seen {
    uint64_t bit[4];
};

static bool seen_before(struct tags_seen *s, unsigned tag)
{
    uint64_t bit = UINT64_C(1) << (tag & 63);
    bool seen = s->bit[tag >> 6] & bit;
    s->bit[tag >> 6] |= bit;
    return seen;
}

static enum err get_call(struct record *r, struct tags_seen *seen, unsigned tag, struct span v)
{
    if (tag == 0 || seen_before(seen, tag))
        return ERR_SYNTAX;
    const struct call_field *f = call_field_by_tag(tag);
    if (!f)
        return OK; /* a later minor version wrote it */
    void *member = (uint8_t *)&r->call + f->offset;
    return set_member(member, (enum call_type_of_field)f->type, v) ? OK : ERR_SYNTAX;
}

enum err record_decode_items(struct span items, struct record *r, struct diag *d)
{
    struct reader in = reader_of(items);
    struct tags_seen seen = {{0}};
    while (reader_more(&in)) {
        size_t at = reader_at(&in);
        uint64_t tag = reader_varint(&in);
        struct span v = reader_lv(&in);
        if (!reader_ok(&in))
            return diag_set(d, ERR_SYNTAX, "item runs past the part", at);
        enum err e = tag >= TAG_EXTRA ? get_extra(r, tag, v) : get_call(r, &seen, (unsigned)tag, v);
        if (e != OK)
            return diag_set(d, e, "item", at);
    }
    return OK;
}
