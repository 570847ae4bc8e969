/* Proves what a SIP message gives a call record, header by header, in the forms senders use;
 * which messages are refused; and what RFC 4475's torture messages become, with the reason. */
#include "proto/record/sip_msg.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/lib/sip_same.h"

static struct arena arena, of_judge;
static struct sip_msg m;
static struct diag diag;

static void set_up(void)
{
    cr_assert_eq(arena_init(&arena, 4 * SIP_MESSAGE_BYTES_MAX), OK);
    cr_assert_eq(arena_init(&of_judge, 4 * SIP_MESSAGE_BYTES_MAX), OK);
}

static void tear_down(void)
{
    arena_done(&arena);
    arena_done(&of_judge);
}

TestSuite(sip_msg, .init = set_up, .fini = tear_down);

#define HEAD                                                                                       \
    "INVITE sip:+12125550102@example.net SIP/2.0\r\n"                                              \
    "Via: SIP/2.0/TCP 192.0.2.1:5070;branch=z9hG4bKa;rport, SIP/2.0/UDP 192.0.2.7;branch=b\r\n"    \
    "From: \"Ann\" <sip:+12125550101@example.com>;tag=al\r\n"                                      \
    "To: <sip:0102@example.net>\r\nCall-ID: k1@192.0.2.1\r\nCSeq: 7 INVITE\r\n"

/* Every message of this file is read both ways. */
static enum err parse_bytes(struct span in)
{
    enum err e = ERR_SYNTAX;
    arena_reset(&arena);
    arena_reset(&of_judge);
    diag = (struct diag){0};
    cr_expect(sip_same_both_ways(in, &arena, &of_judge, &m, &diag, &e), "%.*s", (int)in.n,
              (const char *)in.p);
    return e;
}

static enum err parse(const char *text)
{
    return parse_bytes(span_str(text));
}

static enum err with(const char *headers)
{
    static char text[16 * 1024];
    snprintf(text, sizeof text, HEAD "%s\r\n", headers);
    return parse(text);
}

static struct span extra(const char *name)
{
    for (size_t i = 0; i < m.extras_count; i++)
        if (span_is(m.extra[i].name, name))
            return m.extra[i].value;
    return SPAN_EMPTY;
}

Test(sip_msg, request)
{
    cr_assert_eq(with("Content-Length: 0\r\n"), OK);
    cr_expect_eq(m.method, SIP_INVITE);
    cr_expect_eq(m.status, 0);
    cr_expect(span_is(m.ruri.user, "+12125550102") && span_is(m.ruri.host, "example.net"));
    cr_expect(span_is(m.from.display, "Ann") && span_is(m.from.uri.user, "+12125550101"));
    cr_expect(span_is(m.from_tag, "al") && m.to_tag.n == 0);
    cr_expect(span_is(m.call_id, "k1@192.0.2.1"));
    cr_expect_eq(m.cseq, 7);
    cr_expect_eq(m.transport, TRANSPORT_TCP);
    cr_expect(span_is(m.branch, "z9hG4bKa") && span_is(m.sent_by, "192.0.2.1:5070"));
}

Test(sip_msg, response)
{
    cr_assert_eq(parse("SIP/2.0 200 All right\r\nv: SIP/2.0/UDP 192.0.2.1;branch=b\r\n"
                       "f: <sip:a1@example.com>;tag=x\r\nt: <tel:+12125550102>;tag=y\r\n"
                       "i: k2\r\nCSeq: 1 INVITE\r\nl: 0\r\n\r\n"),
                 OK);
    cr_expect_eq(m.status, 200);
    cr_expect_eq(m.method, SIP_INVITE);
    cr_expect(span_is(m.start, "All right"));
    cr_expect(span_is(m.to.uri.user, "+12125550102") && span_is(m.to_tag, "y"));
}

