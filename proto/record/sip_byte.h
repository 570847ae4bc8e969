/* sip_byte.h - what a byte may be part of in a SIP message: one load answers. */
#ifndef CPNI_RECORD_SIP_BYTE_H
#define CPNI_RECORD_SIP_BYTE_H

#include "proto/core/span.h"

/* bits */
enum sip_byte {
    SIP_TOKEN = 1,    /* RFC 3261 25.1: token */
    SIP_VISIBLE = 64, /* no control character and no blank */
    SIP_LOGIN = 128,  /* visible, and in the text before the '@' of a URI */
    /* The rest is what sip_plain.h is sure of: less than RFC 3261 allows. */
    SIP_USER = 2,   /* userinfo, without ';', escapes and ',' */
    SIP_HOST = 4,   /* name or IPv4 address */
    SIP_PARAM = 8,  /* name or value of a parameter, without '=' */
    SIP_WORD = 16,  /* display name without quotes */
    SIP_QUOTED = 32 /* inside quotes, nothing escaped */
};

extern const uint8_t SIP_BYTE[256];

/* Index of the first byte at or behind `at` that has none of these bits, or s.n. */
static inline size_t sip_run(struct span s, size_t at, unsigned bits)
{
    while (at < s.n && SIP_BYTE[s.p[at]] & bits)
        at++;
    return at;
}

#endif
