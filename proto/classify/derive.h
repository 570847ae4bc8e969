/* derive.h - the enums that usage may know of a call, computed in memory from numbers that usage
 * must not know. No factor is ever applied to a single call (the interstate safe harbour of VoIP
 * is a matter of sums): what the numbers do not say is unknown, and the basis is always told. */
#ifndef CPNI_CLASSIFY_DERIVE_H
#define CPNI_CLASSIFY_DERIVE_H

#include "proto/classify/number.h"

struct derive_rules {
    struct number_rules numbers;
};

/* What derive() writes into its room at most. */
enum { DERIVE_ROOM_BYTES = 10 * NUMBER_TEXT_BYTES_MAX };

/* Normalises the numbers of the call (calling_tn from calling_raw and called_tn from called_raw
 * when the parser left them empty) into `room`, and sets call_type, juris, juris_basis,
 * dest_class, rate_band, svc_type, forwarded. */
void derive(const struct derive_rules *rules, struct call *c, struct buf *room);

#endif