/* RFC 3261 7.3.1: names in any case, values over lines; some senders end lines with LF. */
Test(sip_msg, forms)
{
    cr_assert_eq(
        parse("\r\n\r\nINVITE sip:b1@example.net SIP/2.0\n"
              "FROM :\n\t <sip:a1@example.com>\n ;tag=x\ncall-id:k3\nTo: sip:b1@example.net\n"
              "CSEQ: 3\n  INVITE\nContent-length: 3\n\nabcdefg"),
        OK);
    cr_expect(span_is(m.from_tag, "x") && span_is(m.call_id, "k3"));
    cr_expect_eq(m.cseq, 3);
    cr_expect(span_is(m.body, "abc"), "what is behind Content-Length is not the message");
    struct span padded =
        SPAN_LIT("BYE sip:b1@example.net SIP/2.0\r\nFrom: <sip:a1@hh>;tag=x\r\n"
                 "To: <sip:b1@hh>;tag=y\r\nCall-ID: k\r\nCSeq: 2 BYE\r\n\r\n\0\0\0");
    cr_expect_eq(parse_bytes(padded), OK);
    cr_expect_eq(m.body.n, 0);
}

Test(sip_msg, escapes_are_undone)
{
    cr_assert_eq(parse("INVITE sip:%2B12125550102@example.net SIP/2.0\r\n"
                       "From: <sip:a%20b@hh>;tag=x\r\nTo: <sip:n-%00@hh>\r\nCall-ID: k\r\n"
                       "CSeq: 1 INVITE\r\n\r\n"),
                 OK);
    cr_expect(span_is(m.ruri.user, "+12125550102"));
    cr_expect(span_is(m.from.uri.user, "a b"));
    cr_expect(span_is(m.to.uri.user, "n-%00"), "an escaped NUL stays escaped");
}

Test(sip_msg, identities)
{
    cr_assert_eq(
        with("P-Asserted-Identity: \"Ann, A\" <sip:+12125550111@hh>, <tel:+12125550112>\r\n"
             "P-Asserted-Identity: <sip:x@hh>\r\nP-Preferred-Identity: <sip:pp@hh>\r\n"
             "Remote-Party-ID: <sip:rp@hh>;party=called, <sip:rq@hh>;party=calling;"
             "privacy=full\r\nPrivacy: id;critical\r\nP-Charge-Info: <sip:ch@hh>\r\n"),
        OK);
    cr_assert_eq(m.asserted_count, 3);
    cr_expect(span_is(m.asserted[0].display, "Ann, A"));
    cr_expect(span_is(m.asserted[1].uri.user, "+12125550112"));
    cr_expect(span_is(m.preferred.uri.user, "pp"));
    cr_expect(span_is(m.remote_party.uri.user, "rq"));
    cr_expect(span_is(m.charge.uri.user, "ch"));
    cr_expect_eq(m.privacy, PRIVACY_ID | PRIVACY_CRITICAL | PRIVACY_FULL);
    cr_expect_gt(extra("P-Asserted-Identity").n, 0, "the record holds one: all are kept as well");
    cr_expect_eq(extra("Privacy").n, 0, "the bits say all of it");
}

Test(sip_msg, diversion)
{
    cr_assert_eq(with("Diversion: <sip:+12125550121@hh>;reason=user-busy;counter=2, "
                      "<sip:+12125550122@hh>;reason=unconditional\r\n"
                      "Diversion: <sip:+12125550123@hh>;reason=no-answer\r\n"),
                 OK);
    cr_expect(span_is(m.redirect.recent, "+12125550121"));
    cr_expect(span_is(m.redirect.oldest, "+12125550123"));
    cr_expect(span_is(m.redirect.reason, "user-busy"));
    cr_expect_eq(m.redirect.count, 4);
}

