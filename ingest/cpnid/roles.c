/* The table of roles, and how each one's options are filled from configuration and
 * descriptors. Runs in the child: what is allocated here lives as long as the process. */
#include "ingest/cpnid/role.h"

#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

#include "ingest/cpnid/files.h"
#include "ingest/cpnid/log.h"
#include "ingest/cpnid/metricsd.h"
#include "ingest/cpnid/users.h"
#include "ingest/forwardd.h"
#include "ingest/ingestd.h"
#include "proto/core/check.h"
#include "vault/serve/vaultd.h"

struct role_state {
    struct metrics metrics;
    union {
        struct vaultd_options vault;
        struct ingestd_options ingest;
        struct forwardd_options forward;
        struct metricsd_options metrics;
    } options;
    char root_key[PATH_MAX];
    char pull[CONFIG_ADDRESS_TEXT_BYTES], hint[CONFIG_ADDRESS_TEXT_BYTES];
    struct ingest_feed feed[FEEDS_MAX];
    struct ingest_agent agent[CONFIG_AGENTS_MAX];
    char folder[FEEDS_MAX][PATH_MAX];
};

static enum err new_state(const struct role_context *x, struct role_state **out)
{
    struct role_state *s = calloc(1, sizeof *s);
    if (!s)
        return ERR_NOMEM;
    s->metrics = x->metrics;
    *out = s;
    return OK;
}

/* --- vault --- */
/* vault/crypt/sealer.h: two cache lines a key; and the keyring itself. */
enum { KEY_SLOT_BYTES = 128, LOCKED_BYTES_BASE = 2 * 1024 * 1024 };

/* A root key elsewhere than in the state directory: its path must be open to the user of
 * the vault, for it is opened after everything else was given up. */
static enum err prepare_root_key(const struct config *c, struct confine_plan *plan,
                                 struct role_state *s, struct diag *d)
{
    if (c->root_key_file[0] == '\0')
        return OK;
    if (!realpath(c->root_key_file, s->root_key))
        return diag_set(d, ERR_NOTFOUND, "root_key_file", 0);
    int fd = open(s->root_key, O_PATH | O_CLOEXEC);
    if (fd < 0)
        return diag_set(d, ERR_DENIED, "root_key_file", 0);
    confine_path(plan, fd, CONFINE_READ);
    s->options.vault.vault.root_key_path = s->root_key;
    return OK;
}

static void vault_options(const struct config *c, struct vault_options *o)
{
    vault_options_default(o);
    o->memory_bytes = (size_t)c->memory_mb << 20;
    o->key_cache_slots = c->dek_cache_slots;
    o->require_locked_memory = c->require_locked_memory;
    o->usage_period_s = (uint32_t)c->usage_period_s;
    o->usage_increments = c->usage_increments;
    o->usage_checkpoint_ms = (uint32_t)c->usage_checkpoint_ms;
    o->unassigned_in_usage = c->unassigned_in_usage;
}

static void vault_channels(const struct role_context *x, struct confine_plan *plan,
                           struct vaultd_options *o)
{
    _Static_assert((int)CONFIG_WORKERS_MAX <= (int)VAULTD_CHANNELS_MAX, "a channel a worker");
    o->ingest_count = x->config->workers;
    for (size_t i = 0; i < o->ingest_count; i++) {
        o->ingest_fd[i] = x->fds->ingest_vault[i][1];
        confine_keep(plan, o->ingest_fd[i]);
    }
    o->forward_fd = x->fds->forward_vault[1];
    o->control_fd = x->fds->control;
    confine_keep(plan, o->forward_fd);
    confine_keep(plan, o->control_fd);
}

static void vault_grants(const struct role_context *x, struct vaultd_options *o)
{
    _Static_assert((int)CONFIG_GRANTS_MAX <= (int)VAULTD_GRANTS_MAX, "a grant a row");
    o->grants_count = x->grants_count;
    for (size_t i = 0; i < x->grants_count; i++)
        o->grant[i] = (struct vaultd_grant){x->grant[i].group, x->grant[i].id, x->grant[i].roles};
}

