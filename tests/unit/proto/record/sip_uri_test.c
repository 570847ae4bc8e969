/* Proves the reading of URIs, name-addr values, parameters and lists, piece by piece, and that
 * every prefix and every changed byte of a value is read without leaving it. */
#include "proto/record/sip_uri.h"

#include <criterion/criterion.h>
#include <stdlib.h>

#define T(s) SPAN_LIT(s)

static const struct {
    const char *text;
    enum err e;
    const char *scheme, *user, *user_params, *host, *params, *headers;
    unsigned port;
} URIS[] = {
    {"sip:example.net", OK, "sip", "", "", "example.net", "", "", 0},
    {"sip:+12125550101@example.net", OK, "sip", "+12125550101", "", "example.net", "", "", 0},
    {"SIPS:a@h:5061;transport=tls?x=y", OK, "SIPS", "a", "", "h", "transport=tls", "x=y", 5061},
    {"sip:a:secret@h", OK, "sip", "a", "", "h", "", "", 0},
    {"sip:+1;npdi;rn=+13035550100:pw@h;user=phone", OK, "sip", "+1", "npdi;rn=+13035550100", "h",
     "user=phone", "", 0},
    {"sip:a@[2001:db8::1]:5060;lr", OK, "sip", "a", "", "[2001:db8::1]", "lr", "", 5060},
    {"sip:a?b=c@h", OK, "sip", "a?b=c", "", "h", "", "", 0},
    {"tel:+1-212-555-0101;phone-context=x", OK, "tel", "+1-212-555-0101", "", "", "phone-context=x",
     "", 0},
    {"urn:service:sos", OK, "urn", "service:sos", "", "", "", "", 0},
    {"", ERR_SYNTAX, 0, 0, 0, 0, 0, 0, 0},
    {"sip:", ERR_SYNTAX, 0, 0, 0, 0, 0, 0, 0},
    {"sip", ERR_SYNTAX, 0, 0, 0, 0, 0, 0, 0},
    {":a@h", ERR_SYNTAX, 0, 0, 0, 0, 0, 0, 0},
    {"sip:@h", ERR_SYNTAX, 0, 0, 0, 0, 0, 0, 0},
    {"sip:a@", ERR_SYNTAX, 0, 0, 0, 0, 0, 0, 0},
    {"sip:a@h:99999", ERR_SYNTAX, 0, 0, 0, 0, 0, 0, 0},
    {"sip:a@h:", ERR_SYNTAX, 0, 0, 0, 0, 0, 0, 0},
    {"sip:a@[::1", ERR_SYNTAX, 0, 0, 0, 0, 0, 0, 0},
    {"sip:a@[::1]x", ERR_SYNTAX, 0, 0, 0, 0, 0, 0, 0},
    {"sip:a b@h", ERR_SYNTAX, 0, 0, 0, 0, 0, 0, 0},
    {"<sip:a@h>", ERR_SYNTAX, 0, 0, 0, 0, 0, 0, 0},
    {"tel:", ERR_SYNTAX, 0, 0, 0, 0, 0, 0, 0},
    {"tel:;x", ERR_SYNTAX, 0, 0, 0, 0, 0, 0, 0},
};

Test(sip_uri, uris)
{
    for (size_t i = 0; i < sizeof URIS / sizeof URIS[0]; i++) {
        struct sip_uri u;
        enum err e = sip_uri_parse(span_str(URIS[i].text), &u);
        cr_expect_eq(e, URIS[i].e, "%s", URIS[i].text);
        if (e != OK || URIS[i].e != OK)
            continue;
        cr_expect(span_is(u.text, URIS[i].text));
        cr_expect(span_is(u.scheme, URIS[i].scheme), "scheme of %s", URIS[i].text);
        cr_expect(span_is(u.user, URIS[i].user), "user of %s", URIS[i].text);
        cr_expect(span_is(u.user_params, URIS[i].user_params), "user params of %s", URIS[i].text);
        cr_expect(span_is(u.host, URIS[i].host), "host of %s", URIS[i].text);
        cr_expect(span_is(u.params, URIS[i].params), "params of %s", URIS[i].text);
        cr_expect(span_is(u.headers, URIS[i].headers), "headers of %s", URIS[i].text);
        cr_expect_eq(u.port, URIS[i].port, "port of %s", URIS[i].text);
    }
}

