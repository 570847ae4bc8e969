/* Proves that libosip2 has the last word: it agrees with what the scanner reads of ordinary
 * values, and every lie about such a value is found out. */
#include "proto/record/sip_grammar.h"

#include <criterion/criterion.h>

static struct sip_addr addr(const char *text)
{
    struct sip_addr a = {0};
    cr_assert_eq(sip_addr_parse(span_str(text), &a), OK, "%s", text);
    return a;
}

Test(sip_grammar, agrees_on_addresses)
{
    static const char *const TEXTS[] = {
        "<sip:+12125550101@example.net>;tag=t",
        "sip:a@h;tag=t",
        "\"A \\\" b\" <sips:a@[2001:db8::1]:5061;transport=tcp>",
        "<tel:+12125550101;phone-context=x>;tag=t",
        "<sip:hh>",
        "<sip:+1;npdi;rn=+13035550100@h;user=phone>",
        "<sip:%61b%20c@h>",
        "<sip:null-%00-null@h>",
        "\\\"a\\\" <sip:a@h>",
        "Bell, A. <sip:a@h>",
    };
    for (size_t i = 0; i < sizeof TEXTS / sizeof TEXTS[0]; i++) {
        struct sip_addr a = addr(TEXTS[i]);
        cr_expect_eq(sip_grammar_addr(span_str(TEXTS[i]), &a), OK, "%s", TEXTS[i]);
    }
}

/* Each row: one reading changed. */
Test(sip_grammar, finds_each_difference)
{
    static const char TEXT[] = "<sip:alice;x=1@example.net:5070>;tag=t";
    struct sip_addr a = addr(TEXT);
    struct sip_addr lies[] = {a, a, a, a, a, a};
    lies[0].uri.user = span_str("mallory");
    lies[0].uri.user_params = SPAN_EMPTY;
    lies[1].uri.host = span_str("example.org");
    lies[2].uri.port = 5060;
    lies[3].uri.scheme = span_str("sips");
    lies[4].params = span_str("tag=u");
    lies[5].params = SPAN_EMPTY;
    cr_assert_eq(sip_grammar_addr(span_str(TEXT), &a), OK);
    for (size_t i = 0; i < sizeof lies / sizeof lies[0]; i++)
        cr_expect_eq(sip_grammar_addr(span_str(TEXT), &lies[i]), ERR_SYNTAX, "lie %zu", i);
}

Test(sip_grammar, uri_via_cseq)
{
    struct sip_uri u;
    struct span uri = span_str("sip:+12125550102@example.net;user=phone");
    cr_assert_eq(sip_uri_parse(uri, &u), OK);
    cr_expect_eq(sip_grammar_uri(uri, &u), OK);
    u.host = span_str("x");
    cr_expect_eq(sip_grammar_uri(uri, &u), ERR_SYNTAX);

    struct span via = span_str("SIP / 2.0 / UDP [2001:db8::9]:5060 ;branch=z9hG4bKx;rport");
    struct span host = span_str("[2001:db8::9]"), branch = span_str("z9hG4bKx");
    cr_expect_eq(sip_grammar_via(via, host, branch), OK);
    cr_expect_eq(sip_grammar_via(via, span_str("h"), branch), ERR_SYNTAX);
    cr_expect_eq(sip_grammar_via(via, host, span_str("y")), ERR_SYNTAX);
    cr_expect_eq(sip_grammar_via(span_str("UDP h"), span_str("h"), SPAN_EMPTY), ERR_SYNTAX);

    cr_expect_eq(sip_grammar_cseq(span_str("0009  INVITE"), 9, span_str("INVITE")), OK);
    cr_expect_eq(sip_grammar_cseq(span_str("9 INVITE"), 8, span_str("INVITE")), ERR_SYNTAX);
    cr_expect_eq(sip_grammar_cseq(span_str("9 INVITE"), 9, span_str("BYE")), ERR_SYNTAX);
}

Test(sip_grammar, limits)
{
    static char text[SIP_VALUE_BYTES_MAX + 64];
    struct sip_uri u;
    memset(text, 'a', sizeof text - 1);
    memcpy(text, "sip:", 4);
    cr_assert_eq(sip_uri_parse(span_str(text), &u), OK);
    cr_expect_eq(sip_grammar_uri(span_str(text), &u), ERR_LIMIT);
    struct span nul = SPAN_LIT("sip:a\0@h");
    u = (struct sip_uri){.text = nul};
    cr_expect_eq(sip_grammar_uri(nul, &u), ERR_SYNTAX, "C strings end at NUL");
}
