/* Proves: messages on a stream end where RFC 3261 18.3 says, in any cut; keep-alives are not
 * messages; what is no SIP is refused, what may become SIP asks for more; bodies too large to
 * keep are skipped; a reader that has lost its place finds the next start line. */
#include <criterion/criterion.h>
#include <stdio.h>

#include "proto/frame/sip_stream.h"
#include "tests/lib/exact.h"

#define INVITE  "INVITE sip:+12125550123@example.com SIP/2.0\r\n"
#define CALL_ID "Call-ID: a@example.com\r\n"

Test(sip_stream, start_lines)
{
    static const struct {
        const char *text;
        enum err e;
    } ROW[] = {
        {INVITE, OK},
        {"SIP/2.0 200 OK\r\n", OK},
        {"SIP/2.0 200 OK\n", OK},
        {"SIP/2.0 200 \r\n", OK},
        {"SIP/2.0 200\r\n", OK},
        {"sip/2.0 100 Trying\r\n", OK}, /* RFC 3261 7.1: the version is case-insensitive */
        {"NEWMETHOD.x tel:+12125550123 SIP/2.0\r\n", OK},
        {"OPTIONS sip:a b SIP/2.0\r\n", OK}, /* a blank in the URI: refused with a better reason */
        {"OPTIONS sip:a SIP/7.0\r\n", OK},   /* also this */
        {"SIP/2.0 20 OK\r\n", ERR_SYNTAX},
        {"SIP/2.0 2000 OK\r\n", ERR_SYNTAX},
        {"SIP/2.0 2x0 OK\r\n", ERR_SYNTAX},
        {"SIP/2.0  200 OK\r\n", ERR_SYNTAX},
        {"SIP/2.0\r\n", ERR_SYNTAX},
        {"GET / HTTP/1.1\r\n", ERR_SYNTAX},
        {"INVITE SIP/2.0\r\n", ERR_SYNTAX},
        {"INVITE sip:a\r\n", ERR_SYNTAX},
        {"INVITE sip:aSIP/2.0\r\n", ERR_SYNTAX},
        {"IN(VITE sip:a SIP/2.0\r\n", ERR_SYNTAX},
        {" INVITE sip:a SIP/2.0\r\n", ERR_SYNTAX},
        {"\r\n", ERR_SYNTAX},
        {"", ERR_MORE},
        {"I", ERR_MORE},
        {"INVITE sip:+12125550123@exam", ERR_MORE},
        {"SIP/2.0 200 OK\r", ERR_MORE},
        {"\x80", ERR_SYNTAX},
        {"{\"a\"", ERR_SYNTAX},
        {"INVITE \x01", ERR_SYNTAX},
        {"INVITE a\rb", ERR_SYNTAX},
    };
    for (size_t i = 0; i < sizeof ROW / sizeof ROW[0]; i++) {
        struct span in = exact_copy(span_str(ROW[i].text));
        cr_expect(sip_start(in) == ROW[i].e, "%zu: %s", i, ROW[i].text);
        exact_free(in);
    }
}

Test(sip_stream, a_line_that_never_ends_is_no_start_line)
{
    static uint8_t line[SIP_START_LINE_BYTES_MAX + 2];
    memset(line, 'a', sizeof line);
    cr_expect(sip_start(span_of(line, SIP_START_LINE_BYTES_MAX)) == ERR_MORE);
    cr_expect(sip_start(span_of(line, SIP_START_LINE_BYTES_MAX + 1)) == ERR_SYNTAX);
    cr_expect(sip_start(span_of(line, sizeof line)) == ERR_SYNTAX);
}

static const struct {
    const char *what;
    const char *text;
    enum err e;
    size_t message_bytes, used; /* at: of the error */
} ROW[] = {
    {"no body", INVITE CALL_ID "\r\n", OK, 71, 71},
    {"no body, but another message", INVITE "\r\n" INVITE "\r\n", OK, 47, 47},
    {"body", INVITE "Content-Length: 3\r\n\r\nabcINVITE", OK, 69, 69},
    {"compact, any case", INVITE "L:3\r\n\r\nabc", OK, 55, 55},
    {"blank before the colon", INVITE "content-length  : 3\r\n\r\nabc", OK, 71, 71},
    {"folded", INVITE "Content-Length:\r\n 3\r\n\r\nabc", OK, 71, 71},
    {"another header goes on with that name", INVITE "Subject: a\r\n l: 9\r\n\r\n", OK, 66, 66},
    {"LF only", "SIP/2.0 200 OK\nl: 1\n\nx", OK, 22, 22},
    {"the same length twice", INVITE "l: 1\r\nContent-Length: 1\r\n\r\nx", OK, 73, 73},
    {"keep-alive before", "\r\n\r\n" INVITE "\r\n", OK, 47, 51},
    {"keep-alive alone", "\r\n\r\n", OK, 0, 4},
    {"half a keep-alive", "\r", OK, 0, 1},
    {"two lengths", INVITE "l: 1\r\nContent-Length: 2\r\n\r\nxy", ERR_SYNTAX, 0, 51},
    {"no number", INVITE "l: x\r\n\r\n", ERR_SYNTAX, 0, 45},
    {"negative", INVITE "l: -1\r\n\r\n", ERR_SYNTAX, 0, 45},
    {"over 32 bits", INVITE "l: 4294967296\r\n\r\n", ERR_SYNTAX, 0, 45},
    {"empty", INVITE "l:\r\n\r\n", ERR_SYNTAX, 0, 45},
    {"junk", "\r\nhello, world\r\n", ERR_SYNTAX, 0, 2},
    {"binary", "\x16\x03\x01", ERR_SYNTAX, 0, 0},
    {"nothing", "", ERR_MORE, 0, 0},
};

