#include "ingest/cpnid/parent.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "ingest/cpnid/listen.h"
#include "ingest/cpnid/log.h"
#include "ingest/cpnid/notify.h"
#include "ingest/cpnid/supervise.h"
#include "ingest/cpnid/users.h"
#include "proto/core/check.h"

enum { ROLE_NAME_BYTES = 16 };

struct child {
    pid_t pid;
    int ready_fd; /* read end; -1 = said so, or not running */
    char name[ROLE_NAME_BYTES];
};

struct parent {
    const char *file;
    const struct config *config;
    const struct daemon_role *roles;
    struct role_fds fds;
    struct role_user user[ROLE_KIND_COUNT];
    struct user_grant grant[CONFIG_GRANTS_MAX];
    size_t grants_count;
    struct metrics metrics; /* view of the parent's own slot, behind those of the roles */
    struct supervisor supervisor;
    struct child child[ROLE_PROCESSES_MAX];
    int signals; /* signalfd */
    sigset_t before;
    bool announced; /* "ready" was said */
};

static uint64_t now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

/* --- in the child --- */
static void tell_gaps(const struct metrics *m, unsigned slot, const char *name, unsigned gaps)
{
    for (unsigned g = 0; g < CONFINE_GAP_COUNT; g++)
        if (gaps & 1U << g)
            log_reason("warning", name, "unconfined", confine_gap_text((enum confine_gap)g));
    metric_set_at(m, METRIC_ROLE_UNCONFINED, slot, (uint64_t)__builtin_popcount(gaps));
}

/* A group of its own: signals of a terminal or of timeout(1) go to whole groups, but the
 * parent decides who ends when. Nobody listens to SIGHUP before his loop runs. */
static void child_signals(const struct parent *p)
{
    setpgid(0, 0);
    signal(SIGHUP, SIG_IGN);
    sigprocmask(SIG_SETMASK, &p->before, NULL);
}

static void child_plan(const struct parent *p, unsigned slot, pid_t parent,
                       struct confine_plan *plan)
{
    const struct role_user *u = &p->user[role_of_slot(slot)];
    *plan = (struct confine_plan){.drop_user = u->drop, .uid = u->uid, .gid = u->gid};
    plan->parent = parent;
    if (u->extra)
        plan->group[plan->groups_count++] = u->extra;
    snprintf(plan->comm, sizeof plan->comm, "cpnid-%.9s", p->child[slot].name);
}

static int child_run(const struct parent *p, unsigned slot, pid_t parent, int ready_fd)
{
    const struct daemon_role *role = &p->roles[role_of_slot(slot)];
    struct role_context x = {.config = p->config,
                             .fds = &p->fds,
                             .worker = slot >= ROLE_KIND_INGEST ? slot - ROLE_KIND_INGEST : 0,
                             .slot = slot,
                             .slots_count = p->supervisor.count,
                             .metrics = metrics_slot(&p->metrics, slot),
                             .ready_fd = ready_fd,
                             .grant = p->grant,
                             .grants_count = p->grants_count};
    struct confine_plan plan;
    struct role_state *state = NULL;
    struct diag d = {0};
    unsigned gaps = 0;
    child_signals(p);
    child_plan(p, slot, parent, &plan);
    confine_keep(&plan, ready_fd);
    enum err e = role->prepare(&x, &plan, &state, &d);
    if (e == OK)
        e = confine(&role->confinement, &plan, &gaps, &d);
    if (e != OK) {
        log_reason("error", p->child[slot].name, "the role cannot start",
                   d.what ? d.what : err_text(e));
        return 1;
    }
    tell_gaps(&x.metrics, slot, p->child[slot].name, gaps);
    return role->run(state);
}

/* --- starting and signalling --- */
static bool spawn(void *arg, unsigned i)
{
    struct parent *p = arg;
    int ready[2];
    const pid_t self = getpid();
    if (pipe2(ready, O_CLOEXEC | O_NONBLOCK) != 0)
        return false;
    fflush(NULL); /* or the child would write it again */
    pid_t pid = fork();
    if (pid == 0)
        _exit(child_run(p, i, self, ready[1]));
    close(ready[1]);
    if (pid < 0) {
        close(ready[0]);
        return false;
    }
    p->child[i].pid = pid;
    p->child[i].ready_fd = ready[0];
    return true;
}

static void send_signal(void *arg, unsigned i, int signo)
{
    const struct parent *p = arg;
    if (p->child[i].pid > 0)
        kill(p->child[i].pid, signo);
}

static void restarting(void *arg, unsigned i, uint32_t delay_ms)
{
    const struct parent *p = arg;
    struct logfmt l;
    log_begin(&l, "warning", p->child[i].name, "restarting");
    logfmt_number(&l, "delay_ms", delay_ms);
    log_end(&l);
    metric_inc_at(&p->metrics, METRIC_ROLE_RESTARTS, i);
}

