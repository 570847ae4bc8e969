/* Proves: names and numbers of users become the right ids; nobody becomes root by the
 * configuration; the state directory is given to the vault's user once, links and all
 * that is not root's left alone. What needs root is skipped without. */
#include "ingest/cpnid/users.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static char dir[] = "/tmp/cpni-users-XXXXXX";
static int state;
static struct config c;

static void touch(const char *name)
{
    int fd = openat(state, name, O_CREAT | O_WRONLY, 0600);
    cr_assert_geq(fd, 0);
    close(fd);
}

static void enter(void)
{
    cr_assert(mkdtemp(dir));
    state = open(dir, O_RDONLY | O_DIRECTORY);
    config_default(&c);
}

static void leave(void)
{
    static const char *const NAMES[] = {"db/file", "file", "link", "hard", "other", "control.sock"};
    for (size_t i = 0; i < sizeof NAMES / sizeof NAMES[0]; i++)
        unlinkat(state, NAMES[i], 0);
    unlinkat(state, "db", AT_REMOVEDIR);
    rmdir(dir);
}

TestSuite(users, .init = enter, .fini = leave);

static struct role_user user[ROLE_KIND_COUNT];
static gid_t control;
static const char *who;

static enum err resolve(void)
{
    return users_resolve(&c, state, user, &control, &who);
}

Test(users, by_default_each_role_has_a_number_of_its_own)
{
    cr_assert_eq(resolve(), OK);
    static const uid_t WANT[ROLE_KIND_COUNT] = {USER_VAULT, USER_FORWARD, USER_METRICS,
                                                USER_INGEST};
    for (unsigned i = 0; i < ROLE_KIND_COUNT; i++) {
        cr_expect_eq(user[i].drop, geteuid() == 0);
        cr_expect_eq(user[i].uid, geteuid() == 0 ? WANT[i] : geteuid());
    }
    cr_expect_eq(control, 0);
}

Test(users, names_and_numbers)
{
    static const struct {
        const char *name;
        enum err e;
        uid_t uid;
    } ROWS[] = {{"daemon", OK, 1},       {"4711", OK, 4711},   {"no-such-user", ERR_NOTFOUND, 0},
                {"root", ERR_DENIED, 0}, {"0", ERR_DENIED, 0}, {"4294967295", ERR_NOTFOUND, 0}};
    for (size_t i = 0; i < sizeof ROWS / sizeof ROWS[0]; i++) {
        snprintf(c.user_ingest, sizeof c.user_ingest, "%s", ROWS[i].name);
        cr_expect_eq(resolve(), ROWS[i].e, "%s", ROWS[i].name);
        if (ROWS[i].e != OK)
            cr_expect_str_eq(who, "user_ingest");
        else if (geteuid() == 0)
            cr_expect_eq(user[ROLE_KIND_INGEST].uid, ROWS[i].uid);
    }
}

Test(users, groups)
{
    snprintf(c.group_ingest, sizeof c.group_ingest, "adm");
    snprintf(c.group_control, sizeof c.group_control, "4712");
    cr_assert_eq(resolve(), OK);
    cr_expect_eq(control, 4712);
    if (geteuid() == 0)
        cr_expect_eq(user[ROLE_KIND_INGEST].extra, 4);
    snprintf(c.group_control, sizeof c.group_control, "no-such-group");
    cr_expect_eq(resolve(), ERR_NOTFOUND);
    cr_expect_str_eq(who, "group_control");
}

Test(users, the_owner_of_the_directory_is_the_vault)
{
    if (geteuid() != 0)
        return;
    cr_assert_eq(fchown(state, 4711, 4712), 0);
    cr_assert_eq(resolve(), OK);
    cr_expect_eq(user[ROLE_KIND_VAULT].uid, 4711);
    cr_expect_eq(user[ROLE_KIND_VAULT].gid, 4712);
    snprintf(c.user_vault, sizeof c.user_vault, "1");
    cr_assert_eq(resolve(), OK);
    cr_expect_eq(user[ROLE_KIND_VAULT].uid, 1, "the configuration goes first");
}

Test(users, grants)
{
    static struct config_problems p;
    struct user_grant g[8];
    c.grants_count = 5;
    static const struct config_grant ROWS[] = {
        {"self", 1, 10}, {"daemon", 2, 11}, {"@adm", 4, 12}, {"ghost", 8, 13}, {"root", 16, 14}};
    memcpy(c.grant, ROWS, sizeof ROWS);
    cr_assert_eq(users_grants(&c, 4711, g, 8, &p), 4);
    static const struct user_grant WANT[] = {
        {false, 4711, 1}, {false, 1, 2}, {true, 4, 4}, {false, 0, 16}};
    for (size_t i = 0; i < 4; i++) {
        cr_expect_eq(g[i].group, WANT[i].group);
        cr_expect_eq(g[i].id, WANT[i].id);
        cr_expect_eq(g[i].roles, WANT[i].roles);
    }
    cr_expect_eq(p.count, 1);
    cr_expect_eq(p.item[0].line, 13);
}

static uid_t owner(const char *name)
{
    struct stat st;
    cr_assert_eq(fstatat(state, name, &st, AT_SYMLINK_NOFOLLOW), 0);
    return st.st_uid;
}

Test(users, the_state_is_adopted)
{
    char target[] = "/tmp/cpni-target-XXXXXX";
    struct stat st;
    if (geteuid() != 0)
        return;
    int fd = mkstemp(target);
    cr_assert_eq(mkdirat(state, "db", 0700), 0);
    touch("db/file");
    touch("file");
    touch("other");
    touch("control.sock");
    cr_assert_eq(fchownat(state, "other", 4711, 4711, 0), 0);
    cr_assert_eq(symlinkat(target, state, "link"), 0);
    cr_assert_eq(linkat(AT_FDCWD, target, state, "hard", 0), 0);
    cr_assert_eq(state_adopt(state, USER_VAULT, USER_VAULT, 4712, NULL), OK);
    cr_expect_eq(owner("db"), USER_VAULT);
    cr_expect_eq(owner("db/file"), USER_VAULT);
    cr_expect_eq(owner("file"), USER_VAULT);
    cr_expect_eq(owner("other"), 4711, "not root's: not ours to give");
    cr_expect_eq(owner("link"), 0);
    cr_assert_eq(fstat(fd, &st), 0);
    cr_expect_eq(st.st_uid, 0, "a file elsewhere was given away through a link");
    cr_assert_eq(fstat(state, &st), 0);
    cr_expect_eq(st.st_uid, USER_VAULT);
    cr_expect_eq(st.st_gid, 4712);
    cr_expect_eq(st.st_mode & 07777, 0710);
    cr_assert_eq(fstatat(state, "control.sock", &st, 0), 0);
    cr_expect_eq(st.st_gid, 4712);
    unlink(target);
}
