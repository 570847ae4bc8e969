#include "bench/generate.h"
#include "bench/put.h"
#include "proto/core/instant.h"
#include "proto/frame/hep.h"

enum { SDP_BYTES = 512, US_TRYING = 2 * US_PER_MS, US_REPLY = 5 * US_PER_MS };

enum message {
    INVITE,
    TRYING,
    RINGING,
    OK_INVITE,
    ACK,
    BYE,
    OK_BYE,
    CANCEL,
    OK_CANCEL,
    TERMINATED,
    NOT_AVAILABLE,
    BUSY,
    FAILED,
    MESSAGES
};

/* When a message was seen: an instant of the call, and how much later. */
enum moment { AT_START, AT_RING, AT_ANSWER, AT_END };

enum { CALLER = 1, TO_TAG = 2, CONTACT = 4, SDP = 8, ASSERTED = 16, ENDS = 32 };
static const struct row {
    const char *status; /* NULL: a request */
    const char *method; /* of the CSeq */
    uint8_t cseq, flags, moment;
    uint16_t later_us;
} ROW[MESSAGES] = {
    [INVITE] = {NULL, "INVITE", 1, CALLER | CONTACT | SDP | ASSERTED, AT_START, 0},
    [TRYING] = {"100 Trying", "INVITE", 1, 0, AT_START, US_TRYING},
    [RINGING] = {"180 Ringing", "INVITE", 1, TO_TAG | CONTACT, AT_RING, 0},
    [OK_INVITE] = {"200 OK", "INVITE", 1, TO_TAG | CONTACT | SDP, AT_ANSWER, 0},
    [ACK] = {NULL, "ACK", 1, CALLER | TO_TAG, AT_ANSWER, US_REPLY},
    [BYE] = {NULL, "BYE", 2, CALLER | TO_TAG, AT_END, 0},
    [OK_BYE] = {"200 OK", "BYE", 2, TO_TAG | ENDS, AT_END, US_REPLY},
    [CANCEL] = {NULL, "CANCEL", 1, CALLER, AT_END, 0},
    [OK_CANCEL] = {"200 OK", "CANCEL", 1, TO_TAG, AT_END, US_TRYING},
    [TERMINATED] = {"487 Request Terminated", "INVITE", 1, TO_TAG | ENDS, AT_END, US_REPLY},
    [NOT_AVAILABLE] = {"480 Temporarily Unavailable", "INVITE", 1, TO_TAG | ENDS, AT_END, 0},
    [BUSY] = {"486 Busy Here", "INVITE", 1, TO_TAG | ENDS, AT_END, 0},
    [FAILED] = {"500 Server Internal Error", "INVITE", 1, TO_TAG | ENDS, AT_END, 0},
};

static const struct script {
    uint8_t steps;
    uint8_t message[GENERATE_STEPS_MAX];
} SCRIPT[OUTCOME_COUNT] = {
    [OUTCOME_ANSWERED] = {7, {INVITE, TRYING, RINGING, OK_INVITE, ACK, BYE, OK_BYE}},
    [OUTCOME_CANCELLED] = {7, {INVITE, TRYING, RINGING, CANCEL, OK_CANCEL, TERMINATED, ACK}},
    [OUTCOME_NO_ANSWER] = {5, {INVITE, TRYING, RINGING, NOT_AVAILABLE, ACK}},
    [OUTCOME_BUSY] = {4, {INVITE, TRYING, BUSY, ACK}},
    [OUTCOME_FAILED] = {4, {INVITE, TRYING, FAILED, ACK}},
};

static const struct row *row_of(const struct bench_call *c, unsigned step)
{
    return &ROW[SCRIPT[c->outcome].message[step]];
}

unsigned generate_steps(const struct bench_call *c)
{
    return SCRIPT[c->outcome].steps;
}

bool generate_ends(const struct bench_call *c, unsigned step)
{
    return row_of(c, step)->flags & ENDS;
}

int64_t generate_step_us(const struct bench_call *c, unsigned step)
{
    const struct row *r = row_of(c, step);
    /* The ACK of a call that was not answered follows its failure. */
    const int64_t INSTANT[] = {c->start_us, c->ring_us, c->answer_us ? c->answer_us : c->end_us,
                               c->end_us};
    return INSTANT[r->moment] + r->later_us;
}

static void put_sdp(const struct bench_call *c, bool offer, struct buf *b)
{
    put_format(b,
               "v=0\r\no=- %u 1 IN IP4 192.0.2.%u\r\ns=-\r\nc=IN IP4 192.0.2.%u\r\nt=0 0\r\n"
               "m=audio %u RTP/AVP 0 8 101\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:8 PCMA/8000\r\n"
               "a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\na=ptime:20\r\n"
               "a=sendrecv\r\n",
               (unsigned)c->index, offer ? 15 : 25, offer ? 15 : 25,
               10000 + 2 * (unsigned)(c->index % 20000));
}

