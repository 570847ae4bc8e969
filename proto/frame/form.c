#include "proto/frame/form.h"

static int hex_digit(uint8_t c)
{
    if (byte_is_digit(c))
        return c - '0';
    c = byte_lower(c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The byte that %HH at the start of `in` stands for; -1: it is no such thing. */
static int percent_byte(struct span in)
{
    if (in.n < 3)
        return -1;
    int high = hex_digit(in.p[1]), low = hex_digit(in.p[2]);
    return high < 0 || low < 0 ? -1 : high * 16 + low;
}

enum err form_percent(struct span in, struct buf *room, struct span *out)
{
    size_t mark = room->n, at = span_find(in, '%');
    if (at == in.n) {
        *out = in;
        return OK;
    }
    for (struct span rest = in; rest.n; at = span_find(rest, '%')) {
        buf_put(room, span_sub(rest, 0, at));
        rest = span_from(rest, at);
        if (rest.n == 0)
            break;
        int byte = percent_byte(rest);
        buf_u8(room, byte < 0 ? '%' : (uint8_t)byte);
        rest = span_from(rest, byte < 0 ? 1 : 3);
    }
    if (!buf_ok(room))
        return ERR_LIMIT;
    *out = span_from(buf_span(room), mark);
    return OK;
}

/* 0..63, or -1: no letter of the alphabet. plus, slash: what stands for 62 and 63. */
static int sextet(uint8_t c, uint8_t plus, uint8_t slash)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (byte_is_digit(c))
        return c - '0' + 52;
    if (c == plus)
        return 62;
    return c == slash ? 63 : -1;
}

/* RFC 4648 3.2: padding, where there is any, fills the last group of four. */
static enum err strip_padding(struct span *in)
{
    size_t n = in->n;
    while (n && in->n - n < 2 && in->p[n - 1] == '=')
        n--;
    if (n != in->n && in->n % 4 != 0)
        return ERR_SYNTAX;
    in->n = n;
    return n % 4 == 1 ? ERR_SYNTAX : OK; /* one letter is 6 bits: less than a byte */
}

static enum err decode64(struct span in, uint8_t plus, uint8_t slash, struct buf *room,
                         struct span *out)
{
    size_t mark = room->n;
    if (strip_padding(&in) != OK)
        return ERR_SYNTAX;
    unsigned bits = 0, count = 0;
    for (size_t i = 0; i < in.n; i++) {
        int v = sextet(in.p[i], plus, slash);
        if (v < 0)
            return ERR_SYNTAX;
        bits = (bits << 6 | (unsigned)v) & 0xffff;
        count += 6;
        if (count >= 8)
            buf_u8(room, (uint8_t)(bits >> (count -= 8)));
    }
    /* RFC 4648 3.5: two texts for one value would be two dedup keys for one record. */
    if (bits & ((1u << count) - 1))
        return ERR_SYNTAX;
    if (!buf_ok(room))
        return ERR_LIMIT;
    *out = span_from(buf_span(room), mark);
    return OK;
}

enum err base64_decode(struct span in, struct buf *room, struct span *out)
{
    return decode64(in, '+', '/', room, out);
}

enum err base64url_decode(struct span in, struct buf *room, struct span *out)
{
    return decode64(in, '-', '_', room, out);
}

static bool is_document(struct span body)
{
    struct span text = span_trim(body);
    return text.n && (text.p[0] == '{' || text.p[0] == '[' || text.p[0] == '<');
}

/* The value of the form field "cdr". */
static enum err find_field(struct span body, struct span *out)
{
    static const struct span NAME = SPAN_LIT("cdr=");
    while (body.n) {
        struct span field = span_cut(&body, '&');
        if (span_starts(field, NAME)) {
            *out = span_from(field, NAME.n);
            return OK;
        }
    }
    return ERR_NOTFOUND;
}

enum err form_cdr(struct span body, struct buf *room, struct span *out, struct diag *d)
{
    struct span value;
    if (is_document(body)) {
        *out = body;
        return OK;
    }
    if (find_field(body, &value) != OK)
        return diag_set(d, ERR_NOTFOUND, "form field cdr", 0);
    /* Encoded JSON and XML begin with a bracket or %HH; base64 can begin with neither. */
    bool percent = is_document(value) || (value.n && value.p[0] == '%');
    enum err e =
        percent ? form_percent(value, room, out) : base64_decode(span_trim(value), room, out);
    return e == OK ? OK : diag_set(d, e, "form field cdr", (size_t)(value.p - body.p));
}
