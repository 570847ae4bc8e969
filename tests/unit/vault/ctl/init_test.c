/* `cpnictl init` makes a vault that opens, at the paths that were asked for, closed to
 * others, and never twice. */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/lib/control_fake.h"
#include "tests/lib/remove_tree.h"
#include "vault/local.h"

static char dir[] = "/tmp/cpni-init-XXXXXX";
static int home;

static void setup(void)
{
    home = open(".", O_RDONLY | O_DIRECTORY);
    cr_assert_not_null(mkdtemp(dir));
    cr_assert_eq(chdir(dir), 0);
}

static void teardown(void)
{
    cr_assert_eq(fchdir(home), 0);
    remove_tree(dir);
}

TestSuite(init, .init = setup, .fini = teardown, .timeout = 60);

#define RUN(...) ctl_result_of(NULL, (const char *const[]){"init", __VA_ARGS__, NULL})

static int status_of(struct ctl_result r)
{
    int status = r.status;
    ctl_result_free(&r);
    return status;
}

static mode_t mode_of(const char *path)
{
    struct stat st = {0};
    cr_expect_eq(stat(path, &st), 0, "%s", path);
    return st.st_mode & 0777;
}

Test(init, makes_a_vault_once)
{
    cr_assert_eq(status_of(RUN("--state-dir", "state")), CONTROL_DONE);
    struct vault_options o;
    struct vault *v = NULL;
    struct diag d = {0};
    vault_options_default(&o);
    cr_assert_eq(vault_open(&o, &v, &d), OK, "%s", d.what);
    vault_close(v, true);
    cr_expect_eq(mode_of("."), 0700);
    cr_expect_eq(mode_of(o.root_key_path), 0600);

    cr_assert_eq(chdir(dir), 0);
    struct ctl_result r = RUN("--state-dir", "state");
    cr_expect_eq(r.status, CONTROL_FAILED);
    cr_expect_str_eq(r.err, "cpnictl: there is a vault already; nothing was changed\n");
    ctl_result_free(&r);
}

Test(init, the_root_key_is_where_the_user_says_from_where_he_is)
{
    cr_assert_eq(status_of(RUN("--state-dir=state", "--root-key=my.key")), CONTROL_DONE);
    cr_assert_eq(chdir(dir), 0);
    cr_expect_eq(mode_of("my.key"), 0600);
    cr_expect_neq(access("state/root.key", F_OK), 0);
}

Test(init, a_directory_that_cannot_be_is_told)
{
    struct ctl_result r = RUN("--state-dir", "/nonexistent/state");
    cr_expect_eq(r.status, CONTROL_FAILED);
    cr_expect_str_eq(r.err, "cpnictl: the state directory cannot be made\n");
    ctl_result_free(&r);
}
