/* Proves that a confined process can do what its role needs and nothing else: files, new
 * sockets, other programs, other users, core dumps, its parent's death. Each probe runs in a
 * process of its own that is confined first; some end it. Started without root, what needs
 * root is skipped, and that it was is reported as a gap. */
#include "ingest/cpnid/confine.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { TEST_UID = 61999, ALLOWED_PORT = 39871, OTHER_PORT = 39872 };

static char dir[] = "/tmp/cpni-confine-XXXXXX";
static int dir_fd, secret_fd;

static void enter(void)
{
    cr_assert(mkdtemp(dir));
    dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int fd = openat(dir_fd, "file", O_CREAT | O_WRONLY | O_CLOEXEC, 0644);
    cr_assert_geq(fd, 0);
    close(fd);
    cr_assert_eq(fchmod(dir_fd, 0777), 0);
    secret_fd = open("/dev/zero", O_RDONLY | O_CLOEXEC); /* not in the plan: must be closed */
}

static void leave(void)
{
    unlinkat(dir_fd, "file", 0);
    unlinkat(dir_fd, "new", 0);
    rmdir(dir);
}

TestSuite(confine, .init = enter, .fini = leave);

static struct confine_plan plan_of(enum confine_access access)
{
    struct confine_plan p = {
        .comm = "cpnid-test", .drop_user = geteuid() == 0, .uid = TEST_UID, .gid = TEST_UID};
    confine_keep(&p, dir_fd);
    confine_keep(&p, -1);
    confine_path(&p, dir_fd, access);
    confine_port(&p, ALLOWED_PORT);
    return p;
}

/* 0 when it worked, else errno. */
typedef int probe_fn(void);
static int result(long r)
{
    return r < 0 ? errno : 0;
}

static int open_passwd(void)
{
    return result(open("/etc/passwd", O_RDONLY));
}
static int open_root(void)
{
    return result(open("/", O_RDONLY | O_DIRECTORY));
}
static int open_above(void)
{
    return result(openat(dir_fd, "..", O_RDONLY | O_DIRECTORY));
}
static int read_own_file(void)
{
    return result(openat(dir_fd, "file", O_RDONLY));
}
static int write_own_file(void)
{
    return result(openat(dir_fd, "new", O_WRONLY | O_CREAT, 0600));
}
static int rename_own_file(void)
{
    int fd = openat(dir_fd, "new", O_WRONLY | O_CREAT | O_TRUNC, 0600);
    if (fd < 0 || fsync(fd) != 0)
        return errno;
    return result(renameat(dir_fd, "new", dir_fd, "new2")) | result(unlinkat(dir_fd, "new2", 0));
}
static int use_closed_descriptor(void)
{
    char c;
    return result(read(secret_fd, &c, 1));
}
static int make_inet_socket(void)
{
    return result(socket(AF_INET, SOCK_DGRAM, 0));
}
static int make_unix_socket(void)
{
    return result(socket(AF_UNIX, SOCK_STREAM, 0));
}
static int bind_port(uint16_t port)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(port)};
    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    return fd < 0 ? errno : result(bind(fd, (struct sockaddr *)&a, sizeof a));
}
static int bind_allowed_port(void)
{
    return bind_port(ALLOWED_PORT);
}
static int bind_other_port(void)
{
    return bind_port(OTHER_PORT);
}
static int connect_out(void)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(9)};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    return fd < 0 ? -1 : result(connect(fd, (struct sockaddr *)&a, sizeof a));
}
static int make_process(void)
{
    pid_t pid = fork();
    if (pid == 0)
        _exit(0);
    return result(pid);
}
static int make_program(void)
{
    char *argv[] = {(char[]){"/bin/true"}, NULL};
    return result(execv(argv[0], argv));
}
static int trace_parent(void)
{
    return result(ptrace(PTRACE_ATTACH, getppid(), NULL, NULL));
}
static int become_root(void)
{
    return result(setuid(0));
}
static int signal_parent(void)
{
    return result(kill(getppid(), 0));
}
static int make_code(void)
{
    void *p = mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return p == MAP_FAILED ? errno : 0;
}
static int lock_memory(void)
{
    static char page[4096];
    return result(syscall(SYS_mlock, page, sizeof page)); /* a sanitizer's mlock() does nothing */
}
static void *nothing(void *arg)
{
    return arg;
}
static int make_thread(void)
{
    pthread_t t;
    int e = pthread_create(&t, NULL, nothing, NULL);
    return e ? e : pthread_join(t, NULL);
}
static int am_root(void)
{
    return getuid() == 0 || geteuid() == 0 || getgid() == 0 || getegid() == 0;
}

