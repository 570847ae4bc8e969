/* hep_builder.h - HEP3 frames of small SIP calls, for tests of what reads them. Call i is between
 * +12125550101 and +12125550102 and has the Call-ID "call-i@test". */
#ifndef CPNI_TESTS_HEP_BUILDER_H
#define CPNI_TESTS_HEP_BUILDER_H

#include "proto/core/buf.h"
#include "proto/frame/hep.h"

enum hep_sip {
    HEP_SIP_INVITE,
    HEP_SIP_OK,
    HEP_SIP_BYE,
    HEP_SIP_BYE_OK,
    HEP_SIP_BUSY,
    HEP_SIP_REGISTER
};

/* The SIP message alone. The INVITE carries a Proxy-Authorization header. */
void sip_build(struct buf *out, enum hep_sip kind, unsigned i);

/* Appends one frame; key may be empty. */
void hep_build(struct buf *out, enum hep_sip kind, unsigned i, int64_t t_us, uint32_t agent,
               struct span key);
/* The same with any payload and capture protocol type. */
void hep_build_payload(struct buf *out, struct span payload, unsigned type, int64_t t_us,
                       uint32_t agent, struct span key);

#endif
