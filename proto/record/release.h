/* release.h - what a SIP status or an ITU-T Q.850 cause means for the record: its disposition,
 * and the cause of a status when no Reason header gave one. */
#ifndef CPNI_RECORD_RELEASE_H
#define CPNI_RECORD_RELEASE_H

#include "proto/record/call.h"

enum { Q850_NORMAL_CLEARING = 16 };

/* RFC 3398 7.2.4.1 (status to cause); 0 = the RFC has no mapping. */
uint8_t release_q850(unsigned status);

/* Of a final response to INVITE that is not a 2xx. */
enum disposition release_disposition(unsigned status);
/* Of a call without an answer that ended with a Q.850 cause. */
enum disposition release_disposition_q850(unsigned cause);

/* Whether the caller's next INVITE goes on with the same attempt: credentials (RFC 3261
 * 22), a longer session interval (RFC 4028 6), another target (RFC 3261 8.1.3.4) or other
 * content (8.1.3.5). */
bool release_retries(unsigned status);

#endif
