/* fragment.h - puts fragmented IP datagrams together (RFC 791 3.2, RFC 8200 4.5). An INVITE
 * with an Identity header exceeds an Ethernet frame, so fragments are everyday traffic.
 *
 * A piece that contradicts another one ends its datagram (RFC 5722 asks for it); the same piece
 * again is ignored, captures see packets twice. */
#ifndef CPNI_FRAME_FRAGMENT_H
#define CPNI_FRAME_FRAGMENT_H

#include "proto/frame/packet.h"

enum {
    FRAGMENT_DATAGRAMS_MAX = 64, /* at once, 74 KB each: 5 MB, taken when first needed */
    FRAGMENT_DATAGRAM_BYTES_MAX = 65535,
};
#define FRAGMENT_LIFE_US (INT64_C(30) * 1000 * 1000) /* feeds.md 9; RFC 8200 gives 60 s */

struct fragments;

MUST_CHECK enum err fragments_new(struct fragments **out); /* ERR_NOMEM */
struct fragments *fragments_free(struct fragments *f);     /* wipes; returns NULL */

/* Adds a PACKET_FRAGMENT. OK: its datagram is complete; *out_payload is valid until the next
 * call. ERR_MORE: not yet. ERR_SYNTAX: it contradicts what came before, the datagram is given
 * up. ERR_NOMEM. */
MUST_CHECK enum err fragments_add(struct fragments *f, const struct packet *p, int64_t t_us,
                                  struct span *out_payload);

/* Datagrams given up so far: never completed in time, pushed out, or contradictory. */
uint64_t fragments_expired(const struct fragments *f);

#endif
