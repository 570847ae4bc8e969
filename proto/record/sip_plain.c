#include "proto/record/sip_plain.h"

#include "proto/record/sip_byte.h"

enum {
    NOT_PLAIN = SIP_PLAIN_BYTES_MAX + 1, /* an index behind every plain value */
    URI_BYTES_MIN = 6,                   /* of an address: libosip2 refuses shorter ones */
    PORT_DIGITS_MAX = 5,                 /* libosip2 refuses more than 7 */
    CSEQ_DIGITS_MAX = 9
};

static bool at_byte(struct span s, size_t at, uint8_t c)
{
    return at < s.n && s.p[at] == c;
}

/* Whether the text goes on with a literal of n bytes. */
static bool at_text(struct span s, size_t at, const char *literal, size_t n)
{
    return s.n - at >= n && memcmp(s.p + at, literal, n) == 0;
}

/* ";name;name=value...": index behind the last one, NOT_PLAIN if one lacks its name or its
 * value. *value is that of the first parameter called `wanted`, for those who want one. */
static size_t read_params(struct span s, size_t at, struct span wanted, struct span *value)
{
    bool found = wanted.n == 0;
    while (at_byte(s, at, ';')) {
        size_t name = at + 1, name_end = sip_run(s, name, SIP_PARAM);
        struct span v = SPAN_EMPTY;
        at = name_end;
        if (at_byte(s, at, '=')) {
            at = sip_run(s, name_end + 1, SIP_PARAM);
            v = span_sub(s, name_end + 1, at - name_end - 1);
        }
        if (name == name_end || at == name_end + 1)
            return NOT_PLAIN;
        if (!found && span_ieq(span_sub(s, name, name_end - name), wanted)) {
            *value = v;
            found = true;
        }
    }
    return at;
}

/* "host:port" from `at`: index behind it. */
static size_t read_hostport(struct span s, size_t at, struct sip_uri *u)
{
    size_t end = sip_run(s, at, SIP_HOST);
    unsigned port = 0;
    if (end == at)
        return NOT_PLAIN;
    u->host = span_sub(s, at, end - at);
    if (!at_byte(s, end, ':'))
        return end;
    for (at = ++end; end < s.n && byte_is_digit(s.p[end]) && end - at < PORT_DIGITS_MAX; end++)
        port = port * 10 + (unsigned)(s.p[end] - '0');
    if (end == at || port > UINT16_MAX)
        return NOT_PLAIN;
    u->port = (uint16_t)port;
    return end;
}

/* "user@" or "user;params@" from `at`: index behind it, or `at` when there is no userinfo. */
static size_t read_userinfo(struct span s, size_t at, struct sip_uri *u)
{
    size_t user_end = sip_run(s, at, SIP_USER), end = user_end;
    while (at_byte(s, end, ';'))
        end = sip_run(s, end + 1, SIP_USER);
    if (!at_byte(s, end, '@'))
        return at;
    if (user_end == at || end == user_end + 1) /* ";@": two readings of the user */
        return NOT_PLAIN;
    u->user = span_sub(s, at, user_end - at);
    u->user_params = span_sub(s, user_end + 1, end > user_end ? end - user_end - 1 : 0);
    return end + 1;
}

/* The number of a tel URI; its parameters are those of the URI (RFC 3966). */
static size_t read_number(struct span s, size_t at, struct sip_uri *u)
{
    size_t end = sip_run(s, at, SIP_USER);
    u->user = span_sub(s, at, end - at);
    return end == at ? NOT_PLAIN : end;
}

/* A URI from `at` on: index of the first byte that does not belong to it. Without angle
 * brackets parameters are the header's (RFC 3261 20.10). */
static size_t read_uri(struct span s, size_t at, bool takes_params, struct sip_uri *u)
{
    size_t end;
    if (at_text(s, at, "sip:", 4) || at_text(s, at, "sips:", 5)) {
        size_t scheme_bytes = s.p[at + 3] == ':' ? 3 : 4;
        u->scheme = span_sub(s, at, scheme_bytes);
        end = read_userinfo(s, at + scheme_bytes + 1, u);
        bool split = u->user_params.n && !takes_params; /* its ';' is the header's for some */
        end = end == NOT_PLAIN || split ? NOT_PLAIN : read_hostport(s, end, u);
    } else if (at_text(s, at, "tel:", 4)) {
        u->scheme = span_sub(s, at, 3);
        end = read_number(s, at + 4, u);
    } else {
        return NOT_PLAIN;
    }
    if (takes_params && at_byte(s, end, ';')) {
        size_t params = end + 1;
        end = read_params(s, end, SPAN_EMPTY, NULL);
        u->params = span_sub(s, params, end - params);
    }
    u->text = span_sub(s, at, end - at);
    return end;
}