/* --- events --- */
static void forget_child(struct parent *p, unsigned i)
{
    if (p->child[i].ready_fd >= 0)
        close(p->child[i].ready_fd);
    p->child[i].ready_fd = -1;
    p->child[i].pid = 0;
    metric_set_at(&p->metrics, METRIC_ROLE_READY, i, 0);
}

static void log_exit(const char *name, int status, bool stopping)
{
    /* A role that is told to end before its loop runs has no handler yet. */
    const bool asked = stopping && WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM;
    const bool clean = asked || (WIFEXITED(status) && WEXITSTATUS(status) == 0);
    struct logfmt l;
    log_begin(&l, clean ? "info" : "error", name, "ended");
    if (WIFSIGNALED(status))
        logfmt_number(&l, "signal", (uint64_t)WTERMSIG(status));
    else
        logfmt_number(&l, "exit", (uint64_t)WEXITSTATUS(status));
    log_end(&l);
}

static void reap(struct parent *p)
{
    int status;
    pid_t pid;
    while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
        for (unsigned i = 0; i < p->supervisor.count; i++) {
            if (p->child[i].pid != pid)
                continue;
            log_exit(p->child[i].name, status, p->supervisor.stopping);
            forget_child(p, i);
            bool refused = WIFEXITED(status) && WEXITSTATUS(status) == ROLE_EXIT_REFUSED;
            supervise_exited(&p->supervisor, i, refused, now_ms());
        }
}

/* SIGHUP: the roles look again at what they can; the keys of HEP agents are read before a
 * worker gives up its rights, so workers that have any are replaced by new ones, which lose
 * nothing: sockets, cursors and live calls wait for them. */
static void reload(struct parent *p)
{
    for (unsigned i = 0; i < p->supervisor.count; i++) {
        if (role_of_slot(i) == ROLE_KIND_INGEST && p->config->agents_count)
            supervise_replace(&p->supervisor, i);
        else
            send_signal(p, i, SIGHUP);
    }
}

static void stop(struct parent *p, int signo)
{
    struct logfmt l;
    if (p->supervisor.stopping)
        return;
    log_begin(&l, "info", "parent", "stopping");
    logfmt_number(&l, "signal", (uint64_t)signo);
    log_end(&l);
    notify_send(getenv("NOTIFY_SOCKET"), "STOPPING=1");
    supervise_stop(&p->supervisor);
}

static void take_signal(struct parent *p)
{
    struct signalfd_siginfo info;
    while (read(p->signals, &info, sizeof info) == (ssize_t)sizeof info) {
        if (info.ssi_signo == SIGCHLD)
            reap(p);
        else if (info.ssi_signo == SIGHUP)
            reload(p);
        else
            stop(p, (int)info.ssi_signo);
    }
}

static void take_ready(struct parent *p, unsigned i)
{
    uint8_t byte;
    if (read(p->child[i].ready_fd, &byte, 1) == 1) {
        supervise_ready(&p->supervisor, i);
        metric_set_at(&p->metrics, METRIC_ROLE_READY, i, 1);
    }
    close(p->child[i].ready_fd); /* the byte, or the end of a role that will be reaped */
    p->child[i].ready_fd = -1;
    if (p->announced || !supervise_all_up(&p->supervisor))
        return;
    p->announced = true;
    notify_send(getenv("NOTIFY_SOCKET"), "READY=1");
    printf("ready\n");
    fflush(stdout);
    log_reason("info", "parent", "ready", "every role is up");
}

static void turn(struct parent *p, int timeout_ms)
{
    struct pollfd fds[1 + ROLE_PROCESSES_MAX] = {{p->signals, POLLIN, 0}};
    for (unsigned i = 0; i < p->supervisor.count; i++)
        fds[1 + i] = (struct pollfd){p->child[i].ready_fd, POLLIN, 0};
    if (poll(fds, 1 + p->supervisor.count, timeout_ms) <= 0)
        return;
    for (unsigned i = 0; i < p->supervisor.count; i++)
        if (fds[1 + i].revents)
            take_ready(p, i);
    if (fds[0].revents)
        take_signal(p);
}

/* --- start --- */
static void name_all(struct parent *p)
{
    for (unsigned i = 0; i < p->supervisor.count; i++) {
        const char *role = p->roles[role_of_slot(i)].name;
        if (role_of_slot(i) == ROLE_KIND_INGEST)
            snprintf(p->child[i].name, ROLE_NAME_BYTES, "%.8s%hhu", role,
                     (unsigned char)(i - ROLE_KIND_INGEST));
        else
            snprintf(p->child[i].name, ROLE_NAME_BYTES, "%.10s", role);
        metrics_name(&p->metrics, METRIC_BY_ROLE, i, span_str(p->child[i].name));
    }
    for (unsigned i = 0; i < p->config->feeds_count; i++)
        metrics_name(&p->metrics, METRIC_BY_FEED, i, span_str(p->config->feed[i].name));
}

