/* ceiling.h - how close to the machine's own limits a scenario comes: what a record needs of each
 * limit, added up by the process that needs it; the process that is full first is the ceiling.
 *
 * It is a ceiling of the work that nobody can leave out, as plain loops do it (limits.h): taking
 * the bytes, sealing, two keyed tags, a synced row. Parsing is not in it, for how much of a message
 * must be looked at is the program's own merit; `sip_messages` is there to compare with. */
#ifndef CPNI_BENCH_CEILING_H
#define CPNI_BENCH_CEILING_H

#include "bench/series.h"

/* Of a series against a daemon of one feed ("csv", "hep-udp", "hep-tcp", "json"): puts the figures
 * ceiling_records_per_s and ceiling_ratio, and what binds it. Of another nothing. */
void ceiling_put(struct series *s, const char *feed, const struct series *limits);

#endif