/* Runs the probe in a confined child; its wait status. */
static int probe(unsigned syscalls, enum confine_access access, probe_fn *fn, unsigned *out_gaps)
{
    int gaps_pipe[2], status;
    cr_assert_eq(pipe(gaps_pipe), 0);
    pid_t pid = fork();
    if (pid == 0) {
        struct confine_plan p = plan_of(access);
        struct diag d = {0};
        unsigned gaps = 0;
        confine_keep(&p, gaps_pipe[1]);
        if (confine(&(struct confinement){syscalls}, &p, &gaps, &d) != OK)
            _exit(250);
        if (write(gaps_pipe[1], &gaps, sizeof gaps) != sizeof gaps)
            _exit(251);
        _exit(fn());
    }
    close(gaps_pipe[1]);
    if (read(gaps_pipe[0], out_gaps, sizeof *out_gaps) != sizeof *out_gaps)
        *out_gaps = ~0U;
    close(gaps_pipe[0]);
    cr_assert_eq(waitpid(pid, &status, 0), pid);
    return status;
}

static bool missing(unsigned gaps, enum confine_gap g)
{
    return gaps & 1U << g;
}

Test(confine, probes)
{
    enum {
        FILES = SYSCALLS_READ_FILES,
        NET = SYSCALLS_SOCKETS | SYSCALLS_NETWORK,
        WRITES = SYSCALLS_READ_FILES | SYSCALLS_WRITE_FILES,
        ENDS = -1,
        LANDLOCK = 1,
        PORTS = 2
    };
    static const struct {
        const char *name;
        probe_fn *fn;
        unsigned syscalls;
        enum confine_access access;
        int want; /* errno; 0 = works; ENDS = SIGSYS */
        int needs;
    } ROWS[] = {
        {"open /etc/passwd", open_passwd, FILES, CONFINE_READ, EACCES, LANDLOCK},
        {"open /etc/passwd without file calls", open_passwd, 0, CONFINE_READ, EPERM, 0},
        {"list /", open_root, FILES, CONFINE_READ, EACCES, LANDLOCK},
        {"leave the own folder", open_above, WRITES, CONFINE_WRITE, EACCES, LANDLOCK},
        {"read the own file", read_own_file, FILES, CONFINE_READ, 0, 0},
        {"write where only reading is given", write_own_file, WRITES, CONFINE_READ, EACCES,
         LANDLOCK},
        {"write the own folder", rename_own_file, WRITES, CONFINE_WRITE, 0, 0},
        {"rename without write calls", rename_own_file, FILES, CONFINE_WRITE, EPERM, 0},
        {"use a descriptor that is not kept", use_closed_descriptor, FILES, CONFINE_READ, EBADF, 0},
        {"make a socket", make_inet_socket, SYSCALLS_SOCKETS, CONFINE_READ, EPERM, 0},
        {"make a Unix socket", make_unix_socket, NET, CONFINE_READ, EPERM, 0},
        {"bind the own port", bind_allowed_port, NET, CONFINE_READ, 0, 0},
        {"bind another port", bind_other_port, NET, CONFINE_READ, EACCES, PORTS},
        {"connect", connect_out, NET, CONFINE_READ, EPERM, 0},
        {"fork", make_process, WRITES | NET, CONFINE_WRITE, EPERM, 0},
        {"exec", make_program, WRITES | NET, CONFINE_WRITE, ENDS, 0},
        {"trace", trace_parent, WRITES | NET, CONFINE_WRITE, ENDS, 0},
        {"become root", become_root, WRITES | NET, CONFINE_WRITE, ENDS, 0},
        {"signal another process", signal_parent, WRITES | NET, CONFINE_WRITE, EPERM, 0},
        {"make code", make_code, WRITES | NET, CONFINE_WRITE, EPERM, 0},
        {"lock memory", lock_memory, SYSCALLS_LOCK_MEMORY, CONFINE_READ, 0, 0},
        {"lock memory without the right", lock_memory, 0, CONFINE_READ, EPERM, 0},
        {"make a thread", make_thread, 0, CONFINE_READ, 0, 0},
    };
    for (size_t i = 0; i < sizeof ROWS / sizeof ROWS[0]; i++) {
        unsigned gaps;
        int status = probe(ROWS[i].syscalls, ROWS[i].access, ROWS[i].fn, &gaps);
        cr_expect_eq(missing(gaps, CONFINE_GAP_USER), geteuid() != 0);
        if (missing(gaps, CONFINE_GAP_SECCOMP) ||
            (ROWS[i].needs == LANDLOCK && missing(gaps, CONFINE_GAP_LANDLOCK)) ||
            (ROWS[i].needs == PORTS && missing(gaps, CONFINE_GAP_LANDLOCK_NET))) {
            fprintf(stderr, "skipped: %s: this kernel cannot\n", ROWS[i].name);
            continue;
        }
        if (ROWS[i].want == ENDS)
            cr_expect(WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS, "%s: %x", ROWS[i].name,
                      (unsigned)status);
        else
            cr_expect(WIFEXITED(status) && WEXITSTATUS(status) == ROWS[i].want, "%s: %x",
                      ROWS[i].name, (unsigned)status);
    }
}

