/* sip_call.h - which SIP message and header supplies which field of a call record: the
 * order of preference of feeds.md 11.2 for a caller, a called party, a trunk... */
#ifndef CPNI_RECORD_SIP_CALL_H
#define CPNI_RECORD_SIP_CALL_H

#include "proto/core/buf.h"
#include "proto/record/sdp.h"
#include "proto/record/sip_msg.h"

/* Room that always suffices: decoded PASSporTs and numbers without their separators. */
enum { SIP_CALL_ROOM_BYTES = 16 * 1024 };

/* Of the first INVITE. `room` holds what had to be rewritten; other spans are the message's. */
void sip_call_invite(const struct sip_msg *m, const struct sdp *offer, struct buf *room,
                     struct call *c);

/* Of the first 2xx. */
void sip_call_answer(const struct sip_msg *m, const struct sdp *answer, struct buf *room,
                     struct call *c);

#endif
