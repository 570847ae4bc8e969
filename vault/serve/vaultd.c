#include "vault/serve/vaultd.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "proto/core/check.h"
#include "vault/serve/client.h"

enum { TICK_MS = 100, GROUPS_MAX = 256 };

#define CHANNEL_UID ((uint32_t)-1) /* of our own roles; no user has it */

struct vaultd {
    const struct vaultd_options *options;
    struct vault *vault;
    struct client *clients;
    size_t clients_count;
    int signals;
    bool stopping;
    int64_t published_s, turned_away_s;
    struct vault_totals published; /* what the counters were told last */
    uint8_t frame[WIRE_FRAME_BYTES_MAX];
};

/* The one place of this process that logs. Constant texts only. */
static void say(const char *level, const char *msg, const char *why)
{
    fprintf(stderr, "level=%s role=vault msg=\"%s\"%s%s%s\n", level, msg, why ? " reason=\"" : "",
            why ? why : "", why ? "\"" : "");
}

/* --- clients --- */

static enum err add_client(struct vaultd *d, int fd, const struct peer *p)
{
    struct client *c;
    enum err e = client_new(d->vault, fd, p, &c);
    if (e != OK)
        return e;
    c->next = d->clients;
    d->clients = c;
    d->clients_count++;
    return OK;
}

static bool in_groups(const gid_t *groups, size_t count, uint32_t gid)
{
    for (size_t i = 0; i < count; i++)
        if (groups[i] == gid)
            return true;
    return false;
}

static role_set roles_of(const struct vaultd_options *o, int fd, const struct ucred *cred)
{
    gid_t groups[GROUPS_MAX];
    socklen_t bytes = sizeof groups;
    role_set roles = 0;
    if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, &bytes) != 0)
        bytes = 0;
    for (size_t i = 0; i < o->grants_count; i++) {
        const struct vaultd_grant *g = &o->grant[i];
        bool match = g->group
                         ? g->id == cred->gid || in_groups(groups, bytes / sizeof groups[0], g->id)
                         : g->id == cred->uid;
        if (match)
            roles |= g->roles;
    }
    return roles;
}

static int64_t mono_s(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec;
}

/* Counts each; says one a second, so that nobody fills the log by connecting. */
static void turn_away(struct vaultd *d, const char *why)
{
    int64_t now_s = mono_s();
    metric_inc(d->options->vault.metrics, METRIC_CONTROL_REFUSED);
    if (now_s != d->turned_away_s)
        say("warning", "a client was turned away", why);
    d->turned_away_s = now_s;
}

/* Why another client of this user cannot be had; NULL: it can. */
static const char *no_room_for(const struct vaultd *d, uint32_t uid)
{
    size_t all = 0, his = 0;
    for (const struct client *c = d->clients; c; c = c->next) {
        all += c->uid != CHANNEL_UID;
        his += c->uid == uid;
    }
    if (his >= VAULTD_CLIENTS_A_USER_MAX)
        return "too many connections of one user";
    return all >= VAULTD_CLIENTS_MAX ? "too many connections" : NULL;
}

static void accept_client(struct vaultd *d)
{
    struct ucred cred;
    socklen_t bytes = sizeof cred;
    int fd = accept4(d->options->control_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd < 0)
        return;
    const char *why = getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &bytes) == 0
                          ? no_room_for(d, cred.uid)
                          : "its credentials are not known";
    if (why) {
        turn_away(d, why);
        close(fd);
        return;
    }
    struct peer p = {.uid = cred.uid, .gid = cred.gid, .roles = roles_of(d->options, fd, &cred)};
    struct policy_request ask = {.roles = p.roles, .action = ACTION_INGEST};
    p.ingest = policy_decide(&ask).allowed;
    if (add_client(d, fd, &p) != OK)
        turn_away(d, "out of memory");
}

static enum err add_channels(struct vaultd *d)
{
    const struct vaultd_options *o = d->options;
    struct peer worker = {.uid = CHANNEL_UID, .ingest = true, .worker = true};
    struct peer forward = {.uid = CHANNEL_UID, .forward = true};
    enum err e = OK;
    for (size_t i = 0; e == OK && i < o->ingest_count; i++)
        e = add_client(d, o->ingest_fd[i], &worker);
    if (e == OK && o->forward_fd >= 0)
        e = add_client(d, o->forward_fd, &forward);
    /* What a predecessor was sent and did not answer is asked for again. */
    struct frame greeting = {.type = FRAME_GREETING};
    for (struct client *c = d->clients; e == OK && c; c = c->next)
        client_send(c, &greeting);
    return e;
}

static void sweep(struct vaultd *d)
{
    struct client **at = &d->clients;
    while (*at) {
        if ((*at)->closed) {
            *at = client_free(*at);
            d->clients_count--;
        } else {
            at = &(*at)->next;
        }
    }
}

/* --- numbers --- */