/* RFC 7044; RFC 4458: the cause stands in the URI of the target that was diverted to. */
Test(sip_msg, history_wins)
{
    cr_assert_eq(with("Diversion: <sip:old@hh>;reason=unknown\r\n"
                      "History-Info: <sip:+12125550131@hh>;index=1, "
                      "<sip:+12125550132@hh;cause=302>;index=1.1,\r\n"
                      " <sip:+12125550133@hh;cause=486>;index=1.1.1\r\n"),
                 OK);
    cr_expect(span_is(m.redirect.oldest, "+12125550131"));
    cr_expect(span_is(m.redirect.recent, "+12125550132"));
    cr_expect(span_is(m.redirect.reason, "user-busy"));
    cr_expect_eq(m.redirect.count, 2);
    cr_assert_eq(
        with("Diversion: <sip:old@hh>;reason=unknown\r\nHistory-Info: <sip:b@hh>;index=1\r\n"), OK);
    cr_expect(span_is(m.redirect.recent, "old"), "a history without diversion says nothing");
}

Test(sip_msg, reasons)
{
    cr_assert_eq(with("Reason: SIP ;cause=200 ;text=\"Call completed, elsewhere\"\r\n"
                      "Reason: X.int;reason-code=1,Q.850;cause=17;text=\"busy\";location=LN\r\n"),
                 OK);
    cr_expect_eq(m.reason.q850, 17);
    cr_expect_eq(m.reason.sip, 200);
    cr_expect(span_is(m.reason.text, "busy") && span_is(m.reason.where, "LN"));
    cr_assert_eq(with("Reason: Q.850;cause=999, Q.850;cause=abc, Q.850, SIP;cause=\"404\"\r\n"),
                 OK);
    cr_expect_eq(m.reason.q850, 0);
    cr_expect_eq(m.reason.sip, 404);
}

Test(sip_msg, the_rest)
{
    cr_assert_eq(
        with("Identity: aa.bb.cc;info=<https://x.example>\r\ny: dd.ee.ff\r\n"
             "P-Charging-Vector: icid-value=\"ic 1\";orig-ioi=o\r\nSession-ID: ab;remote=cd\r\n"
             "x: 1800;refresher=uac\r\nUser-Agent: UA/1\r\nServer: S/1\r\n"
             "Geolocation: <cid:1>\r\nP-Access-Network-Info: cell\r\nReplaces: k;to-tag=1\r\n"
             "r: <sip:ref@hh>\r\nm: <sip:c;tgrp=tg1;trunk-context=x@hh>;q=1\r\n"),
        OK);
    struct span v;
    cr_expect_eq(m.identity_count, 2);
    cr_expect(span_is(m.identity[1], "dd.ee.ff"));
    cr_expect(span_is(m.icid, "ic 1") && span_is(m.session_id, "ab;remote=cd"));
    cr_expect_eq(m.session_expires_s, 1800);
    cr_expect(span_is(m.user_agent, "UA/1") && span_is(m.server, "S/1"));
    cr_expect(span_is(m.location, "<cid:1>"));
    cr_expect(span_is(extra("P-Access-Network-Info"), "cell"), "the second location is an extra");
    cr_expect(span_is(m.replaces, "k;to-tag=1") && span_is(m.refer_to, "<sip:ref@hh>"));
    cr_expect(sip_uri_param(&m.contact.uri, "tgrp", &v) && span_is(v, "tg1"));
}

/* What is not named stays: name as sent, in order; also secrets, which classify removes. */
Test(sip_msg, extras)
{
    cr_assert_eq(
        with("X-b: 1\r\nx-B:\r\nAuthorization: Digest response=\"00\"\r\nWeird : a : b\r\n"), OK);
    cr_assert_eq(m.extras_count, 5);
    cr_expect(span_is(m.extra[0].name, "Via"));
    cr_expect(span_is(m.extra[1].name, "X-b") && span_is(m.extra[1].value, "1"));
    cr_expect(span_is(m.extra[2].name, "x-B") && m.extra[2].value.n == 0);
    cr_expect(span_is(m.extra[3].name, "Authorization"));
    cr_expect(span_is(m.extra[4].name, "Weird") && span_is(m.extra[4].value, "a : b"));
    cr_expect_eq(m.extra[1].field, 0);
}

