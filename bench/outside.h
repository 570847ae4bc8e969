/* outside.h - a run against a daemon: cpnid with all its processes, started for the run, and this
 * process as its sender, its billing system and its stop-watch.
 *
 * Latency runs from the moment an item was due to
 *   HTTP             the end of the answer 200 to its POST: what the sender waits for;
 *   file, UDP, TCP   the moment its record was known to be durable. These senders get no answer, so
 *                    the daemon is asked over its control socket every POLL_US how many records it
 *                    has accepted. A count is believed when the next answer has come, for between
 *                    two answers lies the vault's synced write. The figure is high by up to one
 *                    such round.
 * Without a rate the sender runs ahead as far as the program lets it, and latency is that of the
 * whole backlog: throughput is the figure to read then. */
#ifndef CPNI_BENCH_OUTSIDE_H
#define CPNI_BENCH_OUTSIDE_H

#include "bench/place.h"
#include "bench/result.h"

enum outside_way { OUTSIDE_FILE, OUTSIDE_UDP, OUTSIDE_TCP, OUTSIDE_HTTP };

struct outside_options {
    const struct place *place;
    const struct stock *stock;
    enum outside_way way;
    uint32_t customers;
    uint64_t rate;
    uint16_t port_offset;
    unsigned workers;
    const char *cpnid;    /* NULL: found beside this program */
    const char *npa_path; /* absolute */
};

MUST_CHECK enum err outside_run(const struct outside_options *o, struct result *out,
                                struct diag *d);

#endif
