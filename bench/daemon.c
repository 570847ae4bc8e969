#include "bench/daemon.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench/pace.h"
#include "bench/put.h"
#include "proto/core/instant.h"

enum {
    PORT_HEP = 9060,
    PORT_HTTP = 8088,
    PORT_PULL = 7760,
    PORT_METRICS = 9464,
    CONFIG_BYTES = 8192,
    LOG_BYTES = 64 * 1024,
    START_US = 60 * US_PER_S,
    LOOK_US = 20 * US_PER_MS,
    ENV_MAX = 512
};

/* --- the configuration --- */

static void set_ports(const struct daemon_options *o, struct daemon *dm)
{
    dm->hep_port = (uint16_t)(PORT_HEP + o->port_offset);
    dm->http_port = (uint16_t)(PORT_HTTP + o->port_offset);
    dm->pull_port = (uint16_t)(PORT_PULL + o->port_offset);
    dm->metrics_port = (uint16_t)(PORT_METRICS + o->port_offset);
}

static void put_feed(const char *kind, const struct daemon *dm, struct buf *b)
{
    put_format(b, "  - name: %s\n    kind: %s\n", kind, kind);
    if (strcmp(kind, "hep") == 0)
        put_format(b, "    listen_udp: 127.0.0.1:%u\n    listen_tcp: 127.0.0.1:%u\n", dm->hep_port,
                   dm->hep_port);
    if (strcmp(kind, "asterisk_csv") == 0)
        put_format(b, "    path: %s\n    timezone: UTC\n", dm->file);
}

static void put_config(const struct daemon_options *o, const struct daemon *dm, struct buf *b)
{
    put_format(b, "state_dir: %s\nnpa_file: %s\nworkers: %u\n", o->place->state, o->npa_path,
               o->workers);
    put_format(b, "listen_http: 127.0.0.1:%u\nlisten_usage_pull: 127.0.0.1:%u\n", dm->http_port,
               dm->pull_port);
    put_format(b, "listen_usage_hint: 127.0.0.1:%u\nlisten_metrics: 127.0.0.1:%u\n",
               dm->pull_port + 1u, dm->metrics_port);
    put_format(b, "roles:\n  - {who: self, roles: [all]}\nfeeds:\n");
    for (size_t i = 0; i < o->feeds_count; i++)
        put_feed(o->feed_kind[i], dm, b);
}

/* For the workers' user to read, whatever the umask: making the vault left a strict one. */
static enum err write_file(const char *path, struct span text)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    ssize_t n = fd < 0 || fchmod(fd, 0644) != 0 ? -1 : write(fd, text.p, text.n);
    if (fd >= 0)
        close(fd);
    return n == (ssize_t)text.n ? OK : ERR_STORE;
}

static enum err configure(const struct daemon_options *o, struct daemon *dm,
                          char config[static DAEMON_PATH_BYTES])
{
    uint8_t room[CONFIG_BYTES];
    char spool[DAEMON_PATH_BYTES];
    struct buf b = buf_of(room, sizeof room);
    set_ports(o, dm);
    place_path(o->place, "state/control.sock", dm->socket);
    place_path(o->place, "spool", spool);
    place_path(o->place, "spool/Master.csv", dm->file);
    place_path(o->place, "cpnid.yaml", config);
    put_config(o, dm, &b);
    if (!buf_ok(&b) || (mkdir(spool, 0755) != 0 && errno != EEXIST) || chmod(spool, 0755) != 0)
        return ERR_STORE;
    enum err e = write_file(dm->file, SPAN_EMPTY);
    return e == OK ? write_file(config, buf_span(&b)) : e;
}

/* --- the program --- */

