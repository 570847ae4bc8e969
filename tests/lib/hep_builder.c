#include "tests/lib/hep_builder.h"

#include <stdio.h>

#include "proto/core/check.h"
#include "proto/core/instant.h"

static const struct {
    const char *start, *cseq, *to_tag, *more;
} MESSAGES[] = {
    [HEP_SIP_INVITE] = {"INVITE sip:+12125550102@example.net SIP/2.0", "1 INVITE", "",
                        "Contact: <sip:a@192.0.2.1>\r\n"
                        "Proxy-Authorization: Digest username=\"a\", realm=\"r\", nonce=\"n\", "
                        "uri=\"sip:x\", response=\"0123456789abcdef0123456789abcdef\"\r\n"},
    [HEP_SIP_OK] = {"SIP/2.0 200 OK", "1 INVITE", ";tag=b", "Contact: <sip:b@192.0.2.2>\r\n"},
    [HEP_SIP_BYE] = {"BYE sip:b@192.0.2.2 SIP/2.0", "2 BYE", ";tag=b", ""},
    [HEP_SIP_BYE_OK] = {"SIP/2.0 200 OK", "2 BYE", ";tag=b", ""},
    [HEP_SIP_BUSY] = {"SIP/2.0 486 Busy Here", "1 INVITE", ";tag=b", ""},
    [HEP_SIP_REGISTER] = {"REGISTER sip:example.net SIP/2.0", "1 REGISTER", "", ""},
};

void sip_build(struct buf *out, enum hep_sip kind, unsigned i)
{
    char text[2048];
    const char *cseq = MESSAGES[kind].cseq;
    int n = snprintf(text, sizeof text,
                     "%s\r\nVia: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK-%u-%c\r\n"
                     "Max-Forwards: 70\r\n"
                     "From: \"A\" <sip:+12125550101@example.net>;tag=a%u\r\n"
                     "To: <sip:+12125550102@example.net>%s\r\n"
                     "Call-ID: call-%u@test\r\nCSeq: %s\r\n%sContent-Length: 0\r\n\r\n",
                     MESSAGES[kind].start, i, cseq[0], i, MESSAGES[kind].to_tag, i, cseq,
                     MESSAGES[kind].more);
    CHECK(n > 0 && (size_t)n < sizeof text);
    buf_bytes(out, text, (size_t)n);
}

static void chunk(struct buf *b, unsigned type, struct span value)
{
    buf_be16(b, 0);
    buf_be16(b, (uint16_t)type);
    buf_be16(b, (uint16_t)(6 + value.n));
    buf_put(b, value);
}

static void chunk_number(struct buf *b, unsigned type, uint64_t value, size_t bytes)
{
    uint8_t room[8];
    struct buf v = buf_of(room, sizeof room);
    buf_be(&v, value, bytes);
    chunk(b, type, buf_span(&v));
}

void hep_build_payload(struct buf *out, struct span payload, unsigned type, int64_t t_us,
                       uint32_t agent, struct span key)
{
    uint8_t room[HEP_FRAME_BYTES_MAX];
    struct buf b = buf_of(room, sizeof room);
    chunk_number(&b, 0x01, HEP_INET, 1);
    chunk_number(&b, 0x02, 17, 1);
    chunk_number(&b, 0x03, 0xc0000201, 4); /* 192.0.2.1, RFC 5737 */
    chunk_number(&b, 0x04, 0xc0000202, 4);
    chunk_number(&b, 0x07, 5060, 2);
    chunk_number(&b, 0x08, 5060, 2);
    chunk_number(&b, 0x09, (uint64_t)(t_us / US_PER_S), 4);
    chunk_number(&b, 0x0a, (uint64_t)(t_us % US_PER_S), 4);
    chunk_number(&b, 0x0b, type, 1);
    chunk_number(&b, 0x0c, agent, 4);
    if (key.n)
        chunk(&b, 0x0e, key);
    chunk(&b, 0x0f, payload);
    CHECK(buf_ok(&b));
    buf_str(out, "HEP3");
    buf_be16(out, (uint16_t)(6 + b.n));
    buf_put(out, buf_span(&b));
}

void hep_build(struct buf *out, enum hep_sip kind, unsigned i, int64_t t_us, uint32_t agent,
               struct span key)
{
    uint8_t room[4096];
    struct buf message = buf_of(room, sizeof room);
    sip_build(&message, kind, i);
    hep_build_payload(out, buf_span(&message), HEP_SIP, t_us, agent, key);
}
