/* Proves: percent-encoding and base64 of HTTP bodies, strictly where two texts must not mean one
 * record, tolerantly where switches are known to send it; encode and decode are inverse. */
#include <criterion/criterion.h>

#include "proto/frame/form.h"
#include "tests/lib/exact.h"

static uint8_t bytes[1024];

Test(form, percent)
{
    static const struct {
        const char *in, *out;
    } ROW[] = {
        {"", ""},
        {"plain", "plain"},
        {"%2B12125550123", "+12125550123"},
        {"+1%20212", "+1 212"}, /* a plus is a plus */
        {"%c3%A9", "\xc3\xa9"},
        {"%25%32%35", "%25"}, /* once, not twice */
        {"100%", "100%"},
        {"%4", "%4"},
        {"%zz%41", "%zzA"},
        {"%%41", "%A"},
    };
    for (size_t i = 0; i < sizeof ROW / sizeof ROW[0]; i++) {
        struct span in = exact_copy(span_str(ROW[i].in)), out;
        struct buf room = buf_of(bytes, sizeof bytes);
        cr_expect(form_percent(in, &room, &out) == OK && span_is(out, ROW[i].out), "%s", ROW[i].in);
        exact_free(in);
    }
}

Test(form, percent_needs_room_only_where_something_is_encoded)
{
    struct buf room = buf_of(bytes, 2);
    struct span in = span_str("plain"), out;
    cr_expect(form_percent(in, &room, &out) == OK && out.p == in.p);
    cr_expect(form_percent(span_str("abc%20"), &room, &out) == ERR_LIMIT);
}

Test(form, every_byte_is_decoded)
{
    for (unsigned c = 0; c < 256; c++) {
        uint8_t in[3] = {'%', (uint8_t) "0123456789abcdef"[c >> 4],
                         (uint8_t) "0123456789ABCDEF"[c & 15]};
        struct buf room = buf_of(bytes, 1);
        struct span out;
        cr_expect(form_percent(span_of(in, 3), &room, &out) == OK && out.n == 1 && out.p[0] == c);
    }
}

/* RFC 4648 section 10, and what must not pass. */
static const struct {
    const char *in;
    enum err plain, url;
    const char *out;
} ROW64[] = {
    {"", OK, OK, ""},
    {"Zg==", OK, OK, "f"},
    {"Zm8=", OK, OK, "fo"},
    {"Zm9v", OK, OK, "foo"},
    {"Zm9vYg==", OK, OK, "foob"},
    {"Zm9vYmE=", OK, OK, "fooba"},
    {"Zm9vYmFy", OK, OK, "foobar"},
    {"Zg", OK, OK, "f"},
    {"Zm8", OK, OK, "fo"},
    {"+/+/", OK, ERR_SYNTAX, "\xfb\xff\xbf"},
    {"-_-_", ERR_SYNTAX, OK, "\xfb\xff\xbf"},
    {"Z", ERR_SYNTAX, ERR_SYNTAX, ""},
    {"Zg=", ERR_SYNTAX, ERR_SYNTAX, ""},
    {"Z===", ERR_SYNTAX, ERR_SYNTAX, ""},
    {"=", ERR_SYNTAX, ERR_SYNTAX, ""},
    {"Zg==Zg==", ERR_SYNTAX, ERR_SYNTAX, ""},
    {"Zm 9v", ERR_SYNTAX, ERR_SYNTAX, ""},
    {"Zm9v\n", ERR_SYNTAX, ERR_SYNTAX, ""},
    {"Zh==", ERR_SYNTAX, ERR_SYNTAX, ""}, /* bits behind the last byte */
    {"Zm9", ERR_SYNTAX, ERR_SYNTAX, ""},  /* also here */
};