/* A header that cannot be read is not lost, and does not take the call with it. */
Test(sip_msg, broken_headers_become_extras)
{
    cr_assert_eq(with("Privacy: what\r\nSession-Expires: soon\r\nP-Asserted-Identity: nobody\r\n"
                      "Contact: *\r\nContent-Length: bad\r\n"),
                 OK);
    cr_expect_eq(m.asserted_count, 0);
    cr_expect(span_is(extra("Session-Expires"), "soon"));
    cr_expect(span_is(extra("P-Asserted-Identity"), "nobody"));
    cr_expect(span_is(extra("Content-Length"), "bad"));
}

/* I5: post-dial digits and URI passwords are cut out wherever they stand. */
Test(sip_msg, pins_and_passwords_are_dropped)
{
    cr_assert_eq(with("Refer-To: <sip:+12125550199;postd=pp1234;x=1@hh>\r\n"
                      "Contact: <sip:ann:s3cret@192.0.2.1:5060;a=b>, \"sip:\" <sips:bob:pw@hh>\r\n"
                      "X-Any: call sip:eve:pw2@hh;POSTD=99 now\r\n"),
                 OK);
    cr_expect(span_is(extra("Refer-To"), "<sip:+12125550199;x=1@hh>"));
    cr_expect(span_is(extra("Contact"), "<sip:ann@192.0.2.1:5060;a=b>, \"sip:\" <sips:bob@hh>"));
    cr_expect(span_is(extra("X-Any"), "call sip:eve@hh now"));
    cr_expect_eq(m.secrets_dropped, 5);
    cr_assert_eq(with("X: mail a@b, time 10:20, <sip:hh:5060>\r\n"), OK);
    cr_expect(span_is(extra("X"), "mail a@b, time 10:20, <sip:hh:5060>"));
    cr_expect_eq(m.secrets_dropped, 0);
}

static const struct {
    const char *name, *text;
    enum err e;
    size_t at;
} REFUSED[] = {
    {"nothing", "", ERR_SYNTAX, 0},
    {"keep-alive", "\r\n\r\n", ERR_SYNTAX, 0},
    {"HTTP", "GET / HTTP/1.1\r\n\r\n", ERR_SYNTAX, 0},
    {"no line end", "INVITE sip:b@hh SIP/2.0", ERR_SYNTAX, 0},
    {"status 999", "SIP/2.0 999 x\r\n\r\n", ERR_SYNTAX, 0},
    {"status 2000", "SIP/2.0 2000 x\r\n\r\n", ERR_SYNTAX, 0},
    {"no headers", "INVITE sip:b@hh SIP/2.0\r\n\r\n", ERR_SYNTAX, 27},
    {"head is cut", HEAD, ERR_SYNTAX, sizeof HEAD - 1},
    {"no name", HEAD ": x\r\n\r\n", ERR_SYNTAX, sizeof HEAD - 1},
    {"blank in name", HEAD "X y: x\r\n\r\n", ERR_SYNTAX, sizeof HEAD - 1},
    {"two From", HEAD "From: <sip:m@hh>\r\n\r\n", ERR_SYNTAX, sizeof HEAD - 1},
    {"two Call-ID", HEAD "i: k9\r\n\r\n", ERR_SYNTAX, sizeof HEAD - 1},
    {"two CSeq", HEAD "CSeq: 7 INVITE\r\n\r\n", ERR_SYNTAX, sizeof HEAD - 1},
    {"two lengths", HEAD "l: 1\r\nl: 2\r\n\r\nab", ERR_SYNTAX, sizeof HEAD - 1 + 6},
};

Test(sip_msg, refused)
{
    for (size_t i = 0; i < sizeof REFUSED / sizeof REFUSED[0]; i++) {
        cr_expect_eq(parse(REFUSED[i].text), REFUSED[i].e, "%s", REFUSED[i].name);
        cr_expect_eq(diag.at, REFUSED[i].at, "%s: at %zu", REFUSED[i].name, diag.at);
    }
}

