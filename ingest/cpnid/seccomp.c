/* Turns syscalls.def into a filter. Only user of libseccomp. */
#include <errno.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>

#include "ingest/cpnid/confine.h"

enum verdict { VERDICT_ALLOW, VERDICT_ALLOW_IF, VERDICT_MISSING, VERDICT_KILL };
struct call_row {
    int number; /* libseccomp's; negative where this architecture has none */
    enum verdict verdict;
    unsigned group;
    unsigned arg;
    uint64_t mask, value;
};

#define CALL(group, name)  {SCMP_SYS(name), VERDICT_ALLOW, SYSCALLS_##group, 0, 0, 0},
#define CALL_MISSING(name) {SCMP_SYS(name), VERDICT_MISSING, SYSCALLS_BASE, 0, 0, 0},
#define CALL_KILL(name)    {SCMP_SYS(name), VERDICT_KILL, SYSCALLS_BASE, 0, 0, 0},
#define CALL_IF(group, name, arg, mask, value)                                                     \
    {SCMP_SYS(name), VERDICT_ALLOW_IF, SYSCALLS_##group, arg, mask, value},
static const struct call_row CALLS[] = {
#include "ingest/cpnid/syscalls.def"
};

static int add_call(scmp_filter_ctx filter, const struct call_row *row)
{
    switch (row->verdict) {
    case VERDICT_ALLOW:
        return seccomp_rule_add(filter, SCMP_ACT_ALLOW, row->number, 0);
    case VERDICT_ALLOW_IF:
        return seccomp_rule_add(filter, SCMP_ACT_ALLOW, row->number, 1,
                                SCMP_CMP64(row->arg, SCMP_CMP_MASKED_EQ, row->mask, row->value));
    case VERDICT_MISSING:
        return seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), row->number, 0);
    case VERDICT_KILL:
        return seccomp_rule_add(filter, SCMP_ACT_KILL_PROCESS, row->number, 0);
    }
    return -EINVAL;
}

static enum err load(scmp_filter_ctx filter, unsigned groups, struct diag *d)
{
    for (size_t i = 0; i < sizeof CALLS / sizeof CALLS[0]; i++)
        if ((CALLS[i].group & groups) && add_call(filter, &CALLS[i]) != 0)
            return diag_set(d, ERR_DENIED, "a row of syscalls.def was refused", i);
    int e = seccomp_load(filter);
    if (e == -EINVAL || e == -ENOSYS || e == -ECANCELED)
        return diag_set(d, ERR_NOTFOUND, "the kernel refused the filter", 0);
    return e == 0 ? OK : diag_set(d, ERR_DENIED, "the filter could not be loaded", 0);
}

enum err seccomp_apply(unsigned groups, struct diag *d)
{
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(EPERM));
    if (!filter)
        return diag_set(d, ERR_NOMEM, "no memory for the filter", 0);
    /* A tree instead of a list: the filter runs at every call of the data path. */
    if (seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2) != 0)
        diag_set(d, OK, "the filter is a list", 0);
    enum err e = load(filter, groups | SYSCALLS_BASE, d);
    seccomp_release(filter);
    return e;
}
