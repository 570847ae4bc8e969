/* Proves with real processes and stand-in roles: all are started confined, "ready" is said
 * once all said so, a killed role comes back on the same descriptors, the end goes in order
 * with exit code 0, a refusal ends the daemon, and nothing outlives a killed parent. */
#include "ingest/cpnid/parent.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { WAIT_MS = 20000, REFUSE_FLAG = 1, HUNG_FLAG = 2 };

struct event {
    char what; /* 's' started, 'e' ends, 'h' SIGHUP, 'm' a message of the predecessor;
                * read by next(): '.' nobody is left to write, 0 nothing came in time */
    unsigned slot;
    pid_t pid;
    uid_t uid;
};

struct role_state {
    unsigned slot;
    int ready_fd, channel;
};

static char dir[] = "/tmp/cpni-parent-XXXXXX";
static struct config c;
static int report[2], output[2];
static unsigned flags;
static pid_t parent;

static void tell(char what, unsigned slot)
{
    struct event e = {what, slot, getpid(), getuid()};
    if (write(report[1], &e, sizeof e) != sizeof e)
        _exit(99);
}

static enum err prepare(const struct role_context *x, struct confine_plan *plan,
                        struct role_state **out, struct diag *d)
{
    (void)d;
    *out = malloc(sizeof **out);
    **out = (struct role_state){x->slot, x->ready_fd, x->fds->forward_vault[x->slot == 0]};
    confine_keep(plan, report[1]);
    confine_keep(plan, (*out)->channel);
    return OK;
}

static int run(struct role_state *s)
{
    sigset_t set;
    int signo = 0;
    uint8_t byte;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGHUP);
    sigprocmask(SIG_BLOCK, &set, NULL);
    signal(SIGHUP, SIG_DFL); /* the parent left it ignored */
    if (s->slot == ROLE_KIND_VAULT && (flags & REFUSE_FLAG))
        return ROLE_EXIT_REFUSED;
    tell('s', s->slot);
    while (s->slot == ROLE_KIND_VAULT && recv(s->channel, &byte, 1, MSG_DONTWAIT) == 1)
        tell('m', s->slot);
    if (s->slot == ROLE_KIND_FORWARD)
        (void)!send(s->channel, "", 1, MSG_DONTWAIT);
    (void)!write(s->ready_fd, "", 1);
    while (signo != SIGTERM || (s->slot == ROLE_KIND_INGEST && (flags & HUNG_FLAG))) {
        sigwait(&set, &signo);
        if (signo == SIGHUP)
            tell('h', s->slot);
    }
    if (s->slot >= ROLE_KIND_INGEST)
        usleep(50000); /* drains: the others must wait for it */
    tell('e', s->slot);
    return 0;
}

static const struct daemon_role STAND_INS[ROLE_KIND_COUNT] = {
    [ROLE_KIND_VAULT] = {"vault", 3, {SYSCALLS_SOCKETS}, prepare, run},
    [ROLE_KIND_FORWARD] = {"forward", 2, {SYSCALLS_SOCKETS}, prepare, run},
    [ROLE_KIND_METRICS] = {"metrics", 4, {SYSCALLS_SOCKETS}, prepare, run},
    [ROLE_KIND_INGEST] = {"ingest", 1, {SYSCALLS_SOCKETS}, prepare, run},
};

static void enter(void)
{
    cr_assert(mkdtemp(dir));
    config_default(&c);
    c.listen_http = c.listen_metrics = (struct config_address){{0}, 0};
    c.listen_usage_pull = c.listen_usage_hint = (struct config_address){{0}, 0};
    c.workers = 2;
    c.drain_ms = 1000;
    snprintf(c.state_dir, sizeof c.state_dir, "%s", dir);
    cr_assert_eq(pipe(report), 0);
    cr_assert_eq(pipe(output), 0);
}

static void leave(void)
{
    char path[64];
    snprintf(path, sizeof path, "%s/lock", dir);
    unlink(path);
    snprintf(path, sizeof path, "%s/control.sock", dir);
    unlink(path);
    rmdir(dir);
}

TestSuite(parent, .init = enter, .fini = leave, .timeout = 120);

static void start(void)
{
    parent = fork();
    if (parent != 0)
        return;
    dup2(output[1], STDOUT_FILENO);
    _exit(parent_run("test.yaml", &c, STAND_INS));
}

static struct event next(void)
{
    struct event e = {0};
    struct pollfd p = {report[0], POLLIN, 0};
    if (poll(&p, 1, WAIT_MS) == 1 && read(report[0], &e, sizeof e) == 0)
        e.what = '.';
    return e;
}

