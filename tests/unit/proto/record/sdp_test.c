/* Proves what is kept of a session description, that keys are counted and never looked at, and
 * that the description is found in a multipart body. */
#include "proto/record/sdp.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#define S "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\n"

static const struct {
    const char *name, *text, *ip, *codec;
    enum media_kind kind;
    bool hold;
    unsigned secrets;
} ROWS[] = {
    {"static payload type", S "c=IN IP4 192.0.2.5\r\nm=audio 4000 RTP/AVP 8 0\r\n", "192.0.2.5",
     "PCMA", MEDIA_AUDIO, false, 0},
    {"rtpmap of the first type",
     S "c=IN IP4 192.0.2.5\nm=audio 1 RTP/AVP 96 0\na=rtpmap:0 PCMU/8000\n"
       "a=rtpmap:96 opus/48000/2\n",
     "192.0.2.5", "opus", MEDIA_AUDIO, false, 0},
    {"address of the medium",
     S "c=IN IP4 192.0.2.5\r\nm=video 1 RTP/AVP 31\r\nc=IN IP6 2001:db8::7\r\n"
       "m=audio 2 RTP/AVP 0\r\nc=IN IP4 192.0.2.9\r\n",
     "2001:db8::7", "H261", MEDIA_VIDEO, false, 0},
    {"a refused medium does not count",
     S "c=IN IP4 192.0.2.5/127\r\nm=audio 0 RTP/AVP 8\r\n"
       "m=image 9 udptl t38\r\n",
     "192.0.2.5", "t38", MEDIA_IMAGE, false, 0},
    {"hold of the session", S "c=IN IP4 192.0.2.5\r\na=inactive\r\nm=audio 1 RTP/AVP 0\r\n",
     "192.0.2.5", "PCMU", MEDIA_AUDIO, true, 0},
    {"the medium overrules the session",
     S "c=IN IP4 192.0.2.5\r\na=inactive\r\nm=audio 1 RTP/AVP 0\r\n"
       "a=sendrecv\r\n",
     "192.0.2.5", "PCMU", MEDIA_AUDIO, false, 0},
    {"the second medium does not",
     S "c=IN IP4 192.0.2.5\r\nm=audio 1 RTP/AVP 0\r\na=sendrecv\r\n"
       "m=video 1 RTP/AVP 31\r\na=sendonly\r\n",
     "192.0.2.5", "PCMU", MEDIA_AUDIO, false, 0},
    {"recvonly is the other side's hold",
     S "c=IN IP4 192.0.2.5\r\nm=audio 1 RTP/AVP 0\r\n"
       "a=recvonly\r\n",
     "192.0.2.5", "PCMU", MEDIA_AUDIO, false, 0},
    {"RFC 2543 hold", S "c=IN IP4 0.0.0.0\r\nm=audio 1 RTP/AVP 0\r\na=sendrecv\r\n", "0.0.0.0",
     "PCMU", MEDIA_AUDIO, true, 0},
    {"keys",
     S "k=clear:x\r\nc=IN IP4 192.0.2.5\r\nm=audio 1 RTP/SAVP 0\r\na=crypto:1 A inline:k\r\n"
       "a=ice-pwd:p\r\nA=ICE-UFRAG:u\r\na=key-mgmt:mikey m\r\na=cryptic\r\na=sendonly\r\n",
     "192.0.2.5", "PCMU", MEDIA_AUDIO, true, 5},
    {"no medium", S, NULL, "", MEDIA_UNKNOWN, false, 0},
};

Test(sdp, rows)
{
    for (size_t i = 0; i < sizeof ROWS / sizeof ROWS[0]; i++) {
        struct sdp s;
        struct ip want = {{0}};
        cr_expect_eq(sdp_parse(span_str(ROWS[i].text), &s, NULL), OK, "%s", ROWS[i].name);
        if (ROWS[i].ip)
            cr_assert_eq(ip_parse(span_str(ROWS[i].ip), &want), OK);
        cr_expect_arr_eq(s.media_ip.b, want.b, 16, "%s", ROWS[i].name);
        cr_expect(span_is(s.codec, ROWS[i].codec), "%s", ROWS[i].name);
        cr_expect_eq(s.media_kind, ROWS[i].kind, "%s", ROWS[i].name);
        cr_expect_eq(s.hold, ROWS[i].hold, "%s", ROWS[i].name);
        cr_expect_eq(s.secrets_dropped, ROWS[i].secrets, "%s", ROWS[i].name);
    }
}

