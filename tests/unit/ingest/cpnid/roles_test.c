/* Proves what each role is given: which descriptors it keeps, which folders and ports, and
 * that no role is given what another one has (design.md 3). */
#include "ingest/cpnid/role.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static char dir[] = "/tmp/cpni-roles-XXXXXX";
static struct config c;
static struct role_fds fds;
static struct confine_plan plan;
static struct role_state *state[4]; /* they live as long as their process: never freed */
static size_t states;
static struct diag d;

/* Numbers stand for descriptors: prepare() only hands them on. */
enum {
    CONTROL = 100,
    WORKER = 110,
    VAULT = 120,
    FORWARD = 130,
    UDP = 140,
    TCP = 150,
    HTTP = 160,
    METRICS = 170
};

static void enter(void)
{
    static const char YAML[] =
        "workers: 2\n"
        "npa_file: npa.csv\n"
        "feeds:\n"
        "  - {name: hep, kind: hep, listen_udp: '127.0.0.1:9060', listen_tcp: '127.0.0.1:9060',\n"
        "     agents: [{id: 1, key_file: key}]}\n"
        "  - {name: pbx, kind: asterisk_csv, path: cdr/Master.csv, timezone: UTC}\n";
    static struct config_problems p;
    cr_assert(mkdtemp(dir));
    cr_assert_eq(chdir(dir), 0);
    cr_assert_eq(mkdir("cdr", 0755), 0);
    cr_assert_eq(mkdir("state", 0755), 0);
    FILE *f = fopen("npa.csv", "w");
    fputs("npa,country,region\n", f);
    fclose(f);
    f = fopen("key", "w");
    fputs("secret\n", f);
    fclose(f);
    cr_assert_eq(config_parse(span_str(YAML), &c, &p), OK, "%s", p.item[0].text);
    memset(&fds, 0xff, sizeof fds);
    fds.state_dir = open("state", O_RDONLY | O_DIRECTORY);
    fds.control = CONTROL;
    fds.http = HTTP;
    fds.metrics = METRICS;
    fds.forward_vault[0] = FORWARD;
    fds.forward_vault[1] = VAULT + 9;
    fds.feed_tcp[0] = TCP;
    for (int w = 0; w < 2; w++) {
        fds.ingest_vault[w][0] = WORKER + w;
        fds.ingest_vault[w][1] = VAULT + w;
        fds.feed_udp[w][0] = UDP + w;
    }
}

static void leave(void)
{
    cr_assert_eq(chdir(dir), 0);
    unlink("npa.csv");
    unlink("key");
    unlink("root");
    rmdir("cdr");
    rmdir("state");
    cr_assert_eq(chdir("/"), 0);
    rmdir(dir);
}

TestSuite(roles, .init = enter, .fini = leave);

static enum err prepare(enum role_kind kind, unsigned worker)
{
    struct role_context x = {
        .config = &c, .fds = &fds, .worker = worker, .slots_count = 5, .ready_fd = 200};
    plan = (struct confine_plan){0};
    return DAEMON_ROLES[kind].prepare(&x, &plan, &state[states++], &d);
}

static bool keeps(int fd)
{
    for (size_t i = 0; i < plan.keep_count; i++)
        if (plan.keep[i] == fd)
            return true;
    return false;
}

static size_t kept(void)
{
    size_t n = 0;
    for (size_t i = 0; i < plan.keep_count; i++)
        n += plan.keep[i] >= 0;
    return n;
}

static bool may_see(const char *path)
{
    struct stat want, st;
    cr_assert_eq(stat(path, &want), 0);
    for (size_t i = 0; i < plan.paths_count; i++)
        if (fstat(plan.path[i].fd, &st) == 0 && st.st_ino == want.st_ino &&
            st.st_dev == want.st_dev)
            return true;
    return false;
}

Test(roles, the_vault_has_its_ends_and_its_directory)
{
    cr_assert_eq(prepare(ROLE_KIND_VAULT, 0), OK);
    cr_expect(keeps(CONTROL) && keeps(VAULT) && keeps(VAULT + 1) && keeps(VAULT + 9));
    cr_expect_eq(kept(), 4, "and no socket of a network");
    cr_expect_eq(plan.paths_count, 1);
    cr_expect(may_see(".") && plan.path[0].access == CONFINE_WRITE);
    cr_expect_eq(plan.ports_count, 0);
    cr_expect_gt(plan.locked_bytes, c.dek_cache_slots * 128);
    char cwd[64];
    cr_expect(strstr(getcwd(cwd, sizeof cwd), "/state"), "it works in its directory");
}