Test(sip_msg, limits)
{
    static char text[SIP_MESSAGE_BYTES_MAX + 2];
    int n = snprintf(text, sizeof text, HEAD);
    for (int i = 0; i < SIP_HEADERS_MAX; i++)
        n += snprintf(text + n, sizeof text - (size_t)n, "X: %d\r\n", i);
    snprintf(text + n, sizeof text - (size_t)n, "\r\n");
    cr_expect_eq(parse(text), ERR_LIMIT);
    memset(text, 'a', sizeof text - 1);
    cr_expect_eq(parse(text), ERR_LIMIT);
    struct arena small = {0};
    cr_assert_eq(arena_init(&small, 16), OK);
    cr_expect_eq(sip_msg_parse(span_str(HEAD "X: a\r\n bbbbbbbbbbbbbbbbbbbbbbbb\r\n\r\n"), &small,
                               &m, &diag),
                 ERR_NOMEM);
    arena_done(&small);
}

Test(sip_msg, every_prefix_is_refused_or_whole)
{
    static const char TEXT[] = HEAD "Content-Length: 4\r\n\r\nv=0\n";
    size_t head = (size_t)(strstr(TEXT, "\r\n\r\n") + 4 - TEXT);
    for (size_t n = 0; n < sizeof TEXT; n++) {
        uint8_t *p = malloc(n ? n : 1);
        memcpy(p, TEXT, n);
        enum err e = parse_bytes(span_of(p, n));
        cr_expect_eq(e, n >= head ? OK : ERR_SYNTAX, "%zu bytes", n);
        cr_expect_leq(diag.at, n);
        free(p);
    }
}

/* RFC 3261 7.3.1: a header's name has no case. All of these are read, so that what cannot be
 * read, and only that, is refused or becomes a second extra. */
Test(sip_msg, names_of_headers_in_any_case)
{
    static const char TEXT[] =
        "BYE sip:b1@example.net SIP/2.0\r\nvIA: SIP/2.0/WSS h;branch=b\r\nfROM: <sip:a1@hh>\r\n"
        "tO: <sip:b1@hh>;tag=t\r\ncALL-id: k\r\ncsEQ: 9 BYE\r\nsERVER: s\r\nrEASON: "
        "Q.850;cause=17\r\n"
        "cONTACT: <sip:c1@hh>\r\npRIVACY: id\r\niDENTITY: i\r\nrEPLACES: r\r\nrEFER-tO: f\r\n"
        "dIVERSION: <sip:d1@hh>\r\nuSER-aGENT: u\r\nsESSION-id: 5e\r\ngEOLOCATION: g\r\n"
        "cONTENT-tYPE: c/t\r\npRIVACY: user\r\nP-cHARGE-iNFO: <sip:p1@hh>\r\n"
        "cONTENT-lENGTH: 1\r\nsESSION-eXPIRES: 90\r\nrEMOTE-pARTY-id: <sip:r1@hh>\r\n"
        "p-cHARGING-vECTOR: icid-value=v\r\np-aSSERTED-iDENTITY: <sip:a2@hh>\r\n"
        "p-pREFERRED-iDENTITY: <sip:a3@hh>\r\np-aCCESS-nETWORK-iNFO: second\r\n\r\nxy";
    cr_assert_eq(parse(TEXT), OK);
    cr_expect_eq(m.transport, TRANSPORT_WSS);
    cr_expect_eq(m.reason.q850, 17);
    cr_expect_eq(m.privacy, PRIVACY_ID | PRIVACY_USER);
    cr_expect_eq(m.session_expires_s, 90);
    cr_expect(m.identity_count == 1 && m.asserted_count == 1 && m.diversion.count == 1);
    const struct span read[] = {m.server,       m.contact.uri.user,
                                m.replaces,     m.refer_to,
                                m.icid,         m.charge.uri.user,
                                m.location,     m.remote_party.uri.user,
                                m.from_tag,     m.preferred.uri.user,
                                m.user_agent,   m.session_id,
                                m.content_type, m.body};
    static const char *const WANT[] = {"s",  "c1", "r",  "f", "v",  "p1",  "g",
                                       "r1", "",   "a3", "u", "5e", "c/t", "x"};
    for (size_t i = 0; i < sizeof WANT / sizeof WANT[0]; i++)
        cr_expect(span_is(read[i], WANT[i]), "%s", WANT[i]);
    cr_expect(span_is(extra("p-aCCESS-nETWORK-iNFO"), "second"), "the first location counts");
    cr_expect(extra("gEOLOCATION").n == 0 && extra("uSER-aGENT").n == 0);
}

