#include "tests/lib/record_text.h"

#include <arpa/inet.h>

#include "proto/core/instant.h"

static uint64_t uint_of(const struct call_field *f, const void *at)
{
    switch ((enum call_type_of_field)f->type) {
    case CALL_U8:
    case CALL_ENUM:
        return *(const uint8_t *)at;
    case CALL_U16:
        return *(const uint16_t *)at;
    case CALL_U32:
    case CALL_MS:
        return *(const uint32_t *)at;
    case CALL_U64:
        return *(const uint64_t *)at;
    case CALL_TS:
        return (uint64_t) * (const int64_t *)at;
    case CALL_STR:
        return ((const struct span *)at)->n;
    case CALL_IP:
        return !ip_absent(*(const struct ip *)at);
    }
    return 0;
}

static void put_ip(struct buf *out, const struct ip *a)
{
    char text[INET6_ADDRSTRLEN];
    static const uint8_t MAPPED[12] = {[10] = 0xff, [11] = 0xff};
    bool v4 = memcmp(a->b, MAPPED, sizeof MAPPED) == 0;
    buf_str(out, inet_ntop(v4 ? AF_INET : AF_INET6, v4 ? a->b + 12 : a->b, text, sizeof text));
}

static void put_value(struct buf *out, const struct call_field *f, const void *at)
{
    if (f->type == CALL_STR)
        buf_put(out, *(const struct span *)at);
    else if (f->type == CALL_TS)
        instant_format(out, *(const int64_t *)at);
    else if (f->type == CALL_IP)
        put_ip(out, at);
    else if (f->type == CALL_ENUM)
        buf_str(out, call_enum_name(f, (unsigned)uint_of(f, at)));
    else
        buf_dec(out, uint_of(f, at));
}

static void put_line(struct buf *out, const char *head, struct span name, struct span value)
{
    buf_str(out, head);
    buf_put(out, name);
    buf_u8(out, ' ');
    for (size_t i = 0; i < value.n; i++)
        buf_u8(out, value.p[i] ? value.p[i] : '|');
    buf_u8(out, '\n');
}

/* The parts of a key are told apart by NUL bytes, or by their lengths. */
static void put_key(struct buf *out, struct span key)
{
    buf_str(out, "key ");
    for (size_t i = 0; i < key.n; i++)
        buf_u8(out, key.p[i] >= ' ' || key.p[i] == '\n' ? key.p[i] : '|');
    buf_u8(out, '\n');
}

void record_text(const struct record *r, struct buf *out)
{
    for (size_t i = 0; i < CALL_FIELDS_COUNT; i++) {
        const struct call_field *f = &CALL_FIELDS[i];
        const void *at = (const uint8_t *)&r->call + f->offset;
        if (uint_of(f, at) == 0)
            continue;
        buf_str(out, f->name);
        buf_u8(out, ' ');
        put_value(out, f, at);
        buf_u8(out, '\n');
    }
    for (size_t i = 0; i < r->extras_count; i++)
        put_line(out, "extra ", r->extra[i].name, r->extra[i].value);
    put_key(out, r->dedup);
}