Test(roles, a_root_key_elsewhere_may_be_read)
{
    close(open("root", O_CREAT | O_WRONLY, 0600));
    snprintf(c.root_key_file, sizeof c.root_key_file, "root");
    cr_assert_eq(prepare(ROLE_KIND_VAULT, 0), OK);
    cr_expect_eq(plan.paths_count, 2);
    cr_expect(may_see("../root"));
    cr_expect_eq(plan.path[0].access, CONFINE_READ);
    snprintf(c.root_key_file, sizeof c.root_key_file, "none");
    cr_expect_eq(prepare(ROLE_KIND_VAULT, 0), ERR_NOTFOUND);
    cr_expect_str_eq(d.what, "root_key_file");
}

Test(roles, a_worker_has_its_own_sockets)
{
    for (unsigned w = 0; w < 2; w++) {
        cr_assert_eq(prepare(ROLE_KIND_INGEST, w), OK, "%s", d.what);
        cr_expect(keeps(WORKER + (int)w) && keeps(UDP + (int)w) && keeps(TCP) && keeps(HTTP));
        cr_expect_not(keeps(WORKER + 1 - (int)w) || keeps(UDP + 1 - (int)w) || keeps(VAULT) ||
                      keeps(CONTROL));
        cr_expect_eq(may_see("cdr"), w == 1, "a file has one reader");
        cr_expect_eq(kept(), 4U + w, "the folder is open too");
        cr_expect_not(may_see("state"));
        for (size_t i = 0; i < plan.paths_count; i++)
            cr_expect_eq(plan.path[i].access, CONFINE_READ);
        cr_expect_eq(plan.ports_count, 0);
    }
}

Test(roles, what_a_worker_cannot_do_without_is_told)
{
    unlink("key");
    cr_expect_eq(prepare(ROLE_KIND_INGEST, 0), ERR_NOTFOUND);
    cr_expect(strstr(d.what, "key_file"));
    unlink("npa.csv");
    cr_expect_eq(prepare(ROLE_KIND_INGEST, 0), ERR_NOTFOUND);
    cr_expect_str_eq(d.what, "npa_file");
}

/* I10: the other feeds go on. */
Test(roles, a_folder_that_has_gone_stops_its_feed_only)
{
    rmdir("cdr");
    cr_expect_eq(prepare(ROLE_KIND_INGEST, 1), OK);
    cr_expect_eq(plan.paths_count, 0);
    cr_expect(keeps(UDP + 1));
}

Test(roles, forward_and_metrics_have_next_to_nothing)
{
    cr_assert_eq(prepare(ROLE_KIND_FORWARD, 0), OK);
    cr_expect(kept() == 1 && keeps(FORWARD));
    cr_expect_eq(plan.paths_count, 0);
    cr_expect(plan.ports_count == 2 && plan.tcp_bind[0] == 7760 && plan.tcp_bind[1] == 7761);
    cr_assert_eq(prepare(ROLE_KIND_METRICS, 0), OK);
    cr_expect(kept() == 1 && keeps(METRICS));
    cr_expect_eq(plan.paths_count + plan.ports_count, 0);
}

Test(roles, the_table)
{
    for (unsigned i = 0; i < ROLE_KIND_COUNT; i++) {
        const struct daemon_role *r = &DAEMON_ROLES[i];
        unsigned calls = r->confinement.syscalls;
        cr_expect(r->name && r->prepare && r->run && r->stop_order > 0);
        cr_expect_eq((calls & SYSCALLS_NETWORK) != 0, i == ROLE_KIND_FORWARD);
        cr_expect_eq((calls & SYSCALLS_WRITE_FILES) != 0, i == ROLE_KIND_VAULT);
        cr_expect_eq((calls & SYSCALLS_LOCK_MEMORY) != 0, i == ROLE_KIND_VAULT);
    }
    cr_expect_lt(DAEMON_ROLES[ROLE_KIND_INGEST].stop_order,
                 DAEMON_ROLES[ROLE_KIND_VAULT].stop_order);
    cr_expect_lt(DAEMON_ROLES[ROLE_KIND_FORWARD].stop_order,
                 DAEMON_ROLES[ROLE_KIND_VAULT].stop_order);
    cr_expect_eq(role_of_slot(0), ROLE_KIND_VAULT);
    cr_expect_eq(role_of_slot(3), ROLE_KIND_INGEST);
    cr_expect_eq(role_of_slot(18), ROLE_KIND_INGEST);
}