static void publish(struct vaultd *d)
{
    const struct metrics *m = d->options->vault.metrics;
    struct vault_totals t;
    vault_totals(d->vault, &t);
    const struct {
        enum metric id;
        uint64_t now, before;
    } COUNTERS[] = {
        {METRIC_COMMITS, t.commits, d->published.commits},
        {METRIC_COMMIT_US, t.commit_us, d->published.commit_us},
        {METRIC_ACCEPTED, t.accepted, d->published.accepted},
        {METRIC_DUPLICATE, t.duplicates, d->published.duplicates},
        {METRIC_UNASSIGNED, t.unassigned, d->published.unassigned},
        {METRIC_REFUSED, t.refused, d->published.refused},
        {METRIC_DEK_HITS, t.key_hits, d->published.key_hits},
        {METRIC_DEK_MISSES, t.key_misses, d->published.key_misses},
        {METRIC_DISCLOSURES, t.disclosures, d->published.disclosures},
        {METRIC_DENIALS, t.denials, d->published.denials},
    };
    for (size_t i = 0; i < sizeof COUNTERS / sizeof COUNTERS[0]; i++)
        metric_add(m, COUNTERS[i].id, COUNTERS[i].now - COUNTERS[i].before);
    metric_set(m, METRIC_TAIL_RECORDS, t.tail_records);
    metric_set(m, METRIC_DISK_BYTES, t.disk_bytes);
    metric_set(m, METRIC_CUSTOMERS, t.customers);
    metric_set(m, METRIC_OUTBOX_POSITION, t.outbox_position);
    metric_set(m, METRIC_KEYS_UNLOCKED, !t.keys_locked);
    d->published = t;
}

static enum err tick(struct vaultd *d)
{
    int64_t now_s = mono_s();
    if (now_s != d->published_s) {
        d->published_s = now_s;
        publish(d);
    }
    return vault_tick(d->vault);
}

/* --- the loop --- */

static void take_signal(struct vaultd *d)
{
    struct signalfd_siginfo info;
    if (read(d->signals, &info, sizeof info) != sizeof info)
        return;
    if (info.ssi_signo == SIGTERM || info.ssi_signo == SIGINT)
        d->stopping = true; /* SIGHUP: nothing is read from files while it runs */
}

/* One turn: read what everybody sent, and hand it to the disk if that is free; then one step
 * of one long read. A commit thus groups what arrived while the last one was syncing. */
static enum err turn(struct vaultd *d, struct pollfd *fds, size_t fixed, bool more)
{
    size_t n = fixed;
    for (struct client *c = d->clients; c; c = c->next)
        fds[n++] = (struct pollfd){c->fd, c->first ? POLLOUT : POLLIN, 0};
    if (poll(fds, n, more ? 0 : TICK_MS) < 0)
        return errno == EINTR ? OK : ERR_NET;
    if (fds[0].revents)
        take_signal(d);
    bool durable = fds[1].revents != 0;
    if (fixed > 2 && fds[2].revents)
        accept_client(d); /* put in front: not among the fds of this turn */
    enum err e = OK;
    struct client *c = d->clients;
    for (size_t skip = d->clients_count - (n - fixed); skip > 0; skip--)
        c = c->next;
    for (size_t i = fixed; e == OK && c; c = c->next, i++) {
        if (c->first && fds[i].revents) /* also at a hang-up: writing tells */
            client_write(c);
        if (fds[i].revents & (POLLIN | POLLHUP | POLLERR))
            e = client_read(c, d->frame, sizeof d->frame);
    }
    return e == OK ? vault_flush_some(d->vault, durable) : e;
}

static enum err serve(struct vaultd *d)
{
    struct pollfd fds[3 + VAULTD_CLIENTS_MAX + VAULTD_CHANNELS_MAX + 1] = {
        {d->signals, POLLIN, 0},
        {vault_flush_fd(d->vault), POLLIN, 0},
        {d->options->control_fd, POLLIN, 0}};
    size_t fixed = d->options->control_fd >= 0 ? 3 : 2;
    enum err e = OK;
    for (bool more = false; e == OK && !d->stopping;) {
        e = turn(d, fds, fixed, more);
        if (e == OK)
            e = vault_work(d->vault, &more);
        if (e == OK)
            e = tick(d);
        sweep(d);
    }
    return e == OK ? vault_flush(d->vault) : e;
}

static int open_signals(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGHUP);
    sigprocmask(SIG_BLOCK, &set, NULL);
    return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

/* A vault that once opened is worth another try, whatever went wrong while it served. */
static int exit_code(enum err e, bool opened)
{
    bool passing = opened || e == ERR_STORE || e == ERR_NOMEM || e == ERR_NET;
    return passing ? 1 : VAULTD_EXIT_REFUSED;
}

int vaultd_run(const struct vaultd_options *o)
{
    struct diag why = {0};
    struct vaultd *d = calloc(1, sizeof *d);
    if (!d)
        return 1;
    d->options = o;
    d->signals = open_signals();
    enum err e = d->signals < 0 ? ERR_NET : vault_open(&o->vault, &d->vault, &why);
    if (e != OK)
        say("error", "the vault does not open", why.what ? why.what : err_text(e));
    if (e == OK)
        e = add_channels(d);
    if (e == OK && o->ready_fd >= 0 && write(o->ready_fd, "", 1) != 1)
        e = ERR_NET;
    if (e == OK)
        e = serve(d);
    if (e != OK && d->vault)
        say("error", "the vault ends", err_text(e));
    if (d->vault)
        publish(d);
    while (d->clients)
        d->clients = client_free(d->clients);
    bool opened = d->vault != NULL;
    vault_close(d->vault, e == OK);
    if (d->signals >= 0)
        close(d->signals);
    int code = e == OK ? 0 : exit_code(e, opened);
    free(d);
    return code;
}