static const struct {
    const char *text;
    enum err e;
    const char *display, *uri, *params;
} ADDRS[] = {
    {"<sip:a@h>", OK, "", "sip:a@h", ""},
    {"Ann Example <sip:a@h;x=1>;tag=t", OK, "Ann Example", "sip:a@h;x=1", "tag=t"},
    {"\"Ann <\\\" > ,;\" <sip:a@h> ; tag=t", OK, "Ann <\\\" > ,;", "sip:a@h", " tag=t"},
    {"sip:a@h;tag=t", OK, "", "sip:a@h", "tag=t"}, /* 20.10: parameters of the header */
    {"caller<sip:a@h>", OK, "caller", "sip:a@h", ""},
    {"\\\"ann\\\" <sip:a@h>;tag=t", OK, "\\\"ann\\\"", "sip:a@h", "tag=t"}, /* a phone */
    {"\"Ann <sip:a@h>", ERR_SYNTAX, 0, 0, 0},
    {"\"Ann\" x <sip:a@h>", ERR_SYNTAX, 0, 0, 0},
    {"\"Ann\"", ERR_SYNTAX, 0, 0, 0},
    {"<sip:a@h", ERR_SYNTAX, 0, 0, 0},
    {"<sip:a@h> tag=t", ERR_SYNTAX, 0, 0, 0},
    {"<>", ERR_SYNTAX, 0, 0, 0},
    {"*", ERR_SYNTAX, 0, 0, 0},
    {"", ERR_SYNTAX, 0, 0, 0},
};

Test(sip_uri, addresses)
{
    for (size_t i = 0; i < sizeof ADDRS / sizeof ADDRS[0]; i++) {
        struct sip_addr a;
        enum err e = sip_addr_parse(span_str(ADDRS[i].text), &a);
        cr_expect_eq(e, ADDRS[i].e, "%s", ADDRS[i].text);
        if (e != OK || ADDRS[i].e != OK)
            continue;
        cr_expect(span_is(a.display, ADDRS[i].display), "display of %s", ADDRS[i].text);
        cr_expect(span_is(a.uri.text, ADDRS[i].uri), "uri of %s", ADDRS[i].text);
        cr_expect(span_is(a.params, ADDRS[i].params), "params of %s", ADDRS[i].text);
    }
}

Test(sip_uri, parameters)
{
    struct span v, p = T("a=1; B = \"x;y=2\" ;c;d=;tag=t");
    cr_expect(sip_param(p, "a", &v) && span_is(v, "1"));
    cr_expect(sip_param(p, "b", &v) && span_is(v, "x;y=2"), "quotes hide the separator");
    cr_expect(sip_param(p, "c", &v) && v.n == 0);
    cr_expect(sip_param(p, "d", &v) && v.n == 0);
    cr_expect(sip_param(p, "TAG", &v) && span_is(v, "t"));
    cr_expect_not(sip_param(p, "y", &v));
    cr_expect_not(sip_param(p, "ta", &v));
    cr_expect_not(sip_param((struct span)T("a=\"never ends;tag=t"), "tag", &v));
}

/* RFC 4694: the user part comes first. */
Test(sip_uri, parameters_of_the_user_part)
{
    struct sip_uri u;
    struct span v;
    cr_assert_eq(sip_uri_parse((struct span)T("sip:+1;rn=2@h;rn=3;cic=4"), &u), OK);
    cr_expect(sip_uri_param(&u, "rn", &v) && span_is(v, "2"));
    cr_expect(sip_uri_param(&u, "cic", &v) && span_is(v, "4"));
}

Test(sip_uri, lists)
{
    static const char *const WANT[] = {"\"a,b\" <sip:x@h?y=1,2>;q=1", "<sip:y@h>", "z"};
    struct span rest = T(", \"a,b\" <sip:x@h?y=1,2>;q=1 ,,<sip:y@h>, z ,"), element;
    for (size_t i = 0; i < 3; i++)
        cr_expect(sip_list_next(&rest, &element) && span_is(element, WANT[i]), "%zu", i);
    cr_expect_not(sip_list_next(&rest, &element));
}

/* Any change of any byte: no read outside the value (the sanitizer sees the byte behind it). */
Test(sip_uri, hostile_bytes)
{
    static const char TEXT[] = "\"A\\\" b\" <sip:+1;rn=2:p@[::1]:50;x=\"y\"?h=z>;tag=\"t\",";
    static const uint8_t BYTES[] = {0,   '"', '\\', '<', '>', ';', ':',
                                    '@', '[', ']',  ',', '?', 0xff};
    for (size_t n = 0; n < sizeof TEXT; n++)
        for (size_t i = 0; i < n; i++)
            for (size_t b = 0; b < sizeof BYTES; b++) {
                uint8_t *p = malloc(n);
                memcpy(p, TEXT, n);
                p[i] = BYTES[b];
                struct span s = span_of(p, n), rest = s, e, v;
                struct sip_addr a;
                if (sip_addr_parse(s, &a) == OK)
                    cr_expect(a.uri.text.p >= p && a.uri.text.p + a.uri.text.n <= p + n);
                while (sip_list_next(&rest, &e))
                    cr_expect(e.p >= p && e.p + e.n <= p + n);
                (void)sip_param(s, "tag", &v);
                free(p);
            }
}