Test(form, base64_of_both_alphabets)
{
    for (size_t i = 0; i < sizeof ROW64 / sizeof ROW64[0]; i++) {
        struct span in = exact_copy(span_str(ROW64[i].in)), out = SPAN_EMPTY;
        struct buf room = buf_of(bytes, sizeof bytes);
        cr_expect(base64_decode(in, &room, &out) == ROW64[i].plain, "%s", ROW64[i].in);
        if (ROW64[i].plain == OK)
            cr_expect(span_is(out, ROW64[i].out), "%s", ROW64[i].in);
        buf_reset(&room);
        cr_expect(base64url_decode(in, &room, &out) == ROW64[i].url, "%s", ROW64[i].in);
        if (ROW64[i].url == OK)
            cr_expect(span_is(out, ROW64[i].out), "%s", ROW64[i].in);
        exact_free(in);
    }
}

static struct span encode64(struct span in, uint8_t out[static 400])
{
    static const char LETTERS[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    struct buf b = buf_of(out, 400);
    for (size_t i = 0; i < in.n; i += 3) {
        unsigned v = 0;
        for (size_t k = 0; k < 3; k++)
            v = v << 8 | (i + k < in.n ? in.p[i + k] : 0);
        for (size_t k = 0; k < 4; k++)
            buf_u8(&b, i + k > in.n ? '=' : (uint8_t)LETTERS[v >> (18 - 6 * k) & 63]);
    }
    return buf_span(&b);
}

Test(form, base64_decodes_what_is_encoded)
{
    uint8_t text[256], coded[400];
    for (size_t i = 0; i < sizeof text; i++)
        text[i] = (uint8_t)(i * 167 + 13);
    for (size_t n = 0; n <= sizeof text; n++) {
        struct buf room = buf_of(bytes, n); /* exactly */
        struct span out;
        cr_assert(base64_decode(encode64(span_of(text, n), coded), &room, &out) == OK, "%zu", n);
        cr_expect(span_eq(out, span_of(text, n)), "%zu", n);
    }
    struct buf room = buf_of(bytes, 2);
    struct span out;
    cr_expect(base64_decode(span_str("Zm9v"), &room, &out) == ERR_LIMIT);
}

Test(form, the_cdr_in_a_body)
{
    static const struct {
        const char *what, *body;
        enum err e;
        const char *cdr;
    } BODY[] = {
        {"raw JSON", "{\"a\":1}", OK, "{\"a\":1}"},
        {"raw JSON behind a line end", "\r\n{\"a\":\"%41\"}", OK, "\r\n{\"a\":\"%41\"}"},
        {"raw array", "[{}]", OK, "[{}]"},
        {"raw XML", "<?xml?><cdr/>", OK, "<?xml?><cdr/>"},
        {"form", "cdr=%7B%22a%22%3A%22%252B1%22%7D", OK, "{\"a\":\"%2B1\"}"},
        {"form, hardly encoded", "cdr={\"a\":1}", OK, "{\"a\":1}"},
        {"form among others", "uuid=1&cdr=%7B%7D&x=y", OK, "{}"},
        {"base64", "cdr=eyJhIjoxfQ==", OK, "{\"a\":1}"},
        {"base64 with a line end", "cdr=eyJhIjoxfQ==\r\n", OK, "{\"a\":1}"},
        {"bad base64", "cdr=eyJhIjoxfQ=", ERR_SYNTAX, ""},
        {"another field", "xcdr=%7B%7D", ERR_NOTFOUND, ""},
        {"empty field", "cdr=", OK, ""},
        {"empty", "", ERR_NOTFOUND, ""},
        {"blank", " \r\n", ERR_NOTFOUND, ""},
    };
    for (size_t i = 0; i < sizeof BODY / sizeof BODY[0]; i++) {
        struct span body = exact_copy(span_str(BODY[i].body)), out = SPAN_EMPTY;
        struct buf room = buf_of(bytes, sizeof bytes);
        struct diag d = {0};
        cr_expect(form_cdr(body, &room, &out, &d) == BODY[i].e, "%s", BODY[i].what);
        cr_expect(span_is(out, BODY[i].cdr), "%s", BODY[i].what);
        cr_expect(d.at <= body.n);
        exact_free(body);
    }
}
