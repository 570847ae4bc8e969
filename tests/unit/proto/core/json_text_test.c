/* Proves: whatever bytes a stranger sent become one valid JSON string. */
#include <criterion/criterion.h>

#include "proto/core/json_text.h"

Test(json_text, rows)
{
    static const struct {
        const char *in, *out;
    } ROWS[] = {
        {"", "\"\""},
        {"plain", "\"plain\""},
        {"a\"b\\c", "\"a\\\"b\\\\c\""},
        {"tab\tline\nreturn\r", "\"tab\\tline\\nreturn\\r\""},
        {"\x01\x1f\x7f", "\"\\u0001\\u001f\\u007f\""},
        {"caf\xc3\xa9", "\"caf\xc3\xa9\""},
        {"\xf0\x9f\x93\x9e", "\"\xf0\x9f\x93\x9e\""},
        {"cut \xc3", "\"cut \\ufffd\""},
        {"overlong \xc0\xaf", "\"overlong \\ufffd\\ufffd\""},
        {"surrogate \xed\xa0\x80", "\"surrogate \\ufffd\\ufffd\\ufffd\""},
        {"too big \xf4\x90\x80\x80", "\"too big \\ufffd\\ufffd\\ufffd\\ufffd\""},
        {"third byte \xe2\x82z", "\"third byte \\ufffd\\ufffdz\""},
    };
    for (size_t i = 0; i < sizeof ROWS / sizeof ROWS[0]; i++) {
        uint8_t bytes[128];
        struct buf b = buf_of(bytes, sizeof bytes);
        buf_json(&b, span_str(ROWS[i].in));
        cr_expect(span_is(buf_span(&b), ROWS[i].out), "row %zu: %.*s", i, (int)b.n, bytes);
    }
}

Test(json_text, every_single_byte_gives_ascii_or_itself)
{
    for (unsigned c = 0; c < 256; c++) {
        uint8_t in = (uint8_t)c, bytes[16];
        struct buf b = buf_of(bytes, sizeof bytes);
        buf_json(&b, span_of(&in, 1));
        cr_expect(buf_ok(&b) && bytes[0] == '"' && bytes[b.n - 1] == '"');
        for (size_t i = 0; i < b.n; i++)
            cr_expect(bytes[i] >= 0x20 && bytes[i] < 0x7f, "byte %u", c);
    }
}
