#include "proto/frame/json.h"

#include "proto/core/check.h"

static bool is_hex(uint8_t c)
{
    return byte_is_digit(c) || (byte_lower(c) >= 'a' && byte_lower(c) <= 'f');
}

static void skip_blanks(struct json *j)
{
    while (j->at < j->in.n && (j->in.p[j->at] == ' ' || j->in.p[j->at] == '\n' ||
                               j->in.p[j->at] == '\r' || j->in.p[j->at] == '\t'))
        j->at++;
}

/* The byte at the cursor; 0, which no grammar rule wants, at the end. */
static uint8_t peek(const struct json *j)
{
    return j->at < j->in.n ? j->in.p[j->at] : 0;
}

static enum err refuse(const struct json *j, const char *what, struct diag *d)
{
    return diag_set(d, j->at < j->in.n ? ERR_SYNTAX : ERR_MORE, what, j->at);
}

/* At the backslash of an escape (RFC 8259 7); moves behind it. */
static enum err read_escape(struct json *j, struct diag *d)
{
    j->at++;
    uint8_t c = peek(j);
    if (c == 0 || !strchr("\"\\/bfnrtu", c))
        return refuse(j, "escape", d);
    j->at++;
    for (int i = 0; c == 'u' && i < 4; i++, j->at++)
        if (!is_hex(peek(j)))
            return refuse(j, "escape", d);
    return OK;
}

/* Where the plain text of a string that goes on at `at` stops: at a quote, a backslash, a control
 * character or the end. Percent signs on the way are noted; to look for them once more would cost
 * as much as all of this. */
static inline size_t plain_end(struct json *j, size_t at, bool *percent)
{
    for (; (at = bytescan_next(&j->scan, at)) < j->in.n && j->in.p[at] == '%'; at++)
        *percent = true;
    return at;
}

/* What a string holds beside plain text. */
struct string_marks {
    bool escaped, percent;
};

/* At the opening quote; gives what is between the quotes. */
static enum err read_string(struct json *j, struct span *out, struct string_marks *marks,
                            struct diag *d)
{
    size_t start = ++j->at;
    *marks = (struct string_marks){false, false};
    for (;;) {
        j->at = plain_end(j, j->at, &marks->percent);
        uint8_t c = peek(j);
        if (c == '"')
            break;
        if (c != '\\')
            return refuse(j, "string", d);
        *marks = (struct string_marks){true, true}; /* \u0025 is a percent sign, too */
        enum err e = read_escape(j, d);
        if (e != OK)
            return e;
    }
    *out = span_sub(j->in, start, j->at - start);
    j->at++;
    return OK;
}

static bool read_digits(struct json *j)
{
    size_t start = j->at;
    while (byte_is_digit(peek(j)))
        j->at++;
    return j->at > start;
}

/* -?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?  (RFC 8259 6); kept as text. */
static enum err read_number(struct json *j, struct json_item *out, struct diag *d)
{
    size_t start = j->at;
    j->at += peek(j) == '-';
    bool zero = peek(j) == '0';
    size_t digits = j->at;
    if (!read_digits(j))
        return refuse(j, "number", d);
    if (zero && j->at > digits + 1)
        return diag_set(d, ERR_SYNTAX, "number", digits);
    if (peek(j) == '.') {
        j->at++;
        if (!read_digits(j))
            return refuse(j, "number", d);
    }
    if (byte_lower(peek(j)) == 'e') {
        j->at++;
        j->at += peek(j) == '+' || peek(j) == '-';
        if (!read_digits(j))
            return refuse(j, "number", d);
    }
    out->kind = JSON_NUMBER;
    out->text = span_sub(j->in, start, j->at - start);
    return OK;
}

static enum err read_literal(struct json *j, const char *word, enum json_kind kind,
                             struct json_item *out, struct diag *d)
{
    size_t start = j->at;
    for (; *word; word++, j->at++)
        if (peek(j) != (uint8_t)*word)
            return refuse(j, "literal", d);
    out->kind = kind;
    out->text = span_sub(j->in, start, j->at - start);
    return OK;
}

/* At the bracket; moves behind it and leaves the inside to the caller. */
static enum err read_container(struct json *j, struct json_item *out, struct diag *d)
{
    if (j->depth == JSON_DEPTH_MAX)
        return diag_set(d, ERR_LIMIT, "depth", j->at);
    out->kind = peek(j) == '{' ? JSON_OBJECT : JSON_ARRAY;
    out->text = SPAN_EMPTY;
    j->at++;
    j->pending = true;
    return OK;
}