static enum err set_up_signals(struct parent *p, struct diag *d)
{
    static const int TAKEN[] = {SIGTERM, SIGINT, SIGHUP, SIGCHLD};
    sigset_t set;
    sigemptyset(&set);
    for (size_t i = 0; i < sizeof TAKEN / sizeof TAKEN[0]; i++)
        sigaddset(&set, TAKEN[i]);
    signal(SIGPIPE, SIG_IGN);
    sigprocmask(SIG_BLOCK, &set, &p->before);
    p->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    return p->signals < 0 ? diag_set(d, ERR_NET, "signalfd", 0) : OK;
}

static enum err set_up_users(struct parent *p, const char **who, struct diag *d)
{
    struct config_problems *problems = calloc(1, sizeof *problems);
    gid_t control_group = 0;
    if (!problems)
        return ERR_NOMEM;
    enum err e = users_resolve(p->config, p->fds.state_dir, p->user, &control_group, who);
    p->grants_count = users_grants(p->config, getuid(), p->grant, CONFIG_GRANTS_MAX, problems);
    for (size_t i = 0; i < problems->count && i < CONFIG_PROBLEMS_MAX; i++)
        fprintf(stderr, "%s:%d: %s\n", p->file, problems->item[i].line, problems->item[i].text);
    if (e == OK && problems->count) {
        *who = "roles";
        e = ERR_NOTFOUND;
    }
    free(problems);
    const struct role_user *v = &p->user[ROLE_KIND_VAULT];
    if (e == OK && v->drop)
        e = state_adopt(p->fds.state_dir, v->uid, v->gid, control_group, d);
    return e;
}

static void set_up_supervisor(struct parent *p)
{
    static const struct supervise_ops OPS = {spawn, send_signal, restarting};
    struct supervisor *s = &p->supervisor;
    *s = (struct supervisor){.ops = &OPS, .arg = p};
    s->drain_ms = (uint32_t)p->config->drain_ms;
    s->count = ROLE_KIND_INGEST + (unsigned)p->config->workers;
    for (unsigned i = 0; i < s->count; i++) {
        s->process[i].stop_order = p->roles[role_of_slot(i)].stop_order;
        p->child[i].ready_fd = -1;
    }
}

static enum err set_up(struct parent *p, const char **who, struct diag *d)
{
    _Static_assert((int)ROLE_PROCESSES_MAX < (int)METRIC_ROLES_MAX, "one slot is the parent's");
    enum err e = listen_all(p->config, &p->fds, who, d);
    if (e == OK)
        e = set_up_users(p, who, d);
    if (e == OK)
        e = metrics_init(&p->metrics);
    if (e == OK)
        e = set_up_signals(p, d);
    if (e != OK)
        return e;
    set_up_supervisor(p);
    p->metrics = metrics_slot(&p->metrics, p->supervisor.count);
    name_all(p);
    return OK;
}

static void tear_down(struct parent *p)
{
    if (p->fds.state_dir >= 0 && p->fds.control >= 0)
        unlinkat(p->fds.state_dir, "control.sock", 0);
    listen_close(&p->fds);
    metrics_done(&p->metrics);
    if (p->signals >= 0) {
        close(p->signals);
        sigprocmask(SIG_SETMASK, &p->before, NULL);
    }
}

static int serve(struct parent *p)
{
    while (!supervise_finished(&p->supervisor)) {
        uint32_t wait_ms = supervise_tick(&p->supervisor, now_ms());
        turn(p, wait_ms > INT32_MAX ? -1 : (int)wait_ms);
    }
    log_reason("info", "parent", "ended", p->supervisor.exit_code ? "a role refused" : "asked to");
    return p->supervisor.exit_code;
}

int parent_run(const char *file, const struct config *c,
               const struct daemon_role roles[static ROLE_KIND_COUNT])
{
    struct parent *p = calloc(1, sizeof *p);
    const char *who = "start";
    struct diag d = {0};
    if (!p)
        return 1;
    *p = (struct parent){.file = file, .config = c, .roles = roles, .signals = -1};
    listen_none(&p->fds);
    enum err e = set_up(p, &who, &d);
    int code = 1;
    if (e == OK) {
        code = serve(p);
    } else {
        struct logfmt l;
        log_begin(&l, "error", "parent", "cannot start");
        logfmt_str(&l, "setting", who);
        logfmt_str(&l, "what", d.what ? d.what : "");
        logfmt_str(&l, "reason", err_text(e));
        log_end(&l);
    }
    tear_down(p);
    free(p);
    return code;
}