/* The same probes work before: else the table above would prove nothing. */
Test(confine, the_probes_work_when_not_confined)
{
    static probe_fn *const WORK[] = {
        open_passwd,           open_root,        open_above,       read_own_file,   rename_own_file,
        use_closed_descriptor, make_inet_socket, make_unix_socket, bind_other_port, make_process,
        signal_parent,         make_code,        lock_memory};
    for (size_t i = 0; i < sizeof WORK / sizeof WORK[0]; i++)
        cr_expect_eq(WORK[i](), 0, "%zu", i);
}

static const char *status_line(const char *text, const char *name)
{
    const char *at = strstr(text, name);
    return at ? at + strlen(name) : "";
}

static int hold(void)
{
    pause(); /* not allowed: EPERM at once */
    sleep(60);
    return 0;
}

static void read_proc(pid_t pid, const char *file, char *text, size_t cap)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/%s", (int)pid, file);
    FILE *f = fopen(path, "r");
    cr_assert(f, "%s", path);
    text[fread(text, 1, cap - 1, f)] = '\0';
    fclose(f);
}

/* What the kernel says about a confined process, seen from outside. */
Test(confine, as_the_kernel_sees_it)
{
    int ready[2];
    char text[8192], byte;
    struct stat st;
    cr_assert_eq(pipe(ready), 0);
    pid_t pid = fork();
    if (pid == 0) {
        struct confine_plan p = plan_of(CONFINE_READ);
        struct diag d;
        unsigned gaps;
        p.group[p.groups_count++] = TEST_UID + 1;
        confine_keep(&p, ready[1]);
        if (confine(&(struct confinement){SYSCALLS_SOCKETS}, &p, &gaps, &d) != OK ||
            write(ready[1], "", 1) != 1)
            _exit(250);
        _exit(hold());
    }
    cr_assert_eq(read(ready[0], &byte, 1), 1);
    read_proc(pid, "status", text, sizeof text);
    cr_expect_eq(strncmp(status_line(text, "Name:\t"), "cpnid-test\n", 11), 0);
    cr_expect_eq(strncmp(status_line(text, "Umask:\t"), "0077\n", 5), 0);
    cr_expect_eq(strncmp(status_line(text, "NoNewPrivs:\t"), "1\n", 2), 0);
    cr_expect_eq(strncmp(status_line(text, "Seccomp:\t"), "2\n", 2), 0);
    if (geteuid() == 0) {
        cr_expect_eq(strncmp(status_line(text, "Uid:\t"), "61999\t61999\t61999\t61999\n", 24), 0);
        cr_expect_eq(strncmp(status_line(text, "Gid:\t"), "61999\t61999\t61999\t61999\n", 24), 0);
        cr_expect_eq(strncmp(status_line(text, "Groups:\t"), "62000 \n", 7), 0);
        cr_expect_eq(strncmp(status_line(text, "CapEff:\t"), "0000000000000000\n", 17), 0);
        snprintf(text, sizeof text, "/proc/%d/mem", (int)pid);
        cr_expect(stat(text, &st) == 0 && st.st_uid == 0, "not dumpable: /proc is root's");
    }
    read_proc(pid, "limits", text, sizeof text);
    cr_expect_eq(
        strncmp(status_line(text, "Max core file size"), "        0                    0", 30), 0,
        "%s", text);
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
}