static void put_start_line(const struct bench_call *c, const struct row *r, struct buf *b)
{
    if (r->status)
        put_format(b, "SIP/2.0 %s\r\n", r->status);
    else if (r->flags & TO_TAG)
        put_format(b, "%s sip:%s@192.0.2.20:5060;transport=udp SIP/2.0\r\n", r->method, c->to);
    else
        put_format(b, "%s sip:%s@carrier.example SIP/2.0\r\n", r->method, c->to);
}

static void put_dialog(const struct bench_call *c, const struct row *r, struct buf *b)
{
    char domain[POPULATION_ID_BYTES];
    unsigned long long i = c->index;
    population_domain(c->caller, domain);
    put_format(b, "Via: SIP/2.0/UDP 192.0.2.10:5060;branch=z9hG4bK%llx.%u;rport\r\n", i, r->cseq);
    if (!r->status)
        put_format(b, "Max-Forwards: 70\r\n");
    put_format(b, "From: \"Extension %u\" <sip:%s@%s>;tag=a%llx\r\n", (unsigned)(c->caller % 1000),
               c->from, domain, i);
    put_format(b, "To: <sip:%s@carrier.example>", c->to);
    if (r->flags & TO_TAG)
        put_format(b, ";tag=b%llx", i);
    put_format(b, "\r\nCall-ID: %llx-6f1c0a55@%s\r\nCSeq: %u %s\r\n", i, domain, r->cseq,
               r->method);
    if (r->flags & ASSERTED)
        put_format(b, "P-Asserted-Identity: <sip:%s@%s>\r\n", c->from, domain);
}

static void put_about(const struct bench_call *c, const struct row *r, struct buf *b)
{
    bool caller = r->flags & CALLER;
    if (r->flags & CONTACT)
        put_format(b, "Contact: <sip:%s@192.0.2.%u:5060;transport=udp>\r\n",
                   caller ? c->from : c->to, caller ? 10 : 20);
    put_format(b, "%s: bench-pbx 1.0\r\n", caller ? "User-Agent" : "Server");
    put_format(b, "Allow: INVITE, ACK, CANCEL, BYE, OPTIONS, UPDATE, PRACK\r\n"
                  "Supported: timer, 100rel, replaces, path\r\n");
    if (r->flags & SDP)
        put_format(b, "Content-Type: application/sdp\r\n");
}

void generate_sip(const struct bench_call *c, unsigned step, struct buf *b)
{
    const struct row *r = row_of(c, step);
    uint8_t room[SDP_BYTES];
    struct buf sdp = buf_of(room, sizeof room);
    if (r->flags & SDP)
        put_sdp(c, r->flags & CALLER, &sdp);
    put_start_line(c, r, b);
    put_dialog(c, r, b);
    put_about(c, r, b);
    put_format(b, "Content-Length: %zu\r\n\r\n", sdp.n);
    buf_put(b, buf_span(&sdp));
}

/* HEP version 3: vendor 0, type, length of the chunk with its head. */
static void chunk(struct buf *b, unsigned type, uint64_t value, size_t bytes)
{
    buf_be16(b, 0);
    buf_be16(b, (uint16_t)type);
    buf_be16(b, (uint16_t)(6 + bytes));
    buf_be(b, value, bytes);
}

void generate_hep(const struct bench_call *c, unsigned step, struct buf *b)
{
    static const uint32_t PBX = 0xc000020a, CARRIER = 0xc0000214; /* 192.0.2.10 and .20 */
    uint8_t room[GENERATE_HEP_BYTES_MAX];
    struct buf sip = buf_of(room, sizeof room);
    bool caller = row_of(c, step)->flags & CALLER;
    int64_t us = generate_step_us(c, step);
    size_t at = b->n;
    generate_sip(c, step, &sip);
    buf_str(b, "HEP3");
    buf_be16(b, 0); /* length, known at the end */
    chunk(b, 0x01, HEP_INET, 1);
    chunk(b, 0x02, 17, 1);
    chunk(b, 0x03, caller ? PBX : CARRIER, 4);
    chunk(b, 0x04, caller ? CARRIER : PBX, 4);
    chunk(b, 0x07, 5060, 2);
    chunk(b, 0x08, 5060, 2);
    chunk(b, 0x09, (uint64_t)(us / US_PER_S), 4);
    chunk(b, 0x0a, (uint64_t)(us % US_PER_S), 4);
    chunk(b, 0x0b, HEP_SIP, 1);
    chunk(b, 0x0c, 2001, 4);
    chunk(b, 0x0f, 0, 0);
    buf_put(b, buf_span(&sip));
    b->full |= sip.full;
    if (!buf_ok(b))
        return;
    struct buf length = buf_of(b->p + at + 4, 2), payload = buf_of(b->p + b->n - sip.n - 2, 2);
    buf_be16(&length, (uint16_t)(b->n - at));
    buf_be16(&payload, (uint16_t)(6 + sip.n));
}
