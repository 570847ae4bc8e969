/* parent.h - the parent: opens descriptors, forks the roles, keeps them running, ends them
 * in order. Parses no traffic and holds no key of the vault.
 *
 * Its loop is poll() over a signalfd and the roles' ready pipes, not libuv: libuv keeps its
 * signal handlers in process-wide state that would live on in every forked role. */
#ifndef CPNI_CPNID_PARENT_H
#define CPNI_CPNID_PARENT_H

#include "ingest/cpnid/config.h"
#include "ingest/cpnid/role.h"

/* Runs until SIGTERM or SIGINT. Gives the exit code: 0 drained and ended; 1 could not
 * start; ROLE_EXIT_REFUSED a role said that starting again would not help. `file` is for
 * messages; `roles` is DAEMON_ROLES, or stand-ins in tests. */
int parent_run(const char *file, const struct config *c,
               const struct daemon_role roles[static ROLE_KIND_COUNT]);

#endif
