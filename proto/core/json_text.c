#include "proto/core/json_text.h"

/* RFC 3629 4: lead byte, and the range of the byte behind it, which keeps out overlong forms,
 * surrogates and what is above U+10FFFF. */
static const struct {
    uint8_t lead_low, lead_high, next_low, next_high, bytes;
} UTF8[] = {
    {0x00, 0x7f, 0, 0, 1},       {0xc2, 0xdf, 0x80, 0xbf, 2}, {0xe0, 0xe0, 0xa0, 0xbf, 3},
    {0xe1, 0xec, 0x80, 0xbf, 3}, {0xed, 0xed, 0x80, 0x9f, 3}, {0xee, 0xef, 0x80, 0xbf, 3},
    {0xf0, 0xf0, 0x90, 0xbf, 4}, {0xf1, 0xf3, 0x80, 0xbf, 4}, {0xf4, 0xf4, 0x80, 0x8f, 4},
};

size_t utf8_sequence(struct span s)
{
    for (size_t i = 0; s.n && i < sizeof UTF8 / sizeof UTF8[0]; i++) {
        if (s.p[0] < UTF8[i].lead_low || s.p[0] > UTF8[i].lead_high)
            continue;
        size_t n = UTF8[i].bytes;
        if (s.n < n || (n > 1 && (s.p[1] < UTF8[i].next_low || s.p[1] > UTF8[i].next_high)))
            return 0;
        for (size_t k = 2; k < n; k++)
            if ((s.p[k] & 0xc0) != 0x80)
                return 0;
        return n;
    }
    return 0;
}

static void put_ascii(struct buf *b, uint8_t c)
{
    static const char DIGITS[] = "0123456789abcdef";
    const char *short_form = c == '"'    ? "\\\""
                             : c == '\\' ? "\\\\"
                             : c == '\n' ? "\\n"
                             : c == '\r' ? "\\r"
                             : c == '\t' ? "\\t"
                                         : NULL;
    if (short_form) {
        buf_str(b, short_form);
    } else if (c < 0x20 || c == 0x7f) {
        buf_str(b, "\\u00");
        buf_u8(b, (uint8_t)DIGITS[c >> 4]);
        buf_u8(b, (uint8_t)DIGITS[c & 15]);
    } else {
        buf_u8(b, c);
    }
}

void buf_json(struct buf *b, struct span text)
{
    buf_u8(b, '"');
    while (text.n) {
        size_t n = utf8_sequence(text);
        if (n == 0)
            buf_str(b, "\\ufffd");
        else if (n == 1)
            put_ascii(b, text.p[0]);
        else
            buf_bytes(b, text.p, n);
        text = span_from(text, n ? n : 1);
    }
    buf_u8(b, '"');
}
