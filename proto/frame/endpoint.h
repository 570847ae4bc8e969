/* endpoint.h - one end of a packet: address and port. 16 bytes name any address, IPv4 as
 * ::ffff:a.b.c.d (RFC 4291 2.5.5.2), so that it can be compared and copied without a family. */
#ifndef CPNI_FRAME_ENDPOINT_H
#define CPNI_FRAME_ENDPOINT_H

#include "proto/core/span.h"

struct endpoint {
    uint8_t ip[16]; /* all zero = absent */
    uint16_t port;  /* host order */
};

/* Of 4 or 16 address bytes as they stand in a packet; all zero for any other count. */
static inline struct endpoint endpoint_of(struct span address, uint16_t port)
{
    struct endpoint e = {.port = port};
    if (address.n == sizeof e.ip) {
        memcpy(e.ip, address.p, sizeof e.ip);
    } else if (address.n == 4) {
        memset(e.ip + 10, 0xff, 2);
        memcpy(e.ip + 12, address.p, 4);
    }
    return e;
}

static inline bool endpoint_eq(const struct endpoint *a, const struct endpoint *b)
{
    return a->port == b->port && memcmp(a->ip, b->ip, sizeof a->ip) == 0;
}

#endif
