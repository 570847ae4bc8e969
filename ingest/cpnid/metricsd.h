/* metricsd.h - the metrics role: numbers of the shared counters over HTTP, for scrapers and
 * probes. Sees no traffic and no key; only user of libmicrohttpd here.
 *
 *   GET /metrics   Prometheus text
 *   GET /healthz   200 while this process answers
 *   GET /readyz    200 when every role is up and the vault takes records, else 503 */
#ifndef CPNI_CPNID_METRICSD_H
#define CPNI_CPNID_METRICSD_H

#include "proto/core/metric.h"

enum { METRICSD_CONNECTIONS_MAX = 64, METRICSD_IDLE_S = 10 };

struct metricsd_options {
    int listen_fd;                 /* listening; -1: only waits for SIGTERM */
    const struct metrics *metrics; /* borrowed */
    unsigned roles_count;          /* processes that must be up */
    int ready_fd;                  /* one byte is written when it listens; -1 = nobody asks */
};

/* Until SIGTERM: 0. 1: the HTTP server does not start. Blocks SIGTERM in its thread. */
int metricsd_run(const struct metricsd_options *o);

#endif
