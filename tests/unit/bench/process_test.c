/* Proves: time, memory, name and children of a process are what the kernel says, and a tree's bytes
 * are the sum of its files. */
#include "bench/process.h"

#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench/pace.h"

static void burn(void)
{
    struct rusage u;
    do
        getrusage(RUSAGE_SELF, &u);
    while (u.ru_utime.tv_sec * 1000000 + u.ru_utime.tv_usec + u.ru_stime.tv_sec * 1000000 +
               u.ru_stime.tv_usec <
           150000);
}

Test(process, our_own_figures)
{
    struct result_process p;
    burn();
    cr_assert_eq(process_sample(getpid(), &p), OK);
    cr_expect_geq(p.cpu_us, 120000u);
    cr_expect_lt(p.cpu_us, 20000000u);
    cr_expect(p.rss_max_kib > 1000 && p.rss_max_kib < 4u << 20, "%llu",
              (unsigned long long)p.rss_max_kib);
    cr_expect_gt(strlen(p.name), 3u);
}

Test(process, children_are_found)
{
    pid_t family[8], child = fork();
    if (child == 0) {
        pause();
        _exit(0);
    }
    size_t n = process_family(getpid(), family, 8);
    cr_assert_geq(n, 2u);
    cr_expect_eq(family[0], getpid());
    bool found = false;
    for (size_t i = 1; i < n; i++)
        found |= family[i] == child;
    cr_expect(found);
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    struct result_process p;
    cr_expect_eq(process_sample(child, &p), ERR_NOTFOUND);
}

Test(process, bytes_of_a_tree)
{
    char dir[] = "/tmp/cpnibench-test-XXXXXX", path[128];
    cr_assert(mkdtemp(dir));
    snprintf(path, sizeof path, "%s/below", dir);
    cr_assert_eq(mkdir(path, 0700), 0);
    static const char *const NAME[] = {"a", "below/b"};
    for (size_t i = 0; i < 2; i++) {
        snprintf(path, sizeof path, "%s/%s", dir, NAME[i]);
        FILE *f = fopen(path, "w");
        fprintf(f, "%*s", 100 * ((int)i + 1), "");
        fclose(f);
    }
    cr_expect_eq(process_tree_bytes(dir), 300u);
    cr_expect_eq(process_tree_bytes("/nonexistent"), 0u);
    for (size_t i = 2; i-- > 0;) {
        snprintf(path, sizeof path, "%s/%s", dir, NAME[i]);
        unlink(path);
    }
    snprintf(path, sizeof path, "%s/below", dir);
    rmdir(path);
    rmdir(dir);
}