/* cpnid is installed beside cpnibench; a build has it in ingest/, and us in bench/. */
static enum err find_cpnid(const char *given, char out[static PATH_MAX])
{
    static const char *const PLACE[] = {"cpnid", "../ingest/cpnid"};
    char self[PATH_MAX];
    ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
    if (given)
        return realpath(given, out) && access(out, X_OK) == 0 ? OK : ERR_NOTFOUND;
    self[n > 0 ? n : 0] = 0;
    char *name = strrchr(self, '/');
    for (size_t i = 0; name && i < sizeof PLACE / sizeof PLACE[0]; i++) {
        snprintf(name + 1, sizeof self - (size_t)(name + 1 - self), "%s", PLACE[i]);
        if (realpath(self, out) && access(out, X_OK) == 0)
            return OK;
    }
    return ERR_NOTFOUND;
}

/* Ours, less what would override the configuration. */
static void environment(char *out[static ENV_MAX])
{
    size_t n = 0;
    for (char **e = environ; *e && n < ENV_MAX - 1; e++)
        if (!span_starts(span_str(*e), span_str("CPNID_")))
            out[n++] = *e;
    out[n] = NULL;
}

static enum err spawn(const char *cpnid, char *config, const char *log, pid_t *out)
{
    char *const ARGV[] = {(char[]){"cpnid"}, (char[]){"-c"}, config, NULL};
    char *env[ENV_MAX];
    posix_spawn_file_actions_t actions;
    environment(env);
    if (posix_spawn_file_actions_init(&actions) != 0)
        return ERR_NOMEM;
    bool ok = posix_spawn_file_actions_addopen(&actions, 1, log, O_WRONLY | O_CREAT | O_TRUNC,
                                               0644) == 0 &&
              posix_spawn_file_actions_adddup2(&actions, 1, 2) == 0 &&
              posix_spawn(out, cpnid, &actions, NULL, ARGV, env) == 0;
    posix_spawn_file_actions_destroy(&actions);
    return ok ? OK : ERR_NOTFOUND;
}

static bool says_ready(const char *log)
{
    static char text[LOG_BYTES];
    int fd = open(log, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof text);
    if (fd >= 0)
        close(fd);
    for (struct span rest = span_of(text, n > 0 ? (size_t)n : 0); rest.n;)
        if (span_is(span_cut(&rest, '\n'), "ready"))
            return true;
    return false;
}

static enum err wait_ready(const struct daemon *dm, const char *log)
{
    uint64_t give_up = pace_now_us() + START_US;
    while (!says_ready(log)) {
        if (waitpid(dm->pid, NULL, WNOHANG) != 0 || pace_now_us() > give_up)
            return ERR_SHUTDOWN;
        pace_pause_us(LOOK_US);
    }
    return OK;
}

enum err daemon_start(const struct daemon_options *o, struct daemon *out, struct diag *d)
{
    char config[DAEMON_PATH_BYTES], log[DAEMON_PATH_BYTES], cpnid[PATH_MAX];
    *out = (struct daemon){.pid = -1};
    if (find_cpnid(o->cpnid, cpnid) != OK)
        return diag_set(d, ERR_NOTFOUND, "there is no cpnid to start: --cpnid", 0);
    if (configure(o, out, config) != OK)
        return diag_set(d, ERR_STORE, "the configuration cannot be written", 0);
    place_path(o->place, "cpnid.log", log);
    enum err e = spawn(cpnid, config, log, &out->pid);
    if (e == OK)
        e = wait_ready(out, log);
    if (e == OK)
        return OK;
    if (out->pid > 0 && daemon_stop(out) != OK)
        e = ERR_SHUTDOWN;
    return diag_set(d, e, "cpnid did not start: cpnid.log in the folder of --state-dir tells why",
                    0);
}

enum err daemon_stop(struct daemon *dm)
{
    int status = 0;
    pid_t pid = dm->pid;
    dm->pid = -1;
    if (pid <= 0 || kill(pid, SIGTERM) != 0)
        return ERR_SHUTDOWN;
    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR)
            return ERR_SHUTDOWN;
    return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? OK : ERR_SHUTDOWN;
}
