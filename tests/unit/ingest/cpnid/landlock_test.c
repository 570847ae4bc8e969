/* Proves: the rules are the plan's, for folders and single files; a kernel that has Landlock
 * says which. confine_test.c has the probes from a whole confined process. */
#include "ingest/cpnid/confine.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

static char dir[] = "/tmp/cpni-landlock-XXXXXX";

static void enter(void)
{
    cr_assert(mkdtemp(dir));
    cr_assert_eq(chdir(dir), 0);
    close(open("a", O_CREAT | O_WRONLY, 0600));
    close(open("b", O_CREAT | O_WRONLY, 0600));
}

static void leave(void)
{
    unlink("a");
    unlink("b");
    cr_assert_eq(chdir("/"), 0);
    rmdir(dir);
}

TestSuite(landlock, .init = enter, .fini = leave);

enum { NO_LANDLOCK = 77 };

/* Applies a plan of file "a" and tries to open; gives errno or 0. */
static int opens(enum confine_access access, const char *name, int flags)
{
    int status;
    pid_t pid = fork();
    if (pid == 0) {
        struct confine_plan p = {0};
        int abi, fd = open("a", O_PATH);
        confine_path(&p, fd, access);
        prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
        enum err e = landlock_apply(&p, &abi, NULL);
        if (e != OK || abi < 1)
            _exit(e == ERR_NOTFOUND ? NO_LANDLOCK : 250);
        _exit(open(name, flags) < 0 ? errno : 0);
    }
    waitpid(pid, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

Test(landlock, a_rule_of_one_file_is_of_that_file)
{
    if (opens(CONFINE_READ, "a", O_RDONLY) == NO_LANDLOCK)
        return;
    cr_expect_eq(opens(CONFINE_READ, "a", O_RDONLY), 0);
    cr_expect_eq(opens(CONFINE_READ, "a", O_WRONLY), EACCES);
    cr_expect_eq(opens(CONFINE_READ, "b", O_RDONLY), EACCES);
    cr_expect_eq(opens(CONFINE_WRITE, "a", O_RDWR), 0);
    cr_expect_eq(opens(CONFINE_WRITE, "b", O_RDONLY), EACCES);
    cr_expect_eq(opens(CONFINE_READ, ".", O_RDONLY | O_DIRECTORY), EACCES);
}

Test(landlock, a_bad_descriptor_is_no_rule)
{
    struct confine_plan p = {0};
    int abi, status;
    confine_path(&p, -1, CONFINE_READ);
    pid_t pid = fork();
    if (pid == 0)
        _exit((int)landlock_apply(&p, &abi, NULL));
    waitpid(pid, &status, 0);
    cr_expect(WEXITSTATUS(status) == ERR_DENIED || WEXITSTATUS(status) == ERR_NOTFOUND);
}
