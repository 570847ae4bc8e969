#include "proto/record/sip_grammar.h"

#include <osipparser2/osip_parser.h>
#include <stdlib.h>

#include "proto/frame/form.h"

struct text {
    char z[SIP_VALUE_BYTES_MAX + 1];
};

/* The copy the library gets. It unescapes into C strings, where %00 would cut the user part
 * short (RFC 4475 3.1.1.4 has one): its '%' is escaped once more, so that it stays text. */
static enum err text_of(struct span s, struct text *t)
{
    static const struct span NUL_ESCAPE = SPAN_LIT("%00");
    struct buf b = buf_of(t->z, SIP_VALUE_BYTES_MAX);
    if (span_find(s, '\0') < s.n)
        return ERR_SYNTAX;
    for (size_t at; (at = span_find_span(s, NUL_ESCAPE)) < s.n; s = span_from(s, at + 1)) {
        buf_put(&b, span_sub(s, 0, at + 1));
        buf_str(&b, "25");
    }
    buf_put(&b, s);
    if (!buf_ok(&b))
        return ERR_LIMIT;
    t->z[b.n] = '\0';
    return OK;
}

/* The user part with its parameters, as the library keeps it: unescaped. */
static bool same_user(const struct sip_uri *u, const char *theirs)
{
    struct text guarded, plain;
    struct buf room = buf_of(plain.z, sizeof plain.z);
    struct span user = u->user;
    if (u->user_params.n)
        user.n = (size_t)(u->user_params.p + u->user_params.n - u->user.p);
    if (user.n == 0 || !theirs)
        return user.n == 0 && !theirs;
    if (span_is(user, theirs)) /* no escapes, as nearly always */
        return true;
    return text_of(user, &guarded) == OK && form_percent(span_str(guarded.z), &room, &user) == OK &&
           span_is(user, theirs);
}

static bool same_host(struct span host, const char *theirs)
{
    if (host.n >= 2 && host.p[0] == '[')
        host = span_sub(host, 1, host.n - 2);
    return theirs && span_is(host, theirs);
}

static bool same_port(uint16_t port, const char *theirs)
{
    return theirs ? strtoul(theirs, NULL, 10) == port : port == 0;
}

static bool same_uri(const struct sip_uri *ours, const osip_uri_t *theirs)
{
    if (!theirs || !theirs->scheme || !span_ieq(ours->scheme, span_str(theirs->scheme)))
        return false;
    if (theirs->string) /* tel, urn: one piece */
        return span_is(span_from(ours->text, ours->scheme.n + 1), theirs->string);
    return same_user(ours, theirs->username) && same_host(ours->host, theirs->host) &&
           same_port(ours->port, theirs->port);
}

static bool same_param(osip_list_t *params, char *name, struct span ours)
{
    osip_generic_param_t *found = NULL;
    osip_uri_param_get_byname(params, name, &found);
    return span_is(ours, found && found->gvalue ? found->gvalue : "");
}

enum err sip_grammar_uri(struct span text, const struct sip_uri *ours)
{
    struct text t;
    osip_uri_t *theirs = NULL;
    enum err e = text_of(text, &t);
    if (e != OK)
        return e;
    if (osip_uri_init(&theirs) != 0)
        return ERR_NOMEM;
    if (osip_uri_parse(theirs, t.z) != 0 || !same_uri(ours, theirs))
        e = ERR_SYNTAX;
    osip_uri_free(theirs);
    return e;
}

/* Words before '<' are decoration, and often no tokens (RFC 4475 3.1.2.15; some phones escape
 * the quotes): without a quoted string the address begins at the first '<' for everybody. So
 * it does behind a quoted NUL (RFC 4475 3.1.1.2), which the library's strings cannot hold. */
static struct span judged(struct span text, const struct sip_addr *ours)
{
    text = span_trim(text);
    bool quoted = text.n && text.p[0] == '"';
    size_t open = quoted ? text.n : span_find(text, '<');
    if (quoted && span_find(ours->display, '\0') < ours->display.n)
        open = (size_t)(ours->display.p - text.p) + ours->display.n + 1;
    return open < text.n ? span_from(text, open) : text;
}

enum err sip_grammar_addr(struct span text, const struct sip_addr *ours)
{
    struct text t;
    osip_from_t *theirs = NULL;
    struct span tag = SPAN_EMPTY;
    enum err e = text_of(judged(text, ours), &t);
    if (e != OK)
        return e;
    if (osip_from_init(&theirs) != 0)
        return ERR_NOMEM;
    (void)sip_param(ours->params, "tag", &tag);
    if (osip_from_parse(theirs, t.z) != 0 || !same_uri(&ours->uri, theirs->url) ||
        !same_param(&theirs->gen_params, "tag", tag))
        e = ERR_SYNTAX;
    osip_from_free(theirs);
    return e;
}

enum err sip_grammar_via(struct span text, struct span host, struct span branch)
{
    struct text t;
    osip_via_t *theirs = NULL;
    enum err e = text_of(text, &t);
    if (e != OK)
        return e;
    if (osip_via_init(&theirs) != 0)
        return ERR_NOMEM;
    if (osip_via_parse(theirs, t.z) != 0 || !same_host(host, theirs->host) ||
        !same_param(&theirs->via_params, "branch", branch))
        e = ERR_SYNTAX;
    osip_via_free(theirs);
    return e;
}

enum err sip_grammar_cseq(struct span text, uint32_t number, struct span method)
{
    struct text t;
    osip_cseq_t *theirs = NULL;
    enum err e = text_of(text, &t);
    if (e != OK)
        return e;
    if (osip_cseq_init(&theirs) != 0)
        return ERR_NOMEM;
    if (osip_cseq_parse(theirs, t.z) != 0 || !theirs->number || !theirs->method ||
        strtoull(theirs->number, NULL, 10) != number || !span_is(method, theirs->method))
        e = ERR_SYNTAX;
    osip_cseq_free(theirs);
    return e;
}