static enum err vault_prepare(const struct role_context *x, struct confine_plan *plan,
                              struct role_state **out, struct diag *d)
{
    enum err e = new_state(x, out);
    if (e != OK)
        return e;
    struct vaultd_options *o = &(*out)->options.vault;
    vault_options(x->config, &o->vault);
    vault_channels(x, plan, o);
    vault_grants(x, o);
    o->ready_fd = x->ready_fd;
    o->vault.metrics = &(*out)->metrics;
    plan->locked_bytes = LOCKED_BYTES_BASE + x->config->dek_cache_slots * KEY_SLOT_BYTES;
    e = prepare_root_key(x->config, plan, *out, d);
    confine_path(plan, x->fds->state_dir, CONFINE_WRITE);
    if (e == OK && fchdir(x->fds->state_dir) != 0)
        e = diag_set(d, ERR_DENIED, "the state directory cannot be entered", 0);
    return e;
}

static int vault_run(struct role_state *s)
{
    return vaultd_run(&s->options.vault);
}

/* --- ingest --- */
/* A folder that has gone stops its feed only (I10). */
static void ingest_folder(const struct config_feed *from, struct confine_plan *plan,
                          struct ingest_feed *to, char real[static PATH_MAX])
{
    char folder[CONFIG_PATH_BYTES];
    path_split(from->path, folder, &to->file_name);
    to->dir_fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (to->dir_fd < 0) {
        log_reason("error", "ingest", "a feed's folder cannot be opened", from->name);
        return;
    }
    to->dir_path = realpath(folder, real);
    confine_keep(plan, to->dir_fd);
    confine_path(plan, to->dir_fd, CONFINE_READ);
}

static enum err ingest_agents(const struct config *c, const struct config_feed *from,
                              struct ingest_agent *agents, struct ingest_feed *to, struct diag *d)
{
    for (size_t i = 0; i < from->agents_count; i++) {
        const struct config_agent *a = &c->agent[from->agents_first + i];
        struct ingest_agent *agent = &agents[from->agents_first + i];
        agent->id = a->id;
        if (key_read(a->key_file, &agent->key) != OK)
            return diag_set(d, ERR_NOTFOUND, "key_file of an agent", 0);
    }
    to->agents = &agents[from->agents_first];
    to->agents_count = from->agents_count;
    return OK;
}

static enum err ingest_feed(const struct role_context *x, size_t i, struct confine_plan *plan,
                            struct role_state *s, struct diag *d)
{
    const struct config_feed *from = &x->config->feed[i];
    struct ingest_feed *to = &s->feed[i];
    *to = (struct ingest_feed){INGEST_FEED_DEFAULTS};
    to->name = from->name;
    to->kind = from->kind;
    to->number_plan = from->number_plan;
    to->default_country = from->default_country[0] ? from->default_country : NULL;
    to->timezone = from->timezone;
    to->udp_fd = x->fds->feed_udp[x->worker][i];
    to->tcp_fd = x->fds->feed_tcp[i];
    confine_keep(plan, to->udp_fd);
    confine_keep(plan, to->tcp_fd);
    if (from->path[0] && i % x->config->workers == x->worker)
        ingest_folder(from, plan, to, s->folder[i]);
    if (from->timezone[0] && zone_read(from->timezone, &to->tzif) != OK)
        return diag_set(d, ERR_NOTFOUND, "timezone", 0);
    if (from->map[0] && file_read(from->map, MAP_FILE_BYTES_MAX, &to->map) != OK)
        return diag_set(d, ERR_NOTFOUND, "map", 0);
    return ingest_agents(x->config, from, s->agent, to, d);
}

static void ingest_knobs(const struct config *c, struct ingestd_options *o)
{
    o->flush_ms = (uint32_t)c->flush_ms;
    o->drain_ms = (uint32_t)(c->drain_ms / 10 * 9); /* before the parent loses patience */
    o->dialogs_max = c->dialogs_max / c->workers;
    o->checkpoint_ms = (uint32_t)c->checkpoint_ms;
    o->tcp_connections_max = (uint32_t)c->tcp_connections_max;
    o->tcp_idle_s = (uint32_t)c->tcp_idle_s;
    o->http_connections_max = (uint32_t)c->http_connections_max;
    o->http_body_bytes_max = (uint32_t)c->http_body_bytes_max;
    o->http_idle_s = (uint32_t)c->http_idle_s;
    o->retry_after_s = (uint32_t)c->retry_after_s;
    o->file_poll_ms = (uint32_t)c->file_poll_ms;
}