bool sip_plain_uri(struct span text, struct sip_uri *out)
{
    struct sip_uri u = {0};
    if (text.n < URI_BYTES_MIN || text.n > SIP_PLAIN_BYTES_MAX ||
        read_uri(text, 0, true, &u) != text.n)
        return false;
    *out = u;
    return true;
}

/* What stands before '<' or before a bare URI: index of either. */
static size_t read_display(struct span s, struct span *display)
{
    if (at_byte(s, 0, '<'))
        return 0;
    bool quoted = at_byte(s, 0, '"');
    size_t end = sip_run(s, quoted, quoted ? SIP_QUOTED : SIP_WORD);
    struct span words = span_sub(s, quoted, end - quoted);
    if (quoted && !at_byte(s, end++, '"'))
        return NOT_PLAIN;
    while (quoted && at_byte(s, end, ' '))
        end++;
    if (!at_byte(s, end, '<'))
        return quoted ? NOT_PLAIN : 0;
    *display = quoted ? words : span_trim(words);
    return end;
}

bool sip_plain_addr(struct span text, struct sip_addr *out, struct span *tag)
{
    static const struct span TAG = SPAN_LIT("tag");
    struct sip_addr a = {0};
    struct span tag_value = SPAN_EMPTY;
    if (text.n > SIP_PLAIN_BYTES_MAX || at_byte(text, 0, ' '))
        return false;
    size_t at = read_display(text, &a.display);
    bool brackets = at_byte(text, at, '<');
    size_t end = at == NOT_PLAIN ? NOT_PLAIN : read_uri(text, at + brackets, brackets, &a.uri);
    if (end == NOT_PLAIN || a.uri.text.n < URI_BYTES_MIN ||
        (brackets && !at_byte(text, end++, '>')))
        return false;
    if (read_params(text, end, TAG, &tag_value) != text.n)
        return false;
    a.params = span_from(text, end + 1);
    *out = a;
    *tag = tag_value;
    return true;
}

bool sip_plain_via(struct span text, struct sip_plain_via *out)
{
    static const struct span BRANCH = SPAN_LIT("branch");
    enum { PROTOCOL_BYTES = 8 }; /* of "SIP/2.0/" */
    struct sip_plain_via v = {0};
    struct sip_uri sent_by = {0};
    if (text.n > SIP_PLAIN_BYTES_MAX || !at_text(text, 0, "SIP/2.0/", PROTOCOL_BYTES))
        return false;
    size_t space = sip_run(text, PROTOCOL_BYTES, SIP_HOST);
    if (space == PROTOCOL_BYTES || !at_byte(text, space, ' '))
        return false;
    size_t end = read_hostport(text, space + 1, &sent_by);
    if (end == NOT_PLAIN || read_params(text, end, BRANCH, &v.branch) != text.n)
        return false;
    v.transport = span_sub(text, PROTOCOL_BYTES, space - PROTOCOL_BYTES);
    v.sent_by = span_sub(text, space + 1, end - space - 1);
    *out = v;
    return true;
}

bool sip_plain_cseq(struct span text, uint32_t *number, struct span *method)
{
    uint32_t n = 0;
    size_t at = 0;
    for (; at < text.n && byte_is_digit(text.p[at]) && at < CSEQ_DIGITS_MAX; at++)
        n = n * 10 + (uint32_t)(text.p[at] - '0');
    if (at == 0 || !at_byte(text, at, ' ') || text.n > SIP_PLAIN_BYTES_MAX || at + 1 == text.n ||
        sip_run(text, at + 1, SIP_HOST) != text.n) /* no "%": it may begin an escaped NUL */
        return false;
    *number = n;
    *method = span_from(text, at + 1);
    return true;
}
