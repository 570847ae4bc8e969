/* daemon.h - a cpnid of one's own: configured, started, and stopped again. */
#ifndef CPNI_BENCH_DAEMON_H
#define CPNI_BENCH_DAEMON_H

#include <sys/types.h>

#include "bench/place.h"

enum { DAEMON_PATH_BYTES = 2 * PLACE_BYTES };

struct daemon_options {
    const struct place *place;    /* with a vault in it */
    const char *const *feed_kind; /* as in the configuration; a feed has the name of its kind */
    size_t feeds_count;
    uint16_t port_offset;
    unsigned workers;
    const char *cpnid;    /* NULL: beside this program, or where its build put it */
    const char *npa_path; /* absolute */
};

struct daemon {
    pid_t pid;
    uint16_t hep_port, http_port, pull_port, metrics_port;
    char socket[DAEMON_PATH_BYTES]; /* control.sock */
    char file[DAEMON_PATH_BYTES];   /* that a file feed follows; empty yet */
};

/* Returns when every role is up. ERR_NOTFOUND: no cpnid. ERR_SHUTDOWN: it ended; its log is
 * cpnid.log in the place. */
MUST_CHECK enum err daemon_start(const struct daemon_options *o, struct daemon *out,
                                 struct diag *d);
/* SIGTERM, and waits. ERR_SHUTDOWN: it did not end cleanly. */
MUST_CHECK enum err daemon_stop(struct daemon *dm);

#endif
