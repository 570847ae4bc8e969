/* Proves, on a folder that looks like control groups: the limit and the processes are written as
 * the kernel wants them; where the io controller is not there, the throttle is refused. */
#include "bench/throttle.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char root[] = "/tmp/throttle_test-XXXXXX";
static char group[THROTTLE_PATH_BYTES];

static void put(const char *dir, const char *name, const char *text)
{
    char path[THROTTLE_PATH_BYTES + 64];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    FILE *f = fopen(path, "w");
    fputs(text, f);
    fclose(f);
}

static void get(const char *name, char out[static 256])
{
    char path[THROTTLE_PATH_BYTES + 64];
    snprintf(path, sizeof path, "%s/%s", group, name);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = read(fd, out, 255);
    out[n > 0 ? n : 0] = 0;
    close(fd);
    unlink(path);
}

static void setup(void)
{
    cr_assert_not_null(mkdtemp(root));
}

static void teardown(void)
{
    char path[THROTTLE_PATH_BYTES];
    snprintf(path, sizeof path, "%s/cgroup.subtree_control", root);
    unlink(path);
    rmdir(root);
}

TestSuite(throttle, .init = setup, .fini = teardown);

Test(throttle, refused_without_the_controller)
{
    struct throttle t = {.group = ""};
    struct throttle_options o = {.root = root, .dir = root, .bytes_per_s = 1};
    struct diag d = {.what = NULL};
    cr_expect_eq(throttle_begin(&o, &t, &d), ERR_DENIED);
    put(root, "cgroup.subtree_control", "cpu memory iox\n");
    cr_expect_eq(throttle_begin(&o, &t, &d), ERR_DENIED);
    cr_expect_not_null(d.what);
    throttle_end(&t);
}

/* The kernel makes a group's files with it. Here they are not there: nothing can be written, which
 * must be noticed; then they are. */
Test(throttle, limit_and_processes)
{
    struct throttle t = {.group = ""};
    const pid_t pid[] = {11, 12};
    struct throttle_options o = {
        .root = root, .dir = "/", .bytes_per_s = 5000, .pid = pid, .pids_count = 2};
    struct diag d = {.what = NULL};
    char text[256], want[256];
    struct stat st;
    put(root, "cgroup.subtree_control", "cpu io memory\n");
    cr_expect_eq(throttle_begin(&o, &t, &d), ERR_DENIED);
    throttle_end(&t);
    snprintf(group, sizeof group, "%s/cpnibench-%ld", root, (long)getpid());
    cr_assert_eq(mkdir(group, 0700), 0);
    put(group, "io.max", "");
    put(group, "cgroup.procs", "");
    cr_assert_eq(throttle_begin(&o, &t, &d), OK, "%s", d.what);
    stat("/", &st);
    get("io.max", text);
    snprintf(want, sizeof want, "%u:%u wbps=5000", (unsigned)(st.st_dev >> 8) & 0xfff,
             (unsigned)(st.st_dev & 0xff));
    cr_expect_str_eq(text, want);
    get("cgroup.procs", text);
    cr_expect_str_eq(text, "12", "one a write: the kernel takes it and the file is empty again");
    throttle_end(&t);
    cr_expect_neq(access(group, F_OK), 0);
}
