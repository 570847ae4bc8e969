/* Landlock (landlock(7)): a process may give up the file system except for what it names.
 * glibc has no wrappers, and Debian 12's header ends at ABI 2: what later ones added is
 * written down here, from the kernel's documentation. */
#include <linux/landlock.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "ingest/cpnid/confine.h"

enum { /* bits of handled_access_fs behind those of ABI 1 */
       FS_REFER = 1 << 13,
       FS_TRUNCATE = 1 << 14,
       FS_IOCTL_DEV = 1 << 15,
       NET_BIND_TCP = 1,
       NET_CONNECT_TCP = 2,
       SCOPE_ABSTRACT_UNIX = 1,
       SCOPE_SIGNAL = 2,
       RULE_NET_PORT = 2
};

struct ruleset_attr { /* struct landlock_ruleset_attr of ABI 6 */
    uint64_t handled_access_fs, handled_access_net, scoped;
};
struct net_port_attr {
    uint64_t allowed_access, port;
};

enum {
    READ_FILE_RIGHTS = LANDLOCK_ACCESS_FS_READ_FILE,
    READ_RIGHTS = READ_FILE_RIGHTS | LANDLOCK_ACCESS_FS_READ_DIR,
    WRITE_FILE_RIGHTS = READ_FILE_RIGHTS | LANDLOCK_ACCESS_FS_WRITE_FILE | FS_TRUNCATE,
    WRITE_RIGHTS = READ_RIGHTS | WRITE_FILE_RIGHTS | LANDLOCK_ACCESS_FS_REMOVE_DIR |
                   LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_MAKE_DIR |
                   LANDLOCK_ACCESS_FS_MAKE_REG | FS_REFER
};

/* What each ABI can take away: row i is of ABI i + 1; a newer kernel knows all of them. */
static const struct {
    struct ruleset_attr handled;
    size_t bytes; /* an older kernel refuses a longer struct */
} ABI[] = {
    {{(1 << 13) - 1, 0, 0}, 8},
    {{(1 << 14) - 1, 0, 0}, 8},
    {{(1 << 15) - 1, 0, 0}, 8},
    {{(1 << 15) - 1, NET_BIND_TCP | NET_CONNECT_TCP, 0}, 16},
    {{(1 << 16) - 1, NET_BIND_TCP | NET_CONNECT_TCP, 0}, 16},
    {{(1 << 16) - 1, NET_BIND_TCP | NET_CONNECT_TCP, SCOPE_ABSTRACT_UNIX | SCOPE_SIGNAL}, 24},
};
enum { ABI_KNOWN = sizeof ABI / sizeof ABI[0] };

static int create_ruleset(const struct ruleset_attr *a, size_t bytes, unsigned flags)
{
    return (int)syscall(SYS_landlock_create_ruleset, a, bytes, flags);
}

static bool add_rule(int ruleset, int type, const void *attr)
{
    return syscall(SYS_landlock_add_rule, ruleset, type, attr, 0) == 0;
}

static bool add_path(int ruleset, int fd, enum confine_access access, uint64_t handled)
{
    struct stat st;
    if (fstat(fd, &st) != 0)
        return false;
    bool dir = S_ISDIR(st.st_mode);
    uint64_t rights = access == CONFINE_READ ? (dir ? READ_RIGHTS : READ_FILE_RIGHTS)
                                             : (dir ? WRITE_RIGHTS : WRITE_FILE_RIGHTS);
    struct landlock_path_beneath_attr a = {.allowed_access = rights & handled, .parent_fd = fd};
    return add_rule(ruleset, LANDLOCK_RULE_PATH_BENEATH, &a);
}

static bool add_rules(int ruleset, const struct confine_plan *plan,
                      const struct ruleset_attr *handled)
{
    bool ok = true;
    for (size_t i = 0; ok && i < plan->paths_count; i++)
        ok = add_path(ruleset, plan->path[i].fd, plan->path[i].access, handled->handled_access_fs);
    for (size_t i = 0; ok && handled->handled_access_net && i < plan->ports_count; i++) {
        struct net_port_attr a = {NET_BIND_TCP, plan->tcp_bind[i]};
        ok = add_rule(ruleset, RULE_NET_PORT, &a);
    }
    return ok;
}

enum err landlock_apply(const struct confine_plan *plan, int *out_abi, struct diag *d)
{
    int abi = create_ruleset(NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
    if (abi < 1)
        return diag_set(d, ERR_NOTFOUND, "no Landlock", 0);
    size_t row = (size_t)(abi < ABI_KNOWN ? abi : ABI_KNOWN) - 1;
    int ruleset = create_ruleset(&ABI[row].handled, ABI[row].bytes, 0);
    if (ruleset < 0)
        return diag_set(d, ERR_DENIED, "landlock_create_ruleset", 0);
    bool ok = add_rules(ruleset, plan, &ABI[row].handled) &&
              syscall(SYS_landlock_restrict_self, ruleset, 0) == 0;
    close(ruleset);
    if (!ok)
        return diag_set(d, ERR_DENIED, "a Landlock rule was refused", 0);
    *out_abi = abi;
    return OK;
}
