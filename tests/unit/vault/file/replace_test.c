/* Proves: a file is replaced whole or not at all, and is its owner's only. */
#include "vault/file/replace.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

struct place {
    char dir[32], path[64], beside[80];
};

static struct place place_new(void)
{
    struct place p;
    snprintf(p.dir, sizeof p.dir, "/tmp/cpni-file-XXXXXX");
    cr_assert(mkdtemp(p.dir));
    snprintf(p.path, sizeof p.path, "%s/file", p.dir);
    snprintf(p.beside, sizeof p.beside, "%s.new", p.path);
    return p;
}

static void place_done(const struct place *p)
{
    unlink(p->path);
    unlink(p->beside);
    rmdir(p->dir);
}

static void expect_content(const struct place *p, const char *text)
{
    char got[32];
    int fd = open(p->path, O_RDONLY);
    ssize_t n = read(fd, got, sizeof got);
    close(fd);
    cr_expect(span_is(span_of(got, n > 0 ? (size_t)n : 0), text));
}

Test(replace, makes_and_replaces)
{
    struct place p = place_new();
    struct stat st;
    umask(0);
    cr_assert_eq(file_replace(p.path, span_str("first, and longer")), OK);
    expect_content(&p, "first, and longer");
    cr_assert_eq(file_replace(p.path, span_str("second")), OK);
    expect_content(&p, "second");
    cr_assert_eq(stat(p.path, &st), 0);
    cr_expect_eq(st.st_mode & 0777, 0600);
    cr_expect_neq(access(p.beside, F_OK), 0, "nothing is left beside");
    place_done(&p);
}

Test(replace, what_a_crash_left_beside_is_no_matter)
{
    struct place p = place_new();
    int fd = open(p.beside, O_WRONLY | O_CREAT, 0600);
    cr_assert(write(fd, "a torn and very long remainder", 30) == 30);
    close(fd);
    cr_assert_eq(file_replace(p.path, span_str("whole")), OK);
    expect_content(&p, "whole");
    place_done(&p);
}

Test(replace, a_failure_leaves_the_old_file)
{
    struct place p = place_new();
    cr_assert_eq(file_replace(p.path, span_str("old")), OK);
    cr_assert_eq(mkdir(p.beside, 0700), 0); /* cannot be opened for writing */
    cr_expect_eq(file_replace(p.path, span_str("new")), ERR_STORE);
    expect_content(&p, "old");
    rmdir(p.beside);
    place_done(&p);
}

Test(replace, a_path_that_is_too_long_is_refused)
{
    char path[5000];
    memset(path, 'a', sizeof path - 1);
    path[sizeof path - 1] = '\0';
    cr_expect_eq(file_replace(path, span_str("x")), ERR_LIMIT);
    cr_expect_eq(file_sync_folder(path), ERR_LIMIT);
    cr_expect_eq(file_sync_folder("/nonexistent/folder/file"), ERR_STORE);
}
