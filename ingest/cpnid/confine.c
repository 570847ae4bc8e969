#include "ingest/cpnid/confine.h"

#include <grp.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "proto/core/check.h"

enum { LANDLOCK_ABI_NET = 4, LANDLOCK_ABI_SCOPE = 6 };

void confine_keep(struct confine_plan *p, int fd)
{
    CHECK(p->keep_count < CONFINE_KEEP_MAX);
    p->keep[p->keep_count++] = fd;
}

void confine_path(struct confine_plan *p, int fd, enum confine_access access)
{
    CHECK(p->paths_count < CONFINE_PATHS_MAX);
    p->path[p->paths_count].fd = fd;
    p->path[p->paths_count++].access = access;
}

void confine_port(struct confine_plan *p, uint16_t port)
{
    CHECK(p->ports_count < CONFINE_PORTS_MAX);
    p->tcp_bind[p->ports_count++] = port;
}

const char *confine_gap_text(enum confine_gap g)
{
    static const char *const TEXT[CONFINE_GAP_COUNT] = {
#define GAP_TEXT(code, text) [CONFINE_GAP_##code] = text,
        CONFINE_GAPS(GAP_TEXT)
#undef GAP_TEXT
    };
    return (unsigned)g < CONFINE_GAP_COUNT ? TEXT[g] : "unknown";
}

static int by_number(const void *a, const void *b)
{
    return (*(const int *)a > *(const int *)b) - (*(const int *)a < *(const int *)b);
}

/* Closes everything above stderr that the plan does not keep. */
static void close_others(const struct confine_plan *plan)
{
    int keep[CONFINE_KEEP_MAX];
    size_t n = plan->keep_count;
    memcpy(keep, plan->keep, n * sizeof keep[0]);
    qsort(keep, n, sizeof keep[0], by_number);
    int next = STDERR_FILENO + 1;
    for (size_t i = 0; i < n; i++) {
        if (keep[i] < next)
            continue;
        if (keep[i] > next)
            close_range((unsigned)next, (unsigned)keep[i] - 1, 0);
        next = keep[i] + 1;
    }
    close_range((unsigned)next, ~0U, 0);
}

/* Groups first: without root's capabilities they could not be given up any more. */
static enum err drop_user(const struct confine_plan *plan, struct diag *d)
{
    if (plan->uid == 0 || plan->gid == 0)
        return diag_set(d, ERR_DENIED, "a role may not run as root", 0);
    if (setgroups(plan->groups_count, plan->group) != 0 ||
        setresgid(plan->gid, plan->gid, plan->gid) != 0 ||
        setresuid(plan->uid, plan->uid, plan->uid) != 0)
        return diag_set(d, ERR_DENIED, "the user could not be changed", 0);
    CHECK(setresuid((uid_t)-1, 0, (uid_t)-1) != 0); /* there is no way back */
    return OK;
}

static void limit_memory_locks(const struct confine_plan *plan, unsigned *gaps)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_MEMLOCK, &limit) != 0 || limit.rlim_cur >= plan->locked_bytes)
        return;
    limit.rlim_cur = plan->locked_bytes;
    if (limit.rlim_max < limit.rlim_cur)
        limit.rlim_max = limit.rlim_cur;
    if (setrlimit(RLIMIT_MEMLOCK, &limit) != 0)
        *gaps |= 1U << CONFINE_GAP_LOCKED_MEMORY;
}

/* The usual soft limit of 1024 is for programs that wait with select(2); none of ours does. */
static void limit_descriptors(void)
{
    enum { ENOUGH = 1 << 16 };
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= ENOUGH)
        return;
    limit.rlim_cur = limit.rlim_max < ENOUGH ? limit.rlim_max : ENOUGH;
    setrlimit(RLIMIT_NOFILE, &limit); /* with fewer, deletions of files are felt */
}

/* Nothing of a role's memory is ever written by the kernel or read by another process of
 * the same user: it holds keys or calls (I4). */
static enum err seal_process(const struct confine_plan *plan, struct diag *d)
{
    static const struct rlimit NO_CORE = {0, 0};
    if (setrlimit(RLIMIT_CORE, &NO_CORE) != 0 || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0 ||
        prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        return diag_set(d, ERR_DENIED, "core dumps or new privileges could not be given up", 0);
    if (plan->parent == 0)
        return OK;
    /* Behind the change of user, which clears it. The parent may have died before. */
    if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) != 0 || getppid() != plan->parent)
        return diag_set(d, ERR_SHUTDOWN, "the parent is gone", 0);
    return OK;
}

static enum err filter_files(const struct confine_plan *plan, unsigned *gaps, struct diag *d)
{
    int abi = 0;
    enum err e = landlock_apply(plan, &abi, d);
    if (e == ERR_NOTFOUND)
        *gaps |= 1U << CONFINE_GAP_LANDLOCK;
    if (e == OK && abi < LANDLOCK_ABI_NET)
        *gaps |= 1U << CONFINE_GAP_LANDLOCK_NET;
    if (e == OK && abi < LANDLOCK_ABI_SCOPE)
        *gaps |= 1U << CONFINE_GAP_LANDLOCK_SCOPE;
    return e == ERR_NOTFOUND ? OK : e;
}

static enum err filter_calls(const struct confinement *row, unsigned *gaps, struct diag *d)
{
    enum err e = seccomp_apply(row->syscalls, d);
    if (e == ERR_NOTFOUND)
        *gaps |= 1U << CONFINE_GAP_SECCOMP;
    return e == ERR_NOTFOUND ? OK : e;
}

enum err confine(const struct confinement *row, const struct confine_plan *plan, unsigned *out_gaps,
                 struct diag *d)
{
    unsigned gaps = plan->drop_user ? 0 : 1U << CONFINE_GAP_USER;
    prctl(PR_SET_NAME, plan->comm, 0, 0, 0);
    umask(077);
    limit_memory_locks(plan, &gaps);
    limit_descriptors();
    enum err e = plan->drop_user ? drop_user(plan, d) : OK;
    if (e == OK)
        e = seal_process(plan, d);
    if (e == OK)
        e = filter_files(plan, &gaps, d);
    close_others(plan); /* the rules above name descriptors that are not kept */
    if (e == OK)
        e = filter_calls(row, &gaps, d);
    if (e == OK)
        *out_gaps = gaps;
    return e;
}
