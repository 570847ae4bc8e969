#include "proto/frame/sip_stream.h"

/* RFC 3261 25.1 token. */
static bool is_token(uint8_t c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || byte_is_digit(c) ||
           (c && strchr("-.!%*_+`'~", c));
}

/* "SIP/2.0" but for the digits: another version is refused later, with a better reason. */
enum { VERSION_BYTES = 7 };

static bool is_version(struct span s)
{
    static const struct span SIP = SPAN_LIT("SIP/");
    return s.n == VERSION_BYTES && span_ieq(span_sub(s, 0, SIP.n), SIP) && byte_is_digit(s.p[4]) &&
           s.p[5] == '.' && byte_is_digit(s.p[6]);
}

/* SIP-Version SP 3DIGIT SP Reason-Phrase (RFC 3261 7.2); some leave the last blank out. */
static bool is_status_line(struct span line)
{
    if (line.n < VERSION_BYTES + 4 || !is_version(span_sub(line, 0, VERSION_BYTES)))
        return false;
    const uint8_t *code = line.p + VERSION_BYTES + 1;
    return code[-1] == ' ' && byte_is_digit(code[0]) && byte_is_digit(code[1]) &&
           byte_is_digit(code[2]) && (line.n == VERSION_BYTES + 4 || code[3] == ' ');
}

/* Method SP Request-URI SP SIP-Version (RFC 3261 7.1). */
static bool is_request_line(struct span line)
{
    struct span rest = line;
    struct span method = span_cut(&rest, ' ');
    if (method.n == 0 || rest.n < VERSION_BYTES + 2)
        return false;
    for (size_t i = 0; i < method.n; i++)
        if (!is_token(method.p[i]))
            return false;
    size_t uri_bytes = rest.n - VERSION_BYTES - 1;
    return rest.p[uri_bytes] == ' ' && is_version(span_from(rest, uri_bytes + 1));
}

/* Can text without a line end still become a start line? Both kinds begin with letters of a
 * token, a slash in the case of SIP/2.0, and neither holds control characters. */
static bool may_become_start(struct span in)
{
    bool first_word = true;
    for (size_t i = 0; i < in.n; i++) {
        if (in.p[i] < ' ' && !(in.p[i] == '\r' && i + 1 == in.n))
            return false;
        if (in.p[i] == ' ' && i > 0)
            first_word = false;
        if (first_word && !is_token(in.p[i]) && in.p[i] != '/' && in.p[i] != '\r')
            return false;
    }
    return in.n <= SIP_START_LINE_BYTES_MAX;
}

enum err sip_start(struct span in)
{
    struct span line = span_sub(in, 0, SIP_START_LINE_BYTES_MAX + 1);
    size_t end = span_find(line, '\n');
    if (end == line.n)
        return may_become_start(line) ? ERR_MORE : ERR_SYNTAX;
    line.n = end;
    if (line.n && line.p[line.n - 1] == '\r')
        line.n--;
    return is_status_line(line) || is_request_line(line) ? OK : ERR_SYNTAX;
}

struct head {
    size_t bytes; /* with the empty line */
    bool has_length;
    uint64_t content_length;
};

/* RFC 3261 7.3.1: a header goes on in lines that begin with a blank. Gives 0 when it cannot be
 * said yet where it ends. */
static size_t header_bytes(struct span in)
{
    size_t at = 0;
    do {
        at += span_find(span_from(in, at), '\n') + 1;
        if (at >= in.n)
            return 0;
    } while (in.p[at] == ' ' || in.p[at] == '\t');
    return at;
}

static bool is_length_name(struct span name)
{
    static const struct span LONG = SPAN_LIT("Content-Length"), COMPACT = SPAN_LIT("l");
    return span_ieq(name, LONG) || span_ieq(name, COMPACT); /* RFC 3261 20.14 */
}

/* Two lengths that differ let one reader see a message where the next one sees a body. */
static enum err read_length(struct span header, struct head *h)
{
    uint64_t n;
    struct span name = span_trim(span_cut(&header, ':'));
    if (!is_length_name(name))
        return OK;
    if (span_u64(span_trim(header), UINT32_MAX, &n) != OK)
        return ERR_SYNTAX;
    if (h->has_length && h->content_length != n)
        return ERR_SYNTAX;
    h->has_length = true;
    h->content_length = n;
    return OK;
}

/* The empty line that ends the head: its bytes, or 0. */
static size_t empty_line_bytes(struct span in)
{
    if (in.n >= 1 && in.p[0] == '\n')
        return 1;
    return in.n >= 2 && in.p[0] == '\r' && in.p[1] == '\n' ? 2 : 0;
}

static enum err read_head(struct span in, struct head *h, struct diag *d)
{
    *h = (struct head){.bytes = span_find(in, '\n') + 1};
    for (;;) {
        struct span rest = span_from(in, h->bytes);
        size_t end = empty_line_bytes(rest);
        if (end) {
            h->bytes += end;
            return OK;
        }
        size_t n = header_bytes(rest);
        if (n == 0)
            return diag_set(d, ERR_MORE, "sip head", in.n);
        if (read_length(span_sub(rest, 0, n), h) != OK)
            return diag_set(d, ERR_SYNTAX, "Content-Length", h->bytes);
        h->bytes += n;
    }
}

static size_t keep_alive_bytes(struct span in)
{
    size_t n = 0;
    while (n < in.n && (in.p[n] == '\r' || in.p[n] == '\n'))
        n++;
    return n;
}

/* `in` begins with a start line. */
static enum err take_message(struct span in, struct sip_stream_item *out, struct diag *d)
{
    struct head h;
    struct span window = span_sub(in, 0, SIP_MESSAGE_BYTES_MAX);
    enum err e = read_head(window, &h, d);
    if (e == ERR_MORE && window.n == SIP_MESSAGE_BYTES_MAX)
        return diag_set(d, ERR_LIMIT, "sip head", window.n);
    if (e != OK)
        return e;
    size_t body_bytes = (size_t)h.content_length;
    out->skip = 0;
    if (body_bytes > SIP_MESSAGE_BYTES_MAX - h.bytes) {
        out->skip = body_bytes;
        body_bytes = 0;
    }
    if (body_bytes > in.n - h.bytes)
        return diag_set(d, ERR_MORE, "sip body", in.n);
    out->message = span_sub(in, 0, h.bytes + body_bytes);
    return OK;
}

enum err sip_stream_next(struct span in, struct sip_stream_item *out, struct diag *d)
{
    size_t before = keep_alive_bytes(in);
    struct span rest = span_from(in, before);
    if (rest.n == 0 && before) {
        *out = (struct sip_stream_item){.used = before};
        return OK;
    }
    enum err e = sip_start(rest);
    if (e != OK)
        return diag_set(d, e, "sip start line", before);
    struct sip_stream_item item;
    e = take_message(rest, &item, d);
    if (e != OK) {
        if (d)
            d->at += before;
        return e;
    }
    item.used = before + item.message.n;
    *out = item;
    return OK;
}

size_t sip_stream_resync(struct span in)
{
    for (size_t at = 0; at < in.n;) {
        at += span_find(span_from(in, at), '\n');
        if (at == in.n)
            break;
        at++;
        if (sip_start(span_from(in, at)) != ERR_SYNTAX)
            return at;
    }
    return in.n;
}
