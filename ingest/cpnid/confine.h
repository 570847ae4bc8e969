/* confine.h - takes from a process what its role does not need, for good: user, groups,
 * descriptors, core dumps, the file system (Landlock), system calls (seccomp).
 *
 * To be called once, in a fresh child, while it has one thread: the kernel applies both
 * filters to the calling thread and to those that it makes later. What cannot be had
 * without root or on an old kernel is left out and reported, never silently. */
#ifndef CPNI_CPNID_CONFINE_H
#define CPNI_CPNID_CONFINE_H

#include <stdint.h>
#include <sys/types.h>

#include "proto/core/diag.h"
#include "proto/core/limits.h"
#include "proto/core/span.h"

/* Groups of system calls (syscalls.def): what a role may ask of the kernel. */
enum syscall_group {
    SYSCALLS_BASE = 1,         /* memory, time, threads, event loops, open descriptors */
    SYSCALLS_SOCKETS = 2,      /* accept, send, receive on sockets that are there */
    SYSCALLS_NETWORK = 4,      /* make, bind and listen on Internet sockets */
    SYSCALLS_READ_FILES = 8,   /* open and list files, be told of changes */
    SYSCALLS_WRITE_FILES = 16, /* change files */
    SYSCALLS_LOCK_MEMORY = 32,
};

struct confinement {   /* a role's row, constant */
    unsigned syscalls; /* bits of enum syscall_group; BASE is always in */
};

enum {
    CONFINE_KEEP_MAX = 512,
    CONFINE_PATHS_MAX = FEEDS_MAX + 2,
    CONFINE_PORTS_MAX = 4,
    CONFINE_GROUPS_MAX = 4
};

enum confine_access { CONFINE_READ, CONFINE_WRITE };

/* What this process is left with; filled by the role's prepare(). */
struct confine_plan {
    char comm[16];
    bool drop_user; /* false: started without root, stays who it is */
    uid_t uid;
    gid_t gid;
    size_t groups_count;
    gid_t group[CONFINE_GROUPS_MAX]; /* supplementary */
    size_t locked_bytes;             /* memory that must not be swapped */
    pid_t parent;                    /* this process dies with it; 0 = does not */
    size_t keep_count;
    int keep[CONFINE_KEEP_MAX]; /* descriptors besides 0, 1, 2; -1 is ignored */
    size_t paths_count;
    struct {
        int fd; /* of a directory (all beneath it) or file; need not be kept */
        enum confine_access access;
    } path[CONFINE_PATHS_MAX];
    size_t ports_count;
    uint16_t tcp_bind[CONFINE_PORTS_MAX];
};

void confine_keep(struct confine_plan *p, int fd); /* CHECKs that there is room */
void confine_path(struct confine_plan *p, int fd, enum confine_access access);
void confine_port(struct confine_plan *p, uint16_t port);

/* What could not be confined: bits. GAP(code, "text for the log"). */
/* clang-format off */
#define CONFINE_GAPS(GAP)                                                              \
    GAP(USER, "not root: the role shares the user of the parent")                      \
    GAP(LANDLOCK, "the kernel has no Landlock: files are guarded by their modes only") \
    GAP(LANDLOCK_NET, "the kernel's Landlock does not know TCP ports (ABI under 4)")   \
    GAP(LANDLOCK_SCOPE, "the kernel's Landlock does not know signals (ABI under 6)")   \
    GAP(SECCOMP, "the kernel has no seccomp filter: every system call is open")        \
    GAP(LOCKED_MEMORY, "the limit of locked memory is too low for the keys")
/* clang-format on */
enum confine_gap {
#define CONFINE_GAP_CODE(code, text) CONFINE_GAP_##code,
    CONFINE_GAPS(CONFINE_GAP_CODE)
#undef CONFINE_GAP_CODE
        CONFINE_GAP_COUNT
};
const char *confine_gap_text(enum confine_gap g);

/* Does it all, in the order that works. *out_gaps: bits 1 << enum confine_gap. ERR_DENIED:
 * something that must work did not; the process must end. */
MUST_CHECK enum err confine(const struct confinement *row, const struct confine_plan *plan,
                            unsigned *out_gaps, struct diag *d);

/* --- the parts --- */
/* ERR_NOTFOUND: the kernel has none. *out_abi: what it has. */
MUST_CHECK enum err landlock_apply(const struct confine_plan *plan, int *out_abi, struct diag *d);
MUST_CHECK enum err seccomp_apply(unsigned groups, struct diag *d); /* ERR_NOTFOUND: none */

#endif