Test(sdp, refused_but_secrets_are_counted)
{
    struct sdp s;
    struct diag d = {0};
    cr_expect_eq(sdp_parse(span_str("x=1\r\nk=clear:x\r\n"), &s, &d), ERR_SYNTAX);
    cr_expect_eq(s.secrets_dropped, 1);
    cr_expect_eq(sdp_parse(span_str("v=0\r\nnonsense\r\na=crypto:1\r\n"), &s, &d), ERR_SYNTAX);
    cr_expect_eq(d.at, 5);
    cr_expect_eq(s.secrets_dropped, 1);
    cr_expect_eq(sdp_parse(SPAN_EMPTY, &s, &d), ERR_SYNTAX);
}

static const struct {
    const char *name, *type, *body, *sdp;
} BODIES[] = {
    {"plain", "application/sdp", "v=0\n", "v=0\n"},
    {"with parameters", "Application/SDP ; charset=x", "v=0\n", "v=0\n"},
    {"other", "text/plain", "v=0\n", ""},
    {"none", "", "v=0\n", ""},
    {"second part", "multipart/mixed; boundary=\"b 1\"",
     "preamble\r\n--b 1\r\nContent-Type: application/isup\r\n\r\nxx\r\n--b 1\r\n"
     "c: application/sdp\r\nX: y\r\n\r\nv=0\r\n\r\n--b 1--\r\n",
     "v=0\r\n\r\n"},
    {"nested", "multipart/mixed;boundary=o",
     "--o\r\nContent-Type: multipart/alternative;boundary=i\r\n\r\n--i\r\n"
     "Content-Type: application/sdp\r\n\r\nv=0\r\n--i--\r\n--o--\r\n",
     "v=0\r\n"},
    {"no boundary", "multipart/mixed", "--\r\n\r\nv=0\r\n--\r\n", ""},
    {"never closed", "multipart/mixed;boundary=b",
     "--b\r\nContent-Type: application/sdp\r\n\r\nv=0\r\n", ""},
};

Test(sdp, found_in_bodies)
{
    for (size_t i = 0; i < sizeof BODIES / sizeof BODIES[0]; i++) {
        struct span s = sdp_in_body(span_str(BODIES[i].type), span_str(BODIES[i].body));
        cr_expect(span_is(s, BODIES[i].sdp), "%s", BODIES[i].name);
    }
}

/* sdp.h nests four deep; what is deeper nobody sends, and it is not looked for. */
static bool found_at_depth(int depth)
{
    char body[4096] = "";
    for (int i = 1; i < depth; i++)
        sprintf(body + strlen(body), "--b%d\r\nContent-Type: multipart/mixed;boundary=b%d\r\n\r\n",
                i, i + 1);
    sprintf(body + strlen(body), "--b%d\r\nContent-Type: application/sdp\r\n\r\nv=0\r\n", depth);
    for (int i = depth; i > 0; i--)
        sprintf(body + strlen(body), "--b%d--\r\n", i);
    return sdp_in_body(span_str("multipart/mixed;boundary=b1"), span_str(body)).n > 0;
}

Test(sdp, nesting_is_bounded)
{
    cr_expect(found_at_depth(1));
    cr_expect(found_at_depth(4));
    cr_expect_not(found_at_depth(5));
    cr_expect_not(found_at_depth(20));
}

Test(sdp, every_prefix)
{
    for (size_t i = 0; i < sizeof ROWS / sizeof ROWS[0]; i++)
        for (size_t n = 0; n <= strlen(ROWS[i].text); n++) {
            struct sdp s;
            struct diag d = {0};
            uint8_t *p = malloc(n ? n : 1);
            memcpy(p, ROWS[i].text, n);
            if (sdp_parse(span_of(p, n), &s, &d) != OK)
                cr_expect_leq(d.at, n);
            free(p);
        }
}
