/* One value of a header: what is called plain is what sip_uri.h reads and libosip2 agrees with,
 * to the byte, alone and as an element of a list. */
#include "proto/core/check.h"
#include "proto/record/sip_grammar.h"
#include "proto/record/sip_plain.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool same(struct span a, struct span b)
{
    return a.n == b.n && (a.n == 0 || a.p == b.p);
}

static bool same_uri(const struct sip_uri *a, const struct sip_uri *b)
{
    return same(a->text, b->text) && same(a->scheme, b->scheme) && same(a->user, b->user) &&
           same(a->user_params, b->user_params) && same(a->host, b->host) &&
           same(a->params, b->params) && same(a->headers, b->headers) && a->port == b->port;
}

static void is_the_element(struct span text)
{
    struct span rest = text, element;
    CHECK(sip_list_next(&rest, &element) && same(element, text));
    CHECK(!sip_list_next(&rest, &element));
}

static void uri(struct span text)
{
    struct sip_uri plain, read;
    if (!sip_plain_uri(text, &plain))
        return;
    CHECK(sip_uri_parse(text, &read) == OK && same_uri(&plain, &read));
    CHECK(sip_grammar_uri(text, &read) == OK);
    CHECK(span_find(read.user, '%') == read.user.n); /* nothing to unescape */
}

static void addr(struct span text)
{
    struct sip_addr plain, read;
    struct span tag, read_tag = SPAN_EMPTY;
    if (!sip_plain_addr(text, &plain, &tag))
        return;
    CHECK(sip_addr_parse(text, &read) == OK && same_uri(&plain.uri, &read.uri));
    CHECK(same(plain.display, read.display) && same(plain.params, read.params));
    CHECK(sip_grammar_addr(text, &read) == OK);
    (void)sip_param(read.params, "tag", &read_tag);
    CHECK(same(tag, read_tag));
    CHECK(span_find(read.uri.user, '%') == read.uri.user.n);
    is_the_element(text);
}

/* As sip_msg.c reads a Via that is not plain. */
static void via(struct span text)
{
    struct sip_plain_via plain;
    struct span rest = text, branch = SPAN_EMPTY;
    if (!sip_plain_via(text, &plain))
        return;
    (void)span_cut(&rest, '/');
    (void)span_cut(&rest, '/');
    CHECK(same(span_cut(&rest, ' '), plain.transport));
    struct span sent_by = span_cut(&rest, ';');
    CHECK(same(sent_by, plain.sent_by));
    (void)sip_param(rest, "branch", &branch);
    CHECK(same(branch, plain.branch));
    CHECK(sip_grammar_via(text, span_sub(sent_by, 0, span_find(sent_by, ':')), branch) == OK);
    is_the_element(text);
}

static void cseq(struct span text)
{
    uint32_t number;
    struct span method;
    if (sip_plain_cseq(text, &number, &method))
        CHECK(number <= INT32_MAX && sip_grammar_cseq(text, number, method) == OK);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span text = span_of(data, size);
    uri(text);
    addr(text);
    via(text);
    cseq(text);
    return 0;
}