Test(sip_stream, where_messages_end)
{
    for (size_t i = 0; i < sizeof ROW / sizeof ROW[0]; i++) {
        struct span in = exact_copy(span_str(ROW[i].text));
        struct sip_stream_item item = {0};
        struct diag d = {0};
        enum err e = sip_stream_next(in, &item, &d);
        cr_expect(e == ROW[i].e, "%s: %s", ROW[i].what, err_name(e));
        if (e == OK)
            cr_expect(item.message.n == ROW[i].message_bytes && item.used == ROW[i].used &&
                          item.skip == 0,
                      "%s: %zu of %zu", ROW[i].what, item.message.n, item.used);
        else
            cr_expect(d.at == ROW[i].used, "%s: at %zu", ROW[i].what, d.at);
        exact_free(in);
    }
}

Test(sip_stream, every_prefix_asks_for_more)
{
    for (size_t i = 0; i < sizeof ROW / sizeof ROW[0]; i++) {
        struct span all = span_str(ROW[i].text);
        for (size_t n = 0; ROW[i].e == OK && n < ROW[i].used; n++) {
            struct span in = exact_copy(span_sub(all, 0, n));
            struct sip_stream_item item = {0};
            struct diag d = {0};
            enum err e = sip_stream_next(in, &item, &d);
            bool idle = e == OK && item.message.n == 0 && item.used == n;
            cr_expect(idle || (e == ERR_MORE && d.at <= n), "%s: %zu bytes: %s", ROW[i].what, n,
                      err_name(e));
            exact_free(in);
        }
    }
}

/* A head, then `length` as Content-Length; gives bytes written. */
static size_t put_message(uint8_t *room, size_t cap, size_t length)
{
    return (size_t)snprintf((char *)room, cap, INVITE "Content-Length: %zu\r\n\r\n", length);
}

Test(sip_stream, a_body_too_large_to_keep_is_skipped)
{
    static uint8_t room[SIP_MESSAGE_BYTES_MAX + 1024];
    struct sip_stream_item item;
    size_t head = put_message(room, sizeof room, SIP_MESSAGE_BYTES_MAX);
    cr_expect(sip_stream_next(span_of(room, head), &item, NULL) == OK, "the head is enough");
    cr_expect(item.message.n == head && item.used == head && item.skip == SIP_MESSAGE_BYTES_MAX);

    memset(room, 'x', sizeof room);
    head = put_message(room, sizeof room, 65000);
    room[head] = 'x';
    cr_expect(sip_stream_next(span_of(room, head + 64999), &item, NULL) == ERR_MORE);
    cr_expect(sip_stream_next(span_of(room, head + 65000), &item, NULL) == OK);
    cr_expect(item.used == head + 65000 && item.skip == 0);
}

Test(sip_stream, a_head_without_end_is_over_the_limit)
{
    static uint8_t room[SIP_MESSAGE_BYTES_MAX + 64];
    struct sip_stream_item item;
    memset(room, 'a', sizeof room);
    memcpy(room, INVITE, sizeof INVITE - 1);
    cr_expect(sip_stream_next(span_of(room, SIP_MESSAGE_BYTES_MAX - 1), &item, NULL) == ERR_MORE);
    cr_expect(sip_stream_next(span_of(room, sizeof room), &item, NULL) == ERR_LIMIT);
}

Test(sip_stream, resync_finds_the_next_start_line)
{
    static const struct {
        const char *text;
        size_t at;
    } SYNC[] = {
        {"tail of a body\r\n" INVITE, 16},
        {"v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\nSIP/2.0 200 OK\r\n", 31},
        {"x\r\nSIP/2", 3}, /* may become one */
        {"x\r\ny: z\r\n", 9},
        {INVITE, 45}, /* where it stands it has been tried */
        {"", 0},
    };
    for (size_t i = 0; i < sizeof SYNC / sizeof SYNC[0]; i++) {
        struct span in = exact_copy(span_str(SYNC[i].text));
        cr_expect(sip_stream_resync(in) == SYNC[i].at, "row %zu: %zu", i, sip_stream_resync(in));
        exact_free(in);
    }
}
