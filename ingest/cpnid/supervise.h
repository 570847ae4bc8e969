/* supervise.h - keeps a set of processes running, and ends them in order. Pure: time comes
 * in, starts and signals go out through ops; parent.c has the real ones.
 *
 *   DOWN --due--> STARTING --ready--> UP --exit--> DOWN ...
 *
 * Stopping goes group by group (stop_order): SIGTERM to all of the group, SIGKILL when the
 * time of the group is over. A process of a later group that dies meanwhile is started
 * again: the group that drains needs it (ingest waits for the vault's receipts). */
#ifndef CPNI_CPNID_SUPERVISE_H
#define CPNI_CPNID_SUPERVISE_H

#include <stdbool.h>

#include "ingest/cpnid/backoff.h"
#include "ingest/cpnid/role.h"

enum process_state { PROCESS_DOWN, PROCESS_STARTING, PROCESS_UP };

struct process {
    unsigned stop_order;
    enum process_state state;
    bool refused;  /* ended with ROLE_EXIT_REFUSED: never started again */
    bool replaced; /* was told to end so that a new one starts: not a death */
    struct backoff backoff;
    uint64_t due_ms; /* DOWN: when to start */
};

/* All from the caller's thread; none blocks. */
struct supervise_ops {
    /* Starts process i. false: the system refused, as if it had died at once. */
    bool (*spawn)(void *arg, unsigned i);
    void (*signal)(void *arg, unsigned i, int signo);
    /* Process i died; it is started again in delay_ms. */
    void (*restarting)(void *arg, unsigned i, uint32_t delay_ms);
};

struct supervisor {
    const struct supervise_ops *ops;
    void *arg;
    uint32_t drain_ms;
    unsigned count;
    struct process process[ROLE_PROCESSES_MAX];
    bool stopping, told;  /* told: the current group has its SIGTERM */
    unsigned group;       /* stop_order that is being ended */
    uint64_t deadline_ms; /* of the group */
    int exit_code;
};

/* Fill ops, arg, drain_ms, count and each stop_order (from 1), all else 0; then supervise_tick()
 * starts them. */

/* Starts what is due, kills what is late. Gives the milliseconds until the next call is
 * needed; UINT32_MAX = when something happens. */
uint32_t supervise_tick(struct supervisor *s, uint64_t now_ms);

void supervise_ready(struct supervisor *s, unsigned i);
/* refused: it ended with ROLE_EXIT_REFUSED; everything is then stopped, with that code. */
void supervise_exited(struct supervisor *s, unsigned i, bool refused, uint64_t now_ms);

/* Ends process i politely; its successor starts at once. */
void supervise_replace(struct supervisor *s, unsigned i);
/* Begins to stop. */
void supervise_stop(struct supervisor *s);

bool supervise_all_up(const struct supervisor *s);
bool supervise_finished(const struct supervisor *s); /* stopping, and nothing runs */

#endif
