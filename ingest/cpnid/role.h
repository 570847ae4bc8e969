/* role.h - the processes of cpnid: what each is, may and may not, as one table (roles.c).
 *
 * A role is a fork of the parent without exec. In the child, in this order:
 *   prepare()  still with the parent's user: opens files, reads what must be read
 *   confine()  drops user, descriptors, file system, system calls (confine.h)
 *   run()      the role's main loop; its result is the exit code
 * A role that ends is started again with the same descriptors: the parent keeps both ends
 * of every channel open, so a successor goes on where frames were, never within one. */
#ifndef CPNI_CPNID_ROLE_H
#define CPNI_CPNID_ROLE_H

#include "ingest/cpnid/config.h"
#include "ingest/cpnid/confine.h"
#include "proto/core/metric.h"

enum role_kind {
    ROLE_KIND_VAULT,
    ROLE_KIND_FORWARD,
    ROLE_KIND_METRICS,
    ROLE_KIND_INGEST,
    ROLE_KIND_COUNT
};

enum {
    ROLE_PROCESSES_MAX = ROLE_KIND_INGEST + CONFIG_WORKERS_MAX,
    ROLE_EXIT_REFUSED = 78 /* sysexits.h EX_CONFIG: starting again would not help */
};

/* Descriptors that the parent opens once and keeps; -1 = not configured. */
struct role_fds {
    int state_dir;                           /* O_RDONLY | O_DIRECTORY */
    int state_lock;                          /* only one daemon has it; no role does */
    int control;                             /* STATE/control.sock, listening, seqpacket */
    int ingest_vault[CONFIG_WORKERS_MAX][2]; /* [0] the worker's end, [1] the vault's */
    int forward_vault[2];
    int feed_udp[CONFIG_WORKERS_MAX][FEEDS_MAX]; /* SO_REUSEPORT: one a worker */
    int feed_tcp[FEEDS_MAX];
    int http;
    int metrics;
};

struct role_context {
    const struct config *config;
    const struct role_fds *fds;
    unsigned worker; /* ingest: 0..workers-1 */
    unsigned slot;   /* of the process in metrics */
    unsigned slots_count;
    struct metrics metrics;         /* view of the own slot */
    int ready_fd;                   /* one byte is written when the role serves */
    const struct user_grant *grant; /* who may act as what */
    size_t grants_count;
};

/* Processes are numbered (slot): vault, forward, metrics, then the ingest workers. The
 * parent counts in the slot behind the last one. */
static inline enum role_kind role_of_slot(unsigned slot)
{
    return slot < ROLE_KIND_INGEST ? (enum role_kind)slot : ROLE_KIND_INGEST;
}

struct role_state; /* what prepare() made for run(); lives in the child only */
struct daemon_role {
    const char *name;
    unsigned
        stop_order; /* on SIGTERM, lowest first, from 1; a group ends before the next is told */
    struct confinement confinement;
    /* Adds what run() needs to the plan, and makes *out. Else d->what tells why not. */
    enum err (*prepare)(const struct role_context *x, struct confine_plan *plan,
                        struct role_state **out, struct diag *d);
    int (*run)(struct role_state *state);
};
extern const struct daemon_role DAEMON_ROLES[ROLE_KIND_COUNT];

#endif
