/* Proves which values are plain and what is read of them; that what libosip2 must see is not
 * plain. tests/fuzz/sip_plain_fuzz.c compares each with the slow reading. */
#include <criterion/criterion.h>

#include "proto/record/sip_plain.h"
#include "tests/lib/exact.h"

static struct sip_addr a;
static struct span tag;

static bool plain(const char *text)
{
    struct span in = exact_copy(span_str(text));
    bool is = sip_plain_addr(in, &a, &tag);
    exact_free(in);
    return is && sip_plain_addr(span_str(text), &a, &tag);
}

Test(sip_plain, addresses)
{
    cr_assert(plain("\"Ann, B\"  <sip:+1212;npdi;rn=+1303@h.example:5070;user=phone;lr>;x;tag=t"));
    cr_expect(span_is(a.display, "Ann, B") && span_is(a.uri.scheme, "sip"));
    cr_expect(span_is(a.uri.user, "+1212") && span_is(a.uri.user_params, "npdi;rn=+1303"));
    cr_expect(span_is(a.uri.host, "h.example") && span_is(a.uri.params, "user=phone;lr"));
    cr_expect(a.uri.port == 5070 && span_is(a.params, "x;tag=t") && span_is(tag, "t"));
    cr_assert(plain("Ann B. <sips:h.example>"));
    cr_expect(span_is(a.display, "Ann B.") && a.uri.user.n == 0 && tag.n == 0);
    cr_assert(plain("<tel:+12125550101;phone-context=x>;TAG=t"));
    cr_expect(span_is(a.uri.user, "+12125550101") && span_is(a.uri.params, "phone-context=x"));
    cr_expect(span_is(tag, "t"), "names of parameters have no case");
    cr_assert(plain("sip:a@h.example;tag=t;tag=u"));
    cr_expect(span_is(a.uri.text, "sip:a@h.example") && span_is(tag, "t"), "the first tag");
}

Test(sip_plain, not_for_us_to_say)
{
    static const char *const TEXTS[] = {
        "",
        "<sip:a@h.example",
        "<sip:a@h.example> ;tag=t",
        "<sip:a@h.example>;tag=t ",
        " <sip:a@h.example>",
        "<sip:a@h.example>;tag=\"t\"",
        "<sip:a@h.example>;tag=t;",
        "<sip:a@h.example>;=t",
        "<sip:a@h.example>;tag=",
        "<sip:a@h.example>;tag=t=",
        "<sip:a@h.example>, <sip:b@h.example>",
        "A, B <sip:a@h.example>",
        "\"A\\\"\" <sip:a@h.example>",
        "\"A\"\t<sip:a@h.example>",
        "\"A <sip:a@h.example>",
        "\"<sip:x@y>\" <sip:a@h.example>",
        "<sip:%61@h.example>",
        "<sip:a:secret@h.example>",
        "<sip:a;@h.example>",
        "<sip:@h.example>",
        "<sip:a@b@h.example>",
        "<sip:a@>",
        "<sip:h>",
        "<sip:a@[2001:db8::1]>",
        "<sip:a@h.example?subject=x>",
        "<sip:a@h.example:>",
        "<sip:a@h.example:65536>",
        "<sip:a@h.example:005060>",
        "<sip:a@h.example;lr;>",
        "<SIP:a@h.example>",
        "<sipx:a@h.example>",
        "<urn:service:sos>",
        "<tel:>",
        "sip:+1;npdi@h.example",
    };
    for (size_t i = 0; i < sizeof TEXTS / sizeof TEXTS[0]; i++)
        cr_expect(!plain(TEXTS[i]), "%s", TEXTS[i]);
    cr_expect(plain("<sip:a@h.example>;tag"), "a flag needs no value");
}

Test(sip_plain, uris)
{
    struct sip_uri u;
    cr_assert(sip_plain_uri(span_str("sip:0102@192.0.2.1:5060;transport=udp"), &u));
    cr_expect(span_is(u.user, "0102") && span_is(u.params, "transport=udp") && u.port == 5060);
    cr_expect(!sip_plain_uri(span_str("sip:0102@192.0.2.1 "), &u));
    cr_expect(!sip_plain_uri(span_str("<sip:0102@192.0.2.1>"), &u));
}

Test(sip_plain, vias)
{
    struct sip_plain_via v;
    cr_assert(sip_plain_via(span_str("SIP/2.0/TLS-SCTP h.example:5061;rport;BRANCH=z9hG4bKx"), &v));
    cr_expect(span_is(v.transport, "TLS-SCTP") && span_is(v.sent_by, "h.example:5061"));
    cr_expect(span_is(v.branch, "z9hG4bKx"));
    cr_assert(sip_plain_via(span_str("SIP/2.0/UDP h"), &v));
    cr_expect(v.branch.n == 0);
    static const char *const TEXTS[] = {"SIP/2.0/UDP",
                                        "SIP/2.0/UDP ",
                                        "SIP/2.0/UDP  h",
                                        "SIP / 2.0 / UDP h",
                                        "SIP/2.0/UDP h ;branch=b",
                                        "SIP/2.0/UDP h (x);branch=b",
                                        "SIP/2.0/UDP h;branch=b, SIP/2.0/UDP i",
                                        "SIP/2.0/UDP [2001:db8::1];branch=b",
                                        "SIP/2.0/UDP h;branch=",
                                        "sip/2.0/UDP h"};
    for (size_t i = 0; i < sizeof TEXTS / sizeof TEXTS[0]; i++)
        cr_expect(!sip_plain_via(span_str(TEXTS[i]), &v), "%s", TEXTS[i]);
}

Test(sip_plain, cseqs)
{
    uint32_t n;
    struct span method;
    cr_assert(sip_plain_cseq(span_str("000000007 INVITE"), &n, &method));
    cr_expect(n == 7 && span_is(method, "INVITE"));
    static const char *const TEXTS[] = {"7",      "7 ",     " 7 BYE", "7  BYE",         "7\tBYE",
                                        "7 BYE ", "7 B%00", "BYE",    "2147483648 BYE", "-7 BYE",
                                        ""};
    for (size_t i = 0; i < sizeof TEXTS / sizeof TEXTS[0]; i++)
        cr_expect(!sip_plain_cseq(span_str(TEXTS[i]), &n, &method), "%s", TEXTS[i]);
}

Test(sip_plain, long_values_are_left_to_the_library)
{
    static char text[SIP_PLAIN_BYTES_MAX + 2];
    struct sip_uri u;
    memset(text, 'a', sizeof text - 1);
    memcpy(text, "sip:", 4);
    cr_expect(!sip_plain_uri(span_str(text), &u));
    cr_expect(sip_plain_uri(span_sub(span_str(text), 0, SIP_PLAIN_BYTES_MAX), &u));
}