/* Line ends at every place of the words of bits, folds across them, and heads longer than the
 * bits reach: the headers stay the same. */
Test(sip_msg, lines_of_any_length)
{
    static char text[8 * 1024], filler[4100];
    memset(filler, 'x', sizeof filler - 1);
    for (int n = 0; n < (int)sizeof filler - 1; n += n < 200 ? 1 : 61) {
        snprintf(text, sizeof text,
                 HEAD "X-Fill: %.*s\r\nX-Fold: a\r\n\tb\r\n  c\r\nX-Last: z\r\n\r\n", n, filler);
        cr_assert_eq(parse(text), OK, "%d", n);
        cr_expect_eq(extra("X-Fill").n, (size_t)n);
        cr_expect(span_is(extra("X-Fold"), "a b c") && span_is(extra("X-Last"), "z"), "%d", n);
    }
}

/* A byte changed, a byte gone, a byte more, anywhere in a message of plain values: both ways
 * of reading see the same. */
Test(sip_msg, changed_bytes_read_the_same_both_ways)
{
    static const char TEXT[] =
        "INVITE sip:+12125550102;npdi@example.net:5070;user=phone SIP/2.0\r\n"
        "Via: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bKa;rport\r\n"
        "From: \"Ann\" <sip:+12125550101@example.com>;tag=al\r\nTo: Bo <sips:0102@example.net>\r\n"
        "Call-ID: k1\r\nCSeq: 7 INVITE\r\nContact: <sip:a@192.0.2.1:5060;ob>\r\n"
        "P-Asserted-Identity: <tel:+12125550101>\r\nDiversion: "
        "<sip:x@h.example>;reason=deflection\r\n\r\n";
    static const char BYTES_TRIED[] = "<>\"\\;:=@,?% \t\r\n[]()/'a0\x7f\x80\xff";
    static char changed[sizeof TEXT + 1];
    for (size_t at = 0; at < sizeof TEXT - 1; at++)
        for (size_t c = 0; c < sizeof BYTES_TRIED; c++) { /* NUL, too */
            memcpy(changed, TEXT, sizeof TEXT);
            changed[at] = BYTES_TRIED[c];
            (void)parse_bytes(span_of(changed, sizeof TEXT - 1));
            memcpy(changed + at + 1, TEXT + at, sizeof TEXT - at);
            (void)parse_bytes(span_of(changed, sizeof TEXT));
            memcpy(changed + at, TEXT + at + 1, sizeof TEXT - at - 1);
            (void)parse_bytes(span_of(changed, sizeof TEXT - 2));
        }
}

Test(sip_msg, likely)
{
    cr_expect(sip_msg_likely(span_str("\r\nSIP/2.0 200 OK\r\n")));
    cr_expect(sip_msg_likely(span_str("NEW sip:a SIP/2.0\r\n")));
    cr_expect_not(sip_msg_likely(span_str("GET / HTTP/1.1\r\n")));
    cr_expect_not(sip_msg_likely(span_str("\r\n\r\n")));
    cr_expect_not(sip_msg_likely(span_str("{\"id\": 1}\n")));
    cr_expect_not(sip_msg_likely(SPAN_EMPTY));
}

/* RFC 4475: what an observer of calls makes of each. Valid ones must be read. An invalid one is
 * tolerated when what is wrong says nothing about whose call it is or when it was. */
