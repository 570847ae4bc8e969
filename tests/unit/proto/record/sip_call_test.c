/* Proves feeds.md 11.2: which header supplies which field, in which order of preference. */
#include "proto/record/sip_call.h"

#include <criterion/criterion.h>
#include <stdio.h>

static struct arena arena;
static struct sip_msg m;
static uint8_t room_bytes[SIP_CALL_ROOM_BYTES];
static struct call c;

static void set_up(void)
{
    cr_assert_eq(arena_init(&arena, 4 * SIP_MESSAGE_BYTES_MAX), OK);
}

static void tear_down(void)
{
    arena_done(&arena);
}

TestSuite(sip_call, .init = set_up, .fini = tear_down);

static void message(const char *start, const char *from, const char *headers)
{
    static char text[8192];
    arena_reset(&arena);
    snprintf(text, sizeof text,
             "%s\r\nFrom: %s;tag=al\r\nTo: \"B\" <sip:0102@example.net>\r\nCall-ID: k1\r\n"
             "CSeq: 1 INVITE\r\n%s\r\n",
             start, from, headers);
    struct diag d = {0};
    cr_assert_eq(sip_msg_parse(span_str(text), &arena, &m, &d), OK, "%s", d.what);
}

static void invite(const char *ruri, const char *from, const char *headers)
{
    char start[512];
    const struct sdp none = {0};
    struct buf room = buf_of(room_bytes, sizeof room_bytes);
    snprintf(start, sizeof start, "INVITE %s SIP/2.0", ruri);
    message(start, from, headers);
    c = (struct call){0};
    sip_call_invite(&m, &none, &room, &c);
}

#define FROM "\"Ann\" <sip:+12125550101@example.com>"
#define PAI  "P-Asserted-Identity: "

static const struct {
    const char *name, *from, *headers, *raw, *tn, *shown, *display;
} CALLERS[] = {
    {"From alone", FROM, "", "+12125550101", "+12125550101", "", "Ann"},
    {"asserted", FROM, PAI "\"Main\" <sip:+12125550111@hh>\r\n", "+12125550111", "+12125550111",
     "+12125550101", "Main"},
    {"tel before sip", FROM, PAI "<sip:ann@hh>, <tel:+1-212-555-0112>\r\n", "+1-212-555-0112",
     "+12125550112", "+12125550101", "Ann"},
    {"asserted before preferred and remote party", FROM,
     "Remote-Party-ID: <sip:r@hh>;party=calling\r\nP-Preferred-Identity: <sip:p@hh>\r\n" PAI
     "<sip:a1@hh>\r\n",
     "a1", "a1", "+12125550101", "Ann"},
    {"preferred before remote party", FROM,
     "Remote-Party-ID: <sip:r@hh>;party=calling\r\nP-Preferred-Identity: <sip:p@hh>\r\n", "p", "p",
     "+12125550101", "Ann"},
    {"remote party before From", FROM, "Remote-Party-ID: <sip:r@hh>;party=calling\r\n", "r", "r",
     "+12125550101", "Ann"},
    {"withheld: the asserted number is the caller", "<sip:anonymous@anonymous.invalid>",
     PAI "<sip:+12125550111@hh>\r\nPrivacy: id\r\n", "+12125550111", "+12125550111", "anonymous",
     ""},
    {"the same number in other clothes", "<sip:+1(212)555.0101@hh>", PAI "<tel:+12125550101>\r\n",
     "+12125550101", "+12125550101", "", ""},
};

Test(sip_call, callers)
{
    for (size_t i = 0; i < sizeof CALLERS / sizeof CALLERS[0]; i++) {
        invite("sip:0102@example.net", CALLERS[i].from, CALLERS[i].headers);
        cr_expect(span_is(c.calling_raw, CALLERS[i].raw), "%s", CALLERS[i].name);
        cr_expect(span_is(c.calling_tn, CALLERS[i].tn), "%s", CALLERS[i].name);
        cr_expect(span_is(c.presented_tn, CALLERS[i].shown), "%s", CALLERS[i].name);
        cr_expect(span_is(c.calling_name, CALLERS[i].display), "%s", CALLERS[i].name);
    }
}

