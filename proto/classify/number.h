/* number.h - what was dialled or shown -> +E.164 and the type of the call (47 USC 222 needs the
 * type for billing, never the digits). Which prefixes mean what is the feed's number plan; a
 * number that the plan does not explain stays as it came, it is never guessed. */
#ifndef CPNI_CLASSIFY_NUMBER_H
#define CPNI_CLASSIFY_NUMBER_H

#include "proto/classify/npa.h"
#include "proto/core/buf.h"
#include "proto/record/call.h"

enum number_plan {
    PLAN_RAW,  /* the sender's numbers are not telephone numbers: no prefix means anything */
    PLAN_NANP, /* 10 digits, 1 + 10, 011, 0, 101XXXX, *XX, N11 */
    PLAN_E164  /* country code and number, "+", "00" or nothing in front */
};

enum { NUMBER_DIGITS_MAX = 15, NUMBER_TEXT_BYTES_MAX = NUMBER_DIGITS_MAX + 1 };

struct number_rules {
    enum number_plan plan;
    const struct npa_table
        *npa;             /* of PLAN_NANP and of +1 in the others; NULL: every NPA is unknown */
    char area_code[4];    /* NANP: of 7-digit numbers; "" = they stay as they are */
    char country_code[4]; /* E164: the home country, "44"; "" = none, all is international */
    uint8_t extension_digits_max; /* numbers up to this long that are no service and do not begin
                                     with 0 or * are inside; 0 = none */
};

struct number {
    enum call_type call_type; /* as if it had been called */
    struct span tn; /* +E.164 in the caller's room, or the input when it is no such number */
    bool e164;
    enum dest_class dest_class;
    uint16_t npa; /* of +1 numbers; 0 = none */
};

/* A header or URI without what stands behind ";postd=", digits to dial into the answered call;
 * the parameters behind them go too. */
struct span number_cut_postd(struct span text);

/* A number without them, however they are written ("p", "w", ",", ";postd="). number_read()
 * wants its numbers so. */
struct span number_strip(struct span raw);

/* Reads a number: a SIP or tel URI user part or the digits of a CDR; visual separators (RFC 3966
 * 5.1.1) are ignored, also "urn:service:sos". The room must have NUMBER_TEXT_BYTES_MAX bytes left.
 */
void number_read(const struct number_rules *rules, struct span raw, struct buf *room,
                 struct number *out);

#endif