static const struct {
    const char *file;
    bool taken;
    const char *why;
} TORTURE[] = {
    {"wsinv", true, "3.1.1.1 valid"},
    {"intmeth", true, "3.1.1.2 valid"},
    {"esc01", true, "3.1.1.3 valid"},
    {"escnull", true, "3.1.1.4 valid"},
    {"esc02", true, "3.1.1.5 valid"},
    {"lwsdisp", true, "3.1.1.6 valid"},
    {"longreq", true, "3.1.1.7 valid"},
    {"dblreq", true, "3.1.1.8 valid: the second message is behind Content-Length"},
    {"semiuri", true, "3.1.1.9 valid"},
    {"transports", true, "3.1.1.10 valid"},
    {"mpart01", true, "3.1.1.11 valid"},
    {"unreason", true, "3.1.1.12 valid"},
    {"noreason", true, "3.1.1.13 valid"},
    {"badinv01", true, "extra separators in Via and Contact; the first Via can be read"},
    {"clerr", true, "the body is shorter than it says; the head is complete"},
    {"ncl", true, "a length below zero: the message ends where its bytes end"},
    {"scalar02", false, "CSeq over 2^31"},
    {"scalarlg", false, "CSeq over 2^31"},
    {"quotbal", false, "where the address begins is open"},
    {"ltgtruri", false, "Request-URI in brackets"},
    {"lwsruri", false, "blank in the Request-URI"},
    {"lwsstart", false, "two blanks in the start line"},
    {"trws", false, "blanks behind the start line"},
    {"escruri", true, "headers in the Request-URI: nothing of a call depends on them"},
    {"baddate", true, "Date is not used: instants are those of the capture"},
    {"regbadct", true, "a Contact that cannot be read stays an extra"},
    {"badaspec", false, "blanks inside the brackets of To"},
    {"baddn", false, "the file has no empty line behind the headers"},
    {"badvers", false, "SIP/7.0"},
    {"mismatch01", false, "CSeq and start line name different methods"},
    {"mismatch02", false, "CSeq and start line name different methods"},
    {"bigcode", false, "a status of ten digits"},
    {"badbranch", true, "3.2: a branch of the magic cookie only is still a branch"},
    {"insuf", false, "no Call-ID, From or To"},
    {"unkscm", true, "3.3.2: a server would answer 416"},
    {"novelsc", false, "libosip2 does not take the scheme soap.beep"},
    {"unksm2", true, "3.3.4: REGISTER with an unknown scheme in To"},
    {"bext01", true, "3.3.5: unknown extensions required"},
    {"invut", true, "3.3.6: unknown Content-Type"},
    {"regaut01", true, "3.3.7: unknown authorization scheme"},
    {"multi01", false, "3.3.8: two CSeq, Call-ID and From"},
    {"mcl01", false, "3.3.9: two lengths that differ"},
    {"bcast", true, "3.3.10: a 200 with a broadcast address in Via"},
    {"zeromf", true, "3.3.11: Max-Forwards is not used"},
    {"cparam01", true, "3.3.12"},
    {"cparam02", true, "3.3.13"},
    {"regescrt", true, "3.3.14"},
    {"sdp01", true, "3.3.15: unacceptable Accept"},
    {"inv2543", true, "3.4.1: a request of RFC 2543"},
};

static const char *corpus(void)
{
    const char *dir = getenv("CPNI_CORPUS");
    return dir ? dir : CPNI_SOURCE_DIR "/../shared/corpus";
}

Test(sip_msg, torture)
{
    static uint8_t bytes[SIP_MESSAGE_BYTES_MAX];
    for (size_t i = 0; i < sizeof TORTURE / sizeof TORTURE[0]; i++) {
        char path[512];
        snprintf(path, sizeof path, "%s/msg/rfc4475/%s.dat", corpus(), TORTURE[i].file);
        FILE *f = fopen(path, "rb");
        if (!f) {
            printf("skipped: no %s\n", path);
            return;
        }
        size_t n = fread(bytes, 1, sizeof bytes, f);
        fclose(f);
        enum err e = parse_bytes(span_of(bytes, n));
        cr_expect_eq(e, TORTURE[i].taken ? OK : ERR_SYNTAX, "%s (%s): %s, %s", TORTURE[i].file,
                     TORTURE[i].why, err_name(e), diag.what ? diag.what : "");
    }
}