Test(sip_call, called)
{
    invite(
        "sip:+1-212-555-0102;npdi;rn=+1-303-555-0100;cic=+1-0999;postd=p1@gw.example.net;tgrp=out7",
        FROM, "Contact: <sip:+12125550101;tgrp=in3;trunk-context=example.com@192.0.2.1>\r\n");
    cr_expect(span_is(c.called_raw, "+1-212-555-0102") && span_is(c.called_tn, "+12125550102"));
    cr_expect(span_is(c.dialed_digits, "0102"));
    cr_expect(span_is(c.lrn, "+13035550100"));
    cr_expect_eq(c.npdi, 1);
    cr_expect(span_is(c.carrier_out, "+1-0999"));
    cr_expect(span_is(c.trunk_in, "in3") && span_is(c.trunk_out, "out7"));
    cr_expect(span_is(c.domain, "example.com") && span_is(c.called_domain, "gw.example.net"));
    invite("urn:service:sos.fire", FROM, "");
    cr_expect(span_is(c.called_raw, "urn:service:sos.fire"), "RFC 5031");
    invite("sip:0102@example.net", FROM, "");
    cr_expect_eq(c.npdi, 0);
    cr_expect_eq(c.lrn.n, 0);
}

Test(sip_call, redirection_charge_line)
{
    invite("sip:0102@hh", "<sip:+12125550101@hh;isup-oli=62>",
           "Diversion: <sip:+12125550121@hh>;reason=no-answer, <tel:+1-212-555-0122>\r\n"
           "P-Charge-Info: <sip:+12125550140@hh>\r\nSession-ID: s1\r\n"
           "P-Charging-Vector: icid-value=i1\r\nUser-Agent: UA\r\nGeolocation: <cid:1>\r\n");
    cr_expect(span_is(c.redirecting_tn, "+12125550121"));
    cr_expect(span_is(c.original_called_tn, "+12125550122"));
    cr_expect(span_is(c.redirect_reason, "no-answer"));
    cr_expect_eq(c.redirect_count, 2);
    cr_expect(span_is(c.charge_tn, "+12125550140"));
    cr_expect_eq(c.oli, 62);
    cr_expect(span_is(c.session_id, "s1") && span_is(c.icid, "i1"));
    cr_expect(span_is(c.user_agent, "UA") && span_is(c.location, "<cid:1>"));
    invite("sip:0102@hh", "<sip:+12125550101@hh>;oli=999", "");
    cr_expect_eq(c.oli, 0, "no line has that number");
}

/* {"attest":"B","orig":{"tn":"12125550101"},"iat":7,"origid":"o"} in base64url. */
#define TOKEN                                                                                      \
    "e30.eyJhdHRlc3QiOiJCIiwib3JpZyI6eyJ0biI6IjEyMTI1NTUwMTAxIn0sImlhdCI6Nywib3JpZ2lkIjoibyJ9."    \
    "c2ln"

Test(sip_call, identity)
{
    invite("sip:0102@hh", "<sip:+12125550101@hh;verstat=TN-Validation-Passed-A>",
           "Identity: ..c2ln;info=<x>\r\nIdentity: e30.e30.c2ln;ppt=div\r\nIdentity: " TOKEN
           ";ppt=shaken\r\n");
    cr_expect_eq(c.stir_verstat, VERSTAT_PASSED);
    cr_expect_eq(c.stir_attest, ATTEST_B, "the first one that attests");
    cr_expect(span_is(c.stir_orig_tn, "12125550101") && span_is(c.stir_origid, "o"));
    cr_expect_eq(c.stir_iat, 7);
    invite("sip:0102@hh", FROM, PAI "<tel:+12125550101;verstat=No-TN-Validation>\r\n");
    cr_expect_eq(c.stir_verstat, VERSTAT_NONE);
    invite("sip:0102@hh", FROM, PAI "<tel:+12125550101>;verstat=TN-Validation-Failed\r\n");
    cr_expect_eq(c.stir_verstat, VERSTAT_FAILED);
    cr_expect_eq(c.stir_attest, ATTEST_UNKNOWN);
}

Test(sip_call, answer)
{
    struct buf room = buf_of(room_bytes, sizeof room_bytes);
    struct sdp sdp = {.codec = SPAN_LIT("PCMA"), .media_kind = MEDIA_AUDIO};
    message("SIP/2.0 200 OK", FROM, PAI "<tel:+1-212-555-0155>\r\n");
    m.to_tag = span_str("bo");
    c = (struct call){0};
    sip_call_answer(&m, &sdp, &room, &c);
    cr_expect(span_is(c.to_tag, "bo") && span_is(c.connected_tn, "+12125550155"));
    cr_expect(span_is(c.codec_out, "PCMA"));
    cr_expect_eq(c.media_kind, MEDIA_AUDIO);
}

/* A full room costs the rewriting, never the number. */
Test(sip_call, no_room)
{
    struct buf room = buf_of(room_bytes, 3);
    const struct sdp none = {0};
    message("INVITE sip:+1-212-555-0102@hh SIP/2.0", FROM, "Identity: " TOKEN "\r\n");
    c = (struct call){0};
    sip_call_invite(&m, &none, &room, &c);
    cr_expect(span_is(c.called_tn, "+1-212-555-0102"));
    cr_expect_eq(c.stir_attest, ATTEST_UNKNOWN);
}