Test(confine, nobody_drops_to_root)
{
    struct confine_plan p = plan_of(CONFINE_READ);
    struct diag d = {0};
    unsigned gaps;
    int status;
    p.uid = 0;
    if (geteuid() != 0)
        return;
    pid_t pid = fork();
    if (pid == 0)
        _exit(confine(&(struct confinement){0}, &p, &gaps, &d) == ERR_DENIED && d.what ? 0 : 1);
    waitpid(pid, &status, 0);
    cr_expect(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

/* The pipe's other end closes when the grandchild is gone. */
Test(confine, dies_with_its_parent)
{
    int alive[2];
    char byte;
    cr_assert_eq(pipe(alive), 0);
    pid_t parent = fork();
    if (parent == 0) {
        const pid_t self = getpid();
        if (fork() == 0) {
            struct confine_plan p = plan_of(CONFINE_READ);
            struct diag d;
            unsigned gaps;
            p.parent = self;
            confine_keep(&p, alive[1]);
            if (confine(&(struct confinement){0}, &p, &gaps, &d) != OK ||
                write(alive[1], "", 1) != 1)
                _exit(250);
            _exit(hold());
        }
        pause();
    }
    close(alive[1]);
    cr_assert_eq(read(alive[0], &byte, 1), 1);
    kill(parent, SIGKILL);
    struct pollfd p = {alive[0], POLLIN, 0};
    cr_expect_eq(poll(&p, 1, 10000), 1, "it lives on");
    cr_expect_eq(read(alive[0], &byte, 1), 0);
    waitpid(parent, NULL, 0);
}

Test(confine, a_parent_that_died_before_is_noticed)
{
    struct confine_plan p = plan_of(CONFINE_READ);
    struct diag d = {0};
    unsigned gaps;
    p.parent = 1;
    pid_t pid = fork();
    if (pid == 0)
        _exit(confine(&(struct confinement){0}, &p, &gaps, &d) == ERR_SHUTDOWN ? 0 : 1);
    int status;
    waitpid(pid, &status, 0);
    cr_expect(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

Test(confine, every_gap_has_a_text)
{
    for (unsigned g = 0; g < CONFINE_GAP_COUNT; g++)
        cr_expect_gt(strlen(confine_gap_text(g)), 10);
    cr_expect_str_eq(confine_gap_text(CONFINE_GAP_COUNT), "unknown");
}

Test(confine, probes_run_as_nobody)
{
    unsigned gaps;
    if (geteuid() == 0)
        cr_expect_eq(probe(0, CONFINE_READ, am_root, &gaps), 0);
}