static enum err read_value(struct json *j, struct json_item *out, struct diag *d)
{
    struct string_marks marks = {false, false};
    enum err e = OK;
    out->text_escaped = out->text_percent = false;
    switch (peek(j)) {
    case '"':
        out->kind = JSON_STRING;
        e = read_string(j, &out->text, &marks, d);
        out->text_escaped = marks.escaped;
        out->text_percent = marks.percent;
        return e;
    case '{':
    case '[':
        return read_container(j, out, d);
    case 't':
        return read_literal(j, "true", JSON_TRUE, out, d);
    case 'f':
        return read_literal(j, "false", JSON_FALSE, out, d);
    case 'n':
        return read_literal(j, "null", JSON_NULL, out, d);
    default:
        return read_number(j, out, d);
    }
}

static enum err read_name(struct json *j, struct json_item *out, struct diag *d)
{
    if (peek(j) != '"')
        return refuse(j, "member name", d);
    struct string_marks marks;
    enum err e = read_string(j, &out->name, &marks, d);
    if (e != OK)
        return e;
    out->name_escaped = marks.escaped;
    skip_blanks(j);
    if (peek(j) != ':')
        return refuse(j, "colon", d);
    j->at++;
    skip_blanks(j);
    return OK;
}

/* After a level was entered or left: is the one around the cursor an object? */
static void set_level(struct json *j, bool first)
{
    j->object = j->depth && j->objects >> (j->depth - 1) & 1;
    j->first = first;
}

/* One step of the walk, whatever came before it. */
static enum err step(struct json *j, struct json_item *out, struct diag *d)
{
    bool object = j->object;
    skip_blanks(j);
    if (peek(j) == (object ? '}' : ']')) {
        j->at++;
        j->depth--;
        set_level(j, false);
        *out = (struct json_item){.kind = JSON_END};
        return OK;
    }
    if (!j->first) {
        if (peek(j) != ',')
            return refuse(j, "comma or end", d);
        j->at++;
        skip_blanks(j);
    }
    j->first = false;
    out->name = SPAN_EMPTY;
    out->name_escaped = false;
    enum err e = object ? read_name(j, out, d) : OK;
    return e == OK ? read_value(j, out, d) : e;
}

/* Nearly every member that switches write is ,"name":"text" without blanks and backslashes: all
 * of it in one go. False: it is anything else, or wrong, and nothing was done. Apart from the
 * grammar's cases, so that it keeps the registers to itself. */
__attribute__((noinline)) static bool quick_member(struct json *j, struct json_item *out)
{
    enum { BETWEEN_BYTES = sizeof "\":\"" - 1 };
    const uint8_t *in = j->in.p;
    const size_t n = j->in.n;
    size_t name = j->at + (j->first ? 1 : 2);
    if (!j->object || name >= n || in[name - 1] != '"' || (!j->first && in[name - 2] != ','))
        return false;
    bool percent = false;
    size_t name_end = plain_end(j, name, &percent);
    size_t text = name_end + BETWEEN_BYTES;
    if (text >= n || memcmp(in + name_end, "\":\"", BETWEEN_BYTES) != 0)
        return false;
    percent = false;
    size_t text_end = plain_end(j, text, &percent);
    if (text_end == n || in[text_end] != '"')
        return false;
    j->at = text_end + 1;
    j->first = false;
    out->kind = JSON_STRING;
    out->name_escaped = out->text_escaped = false;
    out->text_percent = percent;
    out->name = span_of(in + name, name_end - name);
    out->text = span_of(in + text, text_end - text);
    return true;
}

void json_enter(struct json *j)
{
    CHECK(j->pending && j->depth < JSON_DEPTH_MAX);
    uint64_t bit = UINT64_C(1) << j->depth++;
    j->objects = j->in.p[j->at - 1] == '{' ? j->objects | bit : j->objects & ~bit;
    j->pending = false;
    set_level(j, true);
}

static enum err skip(struct json *j, struct diag *d)
{
    struct json_item item;
    unsigned outside = j->depth;
    for (json_enter(j); j->depth > outside;) {
        enum err e = quick_member(j, &item) ? OK : step(j, &item, d);
        if (e != OK)
            return e;
        if (j->pending)
            json_enter(j);
    }
    return OK;
}