static int exit_code(void)
{
    int status = -1;
    waitpid(parent, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* Reads the events of the start of all five processes. */
static void started(pid_t pid[5])
{
    bool seen[5] = {0};
    for (int i = 0; i < 5; i++) {
        struct event e = next();
        if (e.what == 'm' && i-- >= 0)
            continue;
        cr_assert_eq(e.what, 's');
        cr_expect_not(seen[e.slot]);
        seen[e.slot] = true;
        pid[e.slot] = e.pid;
        cr_expect_eq(e.uid == 0, geteuid() != 0 && getuid() == 0, "a role runs as root");
    }
}

static void say_ready(void)
{
    char line[8] = "";
    struct pollfd p = {output[0], POLLIN, 0};
    cr_assert_eq(poll(&p, 1, WAIT_MS), 1);
    cr_expect_eq(read(output[0], line, 6), 6);
    cr_expect_str_eq(line, "ready\n");
}

static struct event next_but(char what)
{
    struct event e = next();
    while (e.what == what)
        e = next();
    return e;
}

Test(parent, starts_says_ready_and_ends_in_order)
{
    pid_t pid[5];
    start();
    started(pid);
    say_ready();
    kill(parent, SIGTERM);
    static const unsigned ORDER[] = {ROLE_KIND_INGEST, ROLE_KIND_INGEST, ROLE_KIND_FORWARD,
                                     ROLE_KIND_VAULT, ROLE_KIND_METRICS};
    for (size_t i = 0; i < 5; i++) {
        struct event e = next_but('m');
        cr_expect_eq(e.what, 'e');
        cr_expect_eq(role_of_slot(e.slot), ORDER[i], "%zu: %u", i, e.slot);
    }
    cr_expect_eq(exit_code(), 0);
}

Test(parent, a_killed_role_comes_back_to_the_same_channel)
{
    pid_t pid[5];
    start();
    started(pid);
    say_ready();
    kill(pid[ROLE_KIND_VAULT], SIGKILL);
    struct event e = next_but('m');
    cr_expect(e.what == 's' && e.slot == ROLE_KIND_VAULT && e.pid != pid[ROLE_KIND_VAULT]);
    kill(pid[ROLE_KIND_FORWARD], SIGKILL); /* says something to the vault when it starts */
    cr_expect_eq(next_but('m').slot, ROLE_KIND_FORWARD);
    kill(e.pid, SIGKILL); /* the next vault finds what its predecessor has not read */
    e = next();
    cr_expect(e.what == 's' && e.slot == ROLE_KIND_VAULT);
    cr_expect_eq(next().what, 'm');
    kill(parent, SIGTERM);
    cr_expect_eq(exit_code(), 0);
}

Test(parent, a_signal_to_the_whole_group_ends_in_order_too)
{
    pid_t pid[5];
    start();
    started(pid);
    say_ready();
    for (unsigned i = 0; i < 5; i++)
        cr_expect_eq(getpgid(pid[i]), pid[i]);
    kill(parent, SIGINT);
    cr_expect_eq(exit_code(), 0);
}

Test(parent, a_worker_that_hangs_is_killed)
{
    pid_t pid[5];
    flags = HUNG_FLAG;
    start();
    started(pid);
    say_ready();
    kill(parent, SIGTERM);
    cr_expect_eq(exit_code(), 0);
    cr_expect(kill(pid[ROLE_KIND_INGEST], 0) != 0 && errno == ESRCH);
}

Test(parent, reload_goes_to_the_roles)
{
    pid_t pid[5];
    start();
    started(pid);
    say_ready();
    kill(parent, SIGHUP);
    for (int i = 0; i < 5; i++)
        cr_expect_eq(next_but('m').what, 'h');
    kill(parent, SIGTERM);
    cr_expect_eq(exit_code(), 0);
}

Test(parent, workers_with_agents_are_replaced_at_reload)
{
    pid_t pid[5];
    unsigned ends = 0, starts = 0;
    c.agents_count = 1;
    start();
    started(pid);
    say_ready();
    kill(parent, SIGHUP);
    for (int i = 0; i < 7; i++) { /* three told, two end, two start */
        struct event e = next_but('m');
        ends += e.what == 'e' && e.slot >= ROLE_KIND_INGEST;
        starts += e.what == 's' && e.slot >= ROLE_KIND_INGEST;
    }
    cr_expect(ends == 2 && starts == 2);
    kill(parent, SIGTERM);
    cr_expect_eq(exit_code(), 0);
}

Test(parent, a_refusal_ends_the_daemon)
{
    flags = REFUSE_FLAG;
    start();
    cr_expect_eq(exit_code(), ROLE_EXIT_REFUSED);
}

Test(parent, nothing_outlives_a_killed_parent)
{
    pid_t pid[5];
    start();
    started(pid);
    say_ready();
    close(report[1]);
    kill(parent, SIGKILL);
    waitpid(parent, NULL, 0);
    cr_expect_eq(next_but('m').what, '.', "a role lives on");
}

Test(parent, one_daemon_a_directory)
{
    pid_t pid[5];
    start();
    started(pid);
    say_ready();
    cr_expect_eq(parent_run("test.yaml", &c, STAND_INS), 1);
    kill(parent, SIGTERM);
    cr_expect_eq(exit_code(), 0);
}

Test(parent, what_cannot_start_says_so)
{
    snprintf(c.state_dir, sizeof c.state_dir, "/no/such/directory");
    cr_expect_eq(parent_run("test.yaml", &c, STAND_INS), 1);
    snprintf(c.state_dir, sizeof c.state_dir, "%s", dir);
    snprintf(c.user_ingest, sizeof c.user_ingest, "no-such-user");
    cr_expect_eq(parent_run("test.yaml", &c, STAND_INS), 1);
    c.user_ingest[0] = '\0';
    c.grants_count = 1;
    c.grant[0] = (struct config_grant){"@no-such-group", 1, 3};
    cr_expect_eq(parent_run("test.yaml", &c, STAND_INS), 1);
}
