/* generate.h - one call as each kind of sender tells of it. Appended to b; b is full when it does
 * not fit. The same call gives the same bytes. */
#ifndef CPNI_BENCH_GENERATE_H
#define CPNI_BENCH_GENERATE_H

#include "bench/calls.h"

enum {
    GENERATE_CSV_BYTES_MAX = 512,
    GENERATE_HEP_BYTES_MAX = 1400, /* one Ethernet frame */
    GENERATE_JSON_BYTES_MAX = 8192
};

/* A line of Asterisk's Master.csv as its sample configuration writes it: 18 columns, times in UTC
 * (feeds.md 3.1). The call must be of whole seconds. */
void generate_csv(const struct bench_call *call, struct buf *b);

/* A document of FreeSWITCH's mod_json_cdr, A leg, 5 to 6 KB (feeds.md 2.1). */
void generate_json(const struct bench_call *call, struct buf *b);

/* SIP between a PBX and a carrier as a capture agent of HEP version 3 mirrors it. Steps of a call
 * are numbered from 0; an answered one has INVITE, 100, 180, 200, ACK, BYE, 200. */
enum { GENERATE_STEPS_MAX = 7 };
unsigned generate_steps(const struct bench_call *call);
/* Is it the message with which the call is over, and its record made? */
bool generate_ends(const struct bench_call *call, unsigned step);
int64_t generate_step_us(const struct bench_call *call, unsigned step); /* capture time */
void generate_sip(const struct bench_call *call, unsigned step, struct buf *b);
void generate_hep(const struct bench_call *call, unsigned step, struct buf *b);

#endif