static enum err ingest_prepare(const struct role_context *x, struct confine_plan *plan,
                               struct role_state **out, struct diag *d)
{
    enum err e = new_state(x, out);
    if (e != OK)
        return e;
    struct ingestd_options *o = &(*out)->options.ingest;
    *o = (struct ingestd_options){.feed = (*out)->feed,
                                  .feeds_count = x->config->feeds_count,
                                  .worker = x->worker,
                                  .workers = (unsigned)x->config->workers,
                                  .vault_fd = x->fds->ingest_vault[x->worker][0],
                                  .http_fd = x->fds->http,
                                  .ready_fd = x->ready_fd,
                                  .metrics = &(*out)->metrics};
    ingest_knobs(x->config, o);
    confine_keep(plan, o->vault_fd);
    confine_keep(plan, o->http_fd);
    e = file_read(x->config->npa_file, NPA_FILE_BYTES_MAX, &o->npa);
    if (e != OK)
        return diag_set(d, e, "npa_file", 0);
    for (size_t i = 0; e == OK && i < o->feeds_count; i++)
        e = ingest_feed(x, i, plan, *out, d);
    return e;
}

static int ingest_run(struct role_state *s)
{
    return ingestd_run(&s->options.ingest);
}

/* --- forward --- */
static enum err forward_prepare(const struct role_context *x, struct confine_plan *plan,
                                struct role_state **out, struct diag *d)
{
    (void)d;
    enum err e = new_state(x, out);
    if (e != OK)
        return e;
    struct role_state *s = *out;
    config_address_text(&x->config->listen_usage_pull, s->pull);
    config_address_text(&x->config->listen_usage_hint, s->hint);
    s->options.forward = (struct forwardd_options){.vault_fd = x->fds->forward_vault[0],
                                                   .pull_address = s->pull,
                                                   .hint_address = s->hint,
                                                   .ready_fd = x->ready_fd,
                                                   .metrics = &s->metrics};
    confine_keep(plan, s->options.forward.vault_fd);
    confine_port(plan, x->config->listen_usage_pull.port);
    confine_port(plan, x->config->listen_usage_hint.port);
    return OK;
}

static int forward_run(struct role_state *s)
{
    return forwardd_run(&s->options.forward);
}

/* --- metrics --- */
static enum err metrics_prepare(const struct role_context *x, struct confine_plan *plan,
                                struct role_state **out, struct diag *d)
{
    (void)d;
    enum err e = new_state(x, out);
    if (e != OK)
        return e;
    (*out)->options.metrics = (struct metricsd_options){.listen_fd = x->fds->metrics,
                                                        .metrics = &(*out)->metrics,
                                                        .roles_count = x->slots_count,
                                                        .ready_fd = x->ready_fd};
    confine_keep(plan, x->fds->metrics);
    return OK;
}

static int metrics_run(struct role_state *s)
{
    return metricsd_run(&s->options.metrics);
}

/* Ingest ends first: what it has read is on its way, and it waits for the receipts. */
const struct daemon_role DAEMON_ROLES[ROLE_KIND_COUNT] = {
    [ROLE_KIND_VAULT] = {"vault",
                         3,
                         {SYSCALLS_SOCKETS | SYSCALLS_READ_FILES | SYSCALLS_WRITE_FILES |
                          SYSCALLS_LOCK_MEMORY},
                         vault_prepare,
                         vault_run},
    [ROLE_KIND_FORWARD] =
        {"forward", 2, {SYSCALLS_SOCKETS | SYSCALLS_NETWORK}, forward_prepare, forward_run},
    [ROLE_KIND_METRICS] = {"metrics", 4, {SYSCALLS_SOCKETS}, metrics_prepare, metrics_run},
    [ROLE_KIND_INGEST] =
        {"ingest", 1, {SYSCALLS_SOCKETS | SYSCALLS_READ_FILES}, ingest_prepare, ingest_run},
};