enum err json_open(struct json *j, struct span text, enum json_kind kind, struct diag *d)
{
    struct json_item item;
    static const struct bytescan_set IN_STRING = {{'"', '\\', '%', '"'}, 0x20};
    *j = (struct json){.in = text, .scan = bytescan_of(IN_STRING, text)};
    skip_blanks(j);
    if (peek(j) != (kind == JSON_OBJECT ? '{' : '['))
        return refuse(j, "document", d);
    enum err e = read_container(j, &item, d);
    if (e == OK)
        json_enter(j);
    return e;
}

enum err json_next(struct json *j, struct json_item *out, struct diag *d)
{
    if (!j->pending && quick_member(j, out))
        return OK;
    CHECK(j->depth > 0 || j->pending);
    enum err e = j->pending ? skip(j, d) : OK;
    return e == OK ? step(j, out, d) : e;
}

enum err json_take(struct json *j, struct span *out, struct diag *d)
{
    size_t start = j->at - 1;
    enum err e = skip(j, d);
    if (e == OK)
        *out = span_sub(j->in, start, j->at - start);
    return e;
}

enum err json_close(const struct json *j, struct diag *d)
{
    struct json end = *j;
    CHECK(j->depth == 0);
    skip_blanks(&end);
    return end.at == end.in.n ? OK : diag_set(d, ERR_SYNTAX, "text behind the document", end.at);
}

static unsigned hex4(struct span in)
{
    unsigned value = 0;
    for (size_t i = 0; i < in.n; i++) {
        uint8_t c = byte_lower(in.p[i]);
        value = value << 4 | (unsigned)(byte_is_digit(c) ? c - '0' : c - 'a' + 10);
    }
    return value;
}

static void put_utf8(struct buf *b, unsigned c)
{
    if (c < 0x80) {
        buf_u8(b, (uint8_t)c);
    } else if (c < 0x800) {
        buf_u8(b, (uint8_t)(0xc0 | c >> 6));
        buf_u8(b, (uint8_t)(0x80 | (c & 0x3f)));
    } else if (c < 0x10000) {
        buf_u8(b, (uint8_t)(0xe0 | c >> 12));
        buf_u8(b, (uint8_t)(0x80 | (c >> 6 & 0x3f)));
        buf_u8(b, (uint8_t)(0x80 | (c & 0x3f)));
    } else {
        buf_u8(b, (uint8_t)(0xf0 | c >> 18));
        buf_u8(b, (uint8_t)(0x80 | (c >> 12 & 0x3f)));
        buf_u8(b, (uint8_t)(0x80 | (c >> 6 & 0x3f)));
        buf_u8(b, (uint8_t)(0x80 | (c & 0x3f)));
    }
}

/* \uXXXX at the start of `in`, with the low surrogate that may follow; gives the bytes used. */
static size_t put_unicode(struct buf *b, struct span in)
{
    static const unsigned REPLACEMENT = 0xfffd;
    static const struct span ESCAPE = SPAN_LIT("\\u");
    unsigned high = hex4(span_sub(in, 2, 4));
    struct span rest = span_from(in, 6);
    bool pair = high >= 0xd800 && high < 0xdc00 && rest.n >= 6 && span_starts(rest, ESCAPE);
    unsigned low = pair ? hex4(span_sub(rest, 2, 4)) : 0;
    if (low >= 0xdc00 && low < 0xe000) {
        put_utf8(b, 0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00));
        return 12;
    }
    put_utf8(b, high >= 0xd800 && high < 0xe000 ? REPLACEMENT : high);
    return 6;
}

static uint8_t escape_byte(uint8_t c)
{
    static const char FROM[] = "bfnrt", TO[] = "\b\f\n\r\t";
    const char *hit = strchr(FROM, c);
    return hit && c ? (uint8_t)TO[hit - FROM] : c;
}

enum err json_decode(struct span text, struct buf *room, struct span *out)
{
    size_t mark = room->n;
    for (struct span rest = text; rest.n;) {
        size_t plain = span_find(rest, '\\');
        buf_put(room, span_sub(rest, 0, plain));
        rest = span_from(rest, plain);
        if (rest.n < 2)
            break;
        if (rest.p[1] == 'u' && rest.n >= 6) {
            rest = span_from(rest, put_unicode(room, rest));
        } else {
            buf_u8(room, escape_byte(rest.p[1]));
            rest = span_from(rest, 2);
        }
    }
    if (!buf_ok(room))
        return ERR_LIMIT;
    *out = span_from(buf_span(room), mark);
    return OK;
}
