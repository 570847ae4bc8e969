#include "vault/directory/entry.h"

#include "vault/directory/range.h"

static bool is_dialled(uint8_t c)
{
    return byte_is_digit(c) || c == '*' || c == '#';
}

static bool is_printable(uint8_t c)
{
    return c >= ' ' && c != 0x7f;
}

static bool is_domain(uint8_t c)
{
    uint8_t l = byte_lower(c);
    /* RFC 3261 25.1 host, and the underscore that real networks use */
    return byte_is_digit(c) || (l >= 'a' && l <= 'z') || (c && strchr("-._:[]", c));
}

static bool all(struct span s, bool (*is)(uint8_t))
{
    for (size_t i = 0; i < s.n; i++)
        if (!is(s.p[i]))
            return false;
    return s.n > 0;
}

static const char *put_number(struct span v, struct buf *out)
{
    struct span digits = span_from(v, v.n > 0 && v.p[0] == '+');
    if (!all(digits, is_dialled))
        return "number is not digits";
    buf_put(out, v);
    return NULL;
}

static const char *put_domain(struct span v, struct buf *out)
{
    static const struct span DOT = SPAN_LIT(".");
    if (span_ends(v, DOT))
        v.n--;
    if (!all(v, is_domain))
        return "domain is not a host name";
    for (size_t i = 0; i < v.n; i++)
        buf_u8(out, byte_lower(v.p[i]));
    return NULL;
}

static const char *put_name(struct span v, struct buf *out)
{
    if (!all(v, is_printable))
        return "trunk or account code has control characters";
    buf_put(out, v);
    return NULL;
}

static const char *put_address(struct span v, struct buf *out)
{
    struct ip ip;
    if (ip_parse(v, &ip) != OK || ip_absent(ip))
        return "address is not an IPv4 or IPv6 address";
    buf_bytes(out, ip.b, sizeof ip.b);
    return NULL;
}

static const char *(*const PUT[ENTRY_KIND_COUNT])(struct span, struct buf *) = {
    [ENTRY_NUMBER] = put_number, [ENTRY_RANGE] = put_number,      [ENTRY_DOMAIN] = put_domain,
    [ENTRY_TRUNK] = put_name,    [ENTRY_ACCOUNT_CODE] = put_name, [ENTRY_ADDRESS] = put_address,
};

void entry_key_of_ip(struct span ip_bytes, struct buf *out)
{
    buf_u8(out, 1 + ENTRY_ADDRESS);
    buf_put(out, ip_bytes);
}

const char *entry_key(enum entry_kind kind, struct span value, struct buf *out)
{
    if (value.n == 0)
        return "value is empty";
    if (value.n > ENTRY_VALUE_BYTES_MAX)
        return "value is too long";
    buf_u8(out, (uint8_t)(1 + kind));
    return PUT[kind](value, out);
}
