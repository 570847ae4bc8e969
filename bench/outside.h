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
 * With several lanes nobody knows whose record it was that became durable: the n-th to arrive is
 * taken for the n-th to become durable, of HTTP too.
 * Without a rate the sender runs ahead as far as the program lets it, and latency is that of the
 * whole backlog: throughput is the figure to read then. */
#ifndef CPNI_BENCH_OUTSIDE_H
#define CPNI_BENCH_OUTSIDE_H

#include "bench/lane.h"
#include "bench/place.h"
#include "bench/result.h"

enum { OUTSIDE_LANES_MAX = 3 };

struct outside_options {
    const struct place *place;
    struct lane lane[OUTSIDE_LANES_MAX]; /* stock, way and pace are given; of different kinds */
    size_t lanes_count;
    uint32_t customers;
    uint64_t reads;            /* customers whose month is read back in the end */
    uint64_t disk_bytes_per_s; /* the daemon may write; 0 = as fast as it can */
    uint16_t port_offset;
    unsigned workers;
    const char *cpnid;    /* NULL: found beside this program */
    const char *npa_path; /* absolute */
};

MUST_CHECK enum err outside_run(const struct outside_options *o, struct result *out,
                                struct diag *d);

#endif
