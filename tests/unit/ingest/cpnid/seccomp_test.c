/* Proves: each group of syscalls.def lets through what it names, only when it is chosen, and
 * the rows with a condition look at their argument. */
#include "ingest/cpnid/confine.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { ENDS = -1, ALL = 63 };

/* errno of the call under the filter; 0 = let through; ENDS = the process was ended. */
static int under(unsigned groups, const long call[7])
{
    int status;
    pid_t pid = fork();
    if (pid == 0) {
        prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
        if (seccomp_apply(groups, NULL) != OK)
            _exit(250);
        long r = syscall(call[0], call[1], call[2], call[3], call[4], call[5], call[6]);
        _exit(r < 0 ? errno : 0);
    }
    waitpid(pid, &status, 0);
    return WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS ? ENDS : WEXITSTATUS(status);
}

Test(seccomp, rows)
{
    static const struct {
        const char *name;
        unsigned groups;
        long call[7];
        int want;
    } ROWS[] = {
        {"getpid", 0, {SYS_getpid}, 0},
        {"accept4 chosen", SYSCALLS_SOCKETS, {SYS_accept4, -1}, EBADF},
        {"accept4 not chosen", ALL & ~SYSCALLS_SOCKETS, {SYS_accept4, -1}, EPERM},
        {"socket inet", SYSCALLS_NETWORK, {SYS_socket, AF_INET, SOCK_STREAM}, 0},
        {"socket unix", ALL, {SYS_socket, AF_UNIX, SOCK_STREAM}, EPERM},
        {"socket packet", ALL, {SYS_socket, AF_PACKET, SOCK_RAW}, EPERM},
        {"connect", ALL, {SYS_connect, -1}, EPERM},
        {"fstatfs chosen", SYSCALLS_READ_FILES, {SYS_fstatfs, -1}, EBADF},
        {"fstatfs not chosen", ALL & ~SYSCALLS_READ_FILES, {SYS_fstatfs, -1}, EPERM},
        {"fsync chosen", SYSCALLS_WRITE_FILES, {SYS_fsync, -1}, EBADF},
        {"fsync not chosen", ALL & ~SYSCALLS_WRITE_FILES, {SYS_fsync, -1}, EPERM},
        {"munlock chosen", SYSCALLS_LOCK_MEMORY, {SYS_munlock, 0, 0}, 0},
        {"munlock not chosen", ALL & ~SYSCALLS_LOCK_MEMORY, {SYS_munlock, 0, 0}, EPERM},
        {"name oneself", 0, {SYS_prctl, PR_SET_NAME, (long)(intptr_t) "x"}, 0},
        {"be dumped", ALL, {SYS_prctl, PR_SET_DUMPABLE, 1}, EPERM},
        {"limits of others", ALL, {SYS_prlimit64, 1, 0, 0, 0}, EPERM},
        {"a process", ALL, {SYS_clone, SIGCHLD, 0, 0, 0, 0}, EPERM},
        {"clone3 is hidden", ALL, {SYS_clone3, 0, 0}, ENOSYS},
        {"openat2 is hidden", ALL, {SYS_openat2, -1, 0, 0, 0}, ENOSYS},
        {"chown", ALL, {SYS_fchown, -1, 0, 0}, EPERM},
        {"no such call", ALL, {999}, EPERM},
        {"execve", ALL, {SYS_execve, 0, 0, 0}, ENDS},
        {"execveat", ALL, {SYS_execveat, -1, 0, 0, 0, 0}, ENDS},
        {"ptrace", ALL, {SYS_ptrace, 0}, ENDS},
        {"process_vm_readv", ALL, {SYS_process_vm_readv, 1}, ENDS},
        {"bpf", ALL, {SYS_bpf, 0}, ENDS},
        {"setuid", ALL, {SYS_setuid, 0}, ENDS},
        {"unshare", ALL, {SYS_unshare, CLONE_NEWUSER}, ENDS},
        {"mount", ALL, {SYS_mount, 0}, ENDS},
    };
    for (size_t i = 0; i < sizeof ROWS / sizeof ROWS[0]; i++)
        cr_expect_eq(under(ROWS[i].groups, ROWS[i].call), ROWS[i].want, "%s: %d", ROWS[i].name,
                     under(ROWS[i].groups, ROWS[i].call));
}

Test(seccomp, memory_may_not_become_code)
{
    static const int FLAGS = MAP_PRIVATE | MAP_ANONYMOUS;
    cr_expect_eq(under(ALL, (const long[7]){SYS_mmap, 0, 4096, PROT_READ, FLAGS, -1, 0}), 0);
    cr_expect_eq(under(ALL, (const long[7]){SYS_mmap, 0, 4096, PROT_EXEC, FLAGS, -1, 0}), EPERM);
    cr_expect_eq(under(ALL, (const long[7]){SYS_mprotect, 0, 0, PROT_READ}), 0);
    cr_expect_eq(under(ALL, (const long[7]){SYS_mprotect, 0, 0, PROT_READ | PROT_EXEC}), EPERM);
}
