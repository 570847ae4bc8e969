#include "proto/record/sip_uri.h"

static bool is_scheme_byte(uint8_t c)
{
    uint8_t l = byte_lower(c);
    return (l >= 'a' && l <= 'z') || byte_is_digit(c) || c == '+' || c == '-' || c == '.';
}

/* What ends a URI where it is written: RFC 3261 25.1 has none of these unescaped. */
static bool is_foreign(uint8_t c)
{
    return c <= ' ' || c == '<' || c == '>' || c == '"' || c == 0x7f;
}

/* Index of the first byte of `set`, or s.n. */
static size_t find_any(struct span s, const char *set)
{
    size_t i = 0;
    while (i < s.n && (s.p[i] == '\0' || !strchr(set, s.p[i])))
        i++;
    return i;
}

/* Index behind the quoted string that starts at `at`, or s.n when it never ends. */
static size_t quoted_end(struct span s, size_t at)
{
    for (size_t i = at + 1; i < s.n; i++) {
        if (s.p[i] == '\\')
            i++;
        else if (s.p[i] == '"')
            return i + 1;
    }
    return s.n + 1;
}

/* "user;params:password": RFC 3261 19.1.1, and 19.1.6 for the parameters. */
static void split_userinfo(struct span info, struct sip_uri *u)
{
    struct span user = span_sub(info, 0, span_find(info, ':'));
    u->user = span_cut(&user, ';');
    u->user_params = user;
}

/* "host:port", "[v6]:port", up to the parameters. */
static enum err split_hostport(struct span rest, struct sip_uri *u)
{
    size_t host_bytes = find_any(rest, ":;?");
    if (rest.n && rest.p[0] == '[') {
        host_bytes = span_find(rest, ']') + 1;
        if (host_bytes > rest.n)
            return ERR_SYNTAX;
    }
    u->host = span_sub(rest, 0, host_bytes);
    rest = span_from(rest, host_bytes);
    if (rest.n && rest.p[0] == ':') {
        uint64_t port;
        rest = span_from(rest, 1);
        struct span digits = span_sub(rest, 0, find_any(rest, ";?"));
        if (span_u64(digits, UINT16_MAX, &port) != OK)
            return ERR_SYNTAX;
        u->port = (uint16_t)port;
        rest = span_from(rest, digits.n);
    }
    struct span params = span_sub(rest, 0, span_find(rest, '?'));
    if (params.n && params.p[0] != ';')
        return ERR_SYNTAX;
    u->params = span_from(params, 1);
    u->headers = span_from(rest, params.n + 1);
    return u->host.n ? OK : ERR_SYNTAX;
}

static enum err split_sip(struct span rest, struct sip_uri *u)
{
    size_t at = span_find(rest, '@'); /* legal only behind the user part */
    if (at < rest.n) {
        split_userinfo(span_sub(rest, 0, at), u);
        if (u->user.n == 0)
            return ERR_SYNTAX;
        rest = span_from(rest, at + 1);
    }
    return split_hostport(rest, u);
}

enum err sip_uri_parse(struct span text, struct sip_uri *out)
{
    struct sip_uri u = {.text = text};
    size_t colon = span_find(text, ':');
    if (colon == 0 || colon == text.n)
        return ERR_SYNTAX;
    for (size_t i = 0; i < text.n; i++)
        if (is_foreign(text.p[i]) || (i < colon && !is_scheme_byte(text.p[i])))
            return ERR_SYNTAX;
    u.scheme = span_sub(text, 0, colon);
    struct span rest = span_from(text, colon + 1);
    if (span_ieq(u.scheme, span_str("sip")) || span_ieq(u.scheme, span_str("sips"))) {
        enum err e = split_sip(rest, &u);
        if (e != OK)
            return e;
    } else { /* RFC 3966: number;params. Others (urn:service:sos) have no parameters we know */
        u.user = span_cut(&rest, ';');
        u.params = rest;
        if (u.user.n == 0)
            return ERR_SYNTAX;
    }
    *out = u;
    return OK;
}

/* Behind '>' or behind the bare URI: nothing, or ";params". */
static enum err take_params(struct span rest, struct sip_addr *a)
{
    rest = span_trim(rest);
    if (rest.n && rest.p[0] != ';')
        return ERR_SYNTAX;
    a->params = span_from(rest, 1);
    return OK;
}

enum err sip_addr_parse(struct span text, struct sip_addr *out)
{
    struct sip_addr a = {0};
    text = span_trim(text);
    size_t open = span_find(text, '<');
    if (text.n && text.p[0] == '"') {
        size_t end = quoted_end(text, 0);
        if (end > text.n)
            return ERR_SYNTAX;
        a.display = span_sub(text, 1, end - 2);
        open = end + span_find(span_from(text, end), '<');
        if (open >= text.n || span_trim(span_sub(text, end, open - end)).n)
            return ERR_SYNTAX;
    } else if (open < text.n) {
        a.display = span_trim(span_sub(text, 0, open)); /* tokens; some escape their quotes */
    }
    struct span uri = span_sub(text, 0, span_find(text, ';')), rest = span_from(text, uri.n);
    if (open < text.n) {
        uri = span_from(text, open + 1);
        size_t close = span_find(uri, '>');
        if (close == uri.n)
            return ERR_SYNTAX;
        rest = span_from(uri, close + 1);
        uri = span_sub(uri, 0, close);
    }
    enum err e = sip_uri_parse(span_trim(uri), &a.uri);
    if (e == OK)
        e = take_params(rest, &a);
    if (e == OK)
        *out = a;
    return e;
}

/* Cuts the next ";"-element, quotes respected. */
static struct span param_next(struct span *rest)
{
    size_t i = 0;
    while (i < rest->n && rest->p[i] != ';')
        i = rest->p[i] == '"' ? quoted_end(*rest, i) : i + 1;
    struct span element = span_sub(*rest, 0, i);
    *rest = span_from(*rest, element.n + 1);
    return element;
}

static struct span unquote(struct span s)
{
    if (s.n >= 2 && s.p[0] == '"' && s.p[s.n - 1] == '"')
        return span_sub(s, 1, s.n - 2);
    return s;
}

bool sip_param(struct span params, const char *name, struct span *value)
{
    while (params.n) {
        struct span element = param_next(&params);
        struct span key = span_trim(span_cut(&element, '='));
        if (span_ieq(key, span_str(name))) {
            *value = unquote(span_trim(element));
            return true;
        }
    }
    return false;
}

bool sip_uri_param(const struct sip_uri *u, const char *name, struct span *value)
{
    return sip_param(u->user_params, name, value) || sip_param(u->params, name, value);
}

static size_t element_end(struct span s)
{
    bool in_brackets = false;
    size_t i = 0;
    while (i < s.n && (in_brackets || s.p[i] != ',')) {
        if (s.p[i] == '<')
            in_brackets = true;
        else if (s.p[i] == '>')
            in_brackets = false;
        i = s.p[i] == '"' && !in_brackets ? quoted_end(s, i) : i + 1;
    }
    return i < s.n ? i : s.n;
}

bool sip_list_next(struct span *rest, struct span *element)
{
    while (rest->n) {
        size_t end = element_end(*rest);
        struct span found = span_trim(span_sub(*rest, 0, end));
        *rest = span_from(*rest, end + 1);
        if (found.n) {
            *element = found;
            return true;
        }
    }
    return false;
}
