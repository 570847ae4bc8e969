/* sip_msg.h - one SIP message as spans: what a call record needs by name, every other
 * header as an extra. RFC 3261 section 7, compact names of section 7.3.3.
 *
 * The message comes without framing of its own (a datagram, a HEP payload, a message cut
 * from a stream); empty lines before the start line, LF-only line ends, folded headers,
 * NUL padding and bytes behind Content-Length are accepted.
 *
 * Spans point into the input, or into the arena where a value had to be rewritten: a
 * folded line, a dialled PIN or password taken out. The arena may be reset with the
 * message. What must not be kept is in `extra` as it came (Authorization...): classify
 * removes it before anybody stores the message (I5). The body is borrowed, never stored. */
#ifndef CPNI_RECORD_SIP_MSG_H
#define CPNI_RECORD_SIP_MSG_H

#include "proto/core/arena.h"
#include "proto/core/diag.h"
#include "proto/record/call.h"
#include "proto/record/sip_uri.h"

/* clang-format off */
#define SIP_METHODS(X)                                                                             \
    X(INVITE) X(ACK) X(BYE) X(CANCEL) X(UPDATE) X(PRACK) X(INFO) X(REFER) X(REGISTER) X(OPTIONS)   \
    X(MESSAGE) X(SUBSCRIBE) X(NOTIFY) X(PUBLISH)
/* clang-format on */
enum sip_method {
    SIP_OTHER, /* methods are case-sensitive: "invite" is this */
#define SIP_METHOD_CODE(name) SIP_##name,
    SIP_METHODS(SIP_METHOD_CODE)
#undef SIP_METHOD_CODE
        SIP_METHOD_COUNT
};

enum { SIP_ASSERTED_MAX = 4, SIP_IDENTITY_MAX = 4 };

/* Diversion (RFC 5806) and History-Info (RFC 7044) as far as a record keeps them. */
struct sip_redirect {
    struct span recent, oldest; /* users of the last and the first redirecting party */
    struct span reason;         /* word of RFC 5806: "unconditional", "user-busy"... */
    unsigned count;
};

/* Reason, RFC 3326: the Q.850 and the SIP entry of all Reason headers. */
struct sip_reason {
    uint8_t q850;      /* 0 = none */
    uint16_t sip;      /* 0 = none */
    struct span text;  /* of the Q.850 entry, else of the SIP entry */
    struct span where; /* location=, RFC 8606 */
};

struct sip_msg {
    enum sip_method method; /* of the request; of CSeq in a response */
    uint16_t status;        /* 0 = request */
    struct span start;      /* method as sent, or the reason phrase */
    struct sip_uri ruri;    /* of a request */

    struct span call_id;
    uint32_t cseq;
    struct sip_addr from, to;
    struct span from_tag, to_tag; /* empty = none */
    struct span branch, sent_by;  /* top Via */
    enum transport transport;     /* top Via */

    struct sip_addr contact;                    /* the first */
    struct sip_addr asserted[SIP_ASSERTED_MAX]; /* P-Asserted-Identity, RFC 3325 */
    size_t asserted_count;
    struct sip_addr preferred, remote_party, charge; /* empty uri.text = absent */
    struct sip_redirect history, diversion;          /* as the two headers say it */
    struct sip_redirect redirect; /* History-Info if it has any, else Diversion */
    struct sip_reason reason;
    struct span identity[SIP_IDENTITY_MAX]; /* RFC 8224, whole values */
    size_t identity_count;
    uint8_t privacy; /* bits PRIVACY_* */
    struct span icid, session_id, user_agent, server, location;
    struct span replaces, refer_to; /* links only: Replaces, Refer-To */
    uint32_t session_expires_s;     /* 0 = none */

    struct span content_type, body;
    unsigned secrets_dropped; /* PINs (;postd=) and passwords cut out of URIs, I5 */

    size_t extras_count;
    struct extra extra[SIP_HEADERS_MAX]; /* in order; field = 0, name as sent */
};

/* ERR_SYNTAX: not SIP, or a header a dialog cannot do without is missing or broken, or
 * read differently by libosip2. ERR_LIMIT: SIP_MESSAGE_BYTES_MAX, SIP_HEADERS_MAX.
 * ERR_NOMEM: the arena is full (4 x SIP_MESSAGE_BYTES_MAX always suffice). After an error
 * *out says nothing. */
MUST_CHECK enum err sip_msg_parse(struct span in, struct arena *a, struct sip_msg *out,
                                  struct diag *d);

/* The same, but libosip2 judges plain values as well (sip_plain.h): the slow half of the
 * comparison that tests make. The result is the same. */
MUST_CHECK enum err sip_msg_judge(struct span in, struct arena *a, struct sip_msg *out,
                                  struct diag *d);

/* False for bytes that no SIP message starts with: HTTP, STUN, keep-alives. Cheap. */
bool sip_msg_likely(struct span in);

#endif
