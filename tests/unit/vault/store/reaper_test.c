/* Proves: a large file that the database deletes keeps its space until the reaper has shortened
 * it; a file with another name, a small one and somebody else's are left as they are; files
 * that come later are taken too, and the thread does by itself what a round does. */
#include "vault/store/reaper.h"

#include <sys/resource.h>

#include "tests/unit/vault/store/scratch.h"

enum { LARGE = 3 << 20 };

static struct scratch scratch;
static struct reaper *reaper;

static void make_file(const char *name, off_t bytes)
{
    char path[160];
    snprintf(path, sizeof path, "%s/%s", scratch.dir, name);
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0600);
    cr_assert_geq(fd, 0);
    cr_assert_eq(ftruncate(fd, bytes), 0);
    close(fd);
}

static void delete_file(const char *name)
{
    char path[160];
    snprintf(path, sizeof path, "%s/%s", scratch.dir, name);
    cr_assert_eq(unlink(path), 0);
}

static struct reaper_stats stats(void)
{
    struct reaper_stats s;
    reaper_stats(reaper, &s);
    return s;
}

static void expect_stats(uint64_t held, uint64_t freed)
{
    cr_expect_eq(stats().held, held, "%lu held, not %lu", stats().held, held);
    cr_expect_eq(stats().freed, freed, "%lu freed, not %lu", stats().freed, freed);
}

/* Bytes of deleted files that descriptors of this process keep. */
static off_t bytes_in_limbo(void)
{
    off_t bytes = 0;
    for (int fd = 3; fd < 256; fd++) {
        struct stat st;
        if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_nlink == 0)
            bytes += st.st_size;
    }
    return bytes;
}

static void setup(void)
{
    scratch = scratch_new();
}

static void teardown(void)
{
    reaper = reaper_free(reaper);
    scratch_done(&scratch);
}

TestSuite(reaper, .init = setup, .fini = teardown);

Test(reaper, a_deleted_file_keeps_its_space_until_the_next_round)
{
    make_file("000007.sst", LARGE);
    make_file("000012.log", LARGE);
    cr_assert_eq(reaper_new_idle(scratch.dir, &reaper), OK);
    reaper_round(reaper);
    expect_stats(2, 0);
    off_t before = bytes_in_limbo();
    delete_file("000012.log");
    cr_expect_eq(bytes_in_limbo() - before, LARGE);
    reaper_round(reaper);
    expect_stats(1, 1);
    cr_expect_eq(bytes_in_limbo(), before);
}

Test(reaper, a_deleted_file_is_shortened_before_it_is_let_go)
{
    char path[160];
    struct stat st;
    make_file("000014.sst", LARGE);
    snprintf(path, sizeof path, "%s/000014.sst", scratch.dir);
    int fd = open(path, O_RDONLY);
    cr_assert_eq(reaper_new_idle(scratch.dir, &reaper), OK);
    reaper_round(reaper);
    delete_file("000014.sst");
    reaper_round(reaper);
    cr_assert_eq(fstat(fd, &st), 0);
    cr_expect_leq(st.st_size, 1 << 20);
    close(fd);
}

Test(reaper, what_is_small_or_not_the_databases_is_not_held)
{
    make_file("000003.log", 4096);
    make_file("000004.txt", LARGE);
    make_file("LOG", LARGE);
    make_file("x.sst", LARGE);
    make_file(".log", LARGE);
    cr_assert_eq(reaper_new_idle(scratch.dir, &reaper), OK);
    reaper_round(reaper);
    expect_stats(0, 0);
}

Test(reaper, a_file_that_grows_or_comes_later_is_taken_then)
{
    make_file("000020.log", 4096);
    cr_assert_eq(reaper_new_idle(scratch.dir, &reaper), OK);
    reaper_round(reaper);
    char path[160];
    snprintf(path, sizeof path, "%s/000020.log", scratch.dir);
    cr_assert_eq(truncate(path, LARGE), 0);
    make_file("000009.sst", LARGE); /* a lower number than one that is held */
    make_file("000031.sst", LARGE);
    reaper_round(reaper);
    expect_stats(3, 0);
    delete_file("000020.log");
    delete_file("000009.sst");
    reaper_round(reaper);
    expect_stats(1, 2);
}

/* A backup that links the files of the database keeps them whole. */
Test(reaper, a_file_with_another_name_is_not_shortened)
{
    char path[160], copy[160];
    struct stat st;
    make_file("000041.sst", LARGE);
    snprintf(path, sizeof path, "%s/000041.sst", scratch.dir);
    snprintf(copy, sizeof copy, "%s/copy", scratch.dir);
    cr_assert_eq(link(path, copy), 0);
    cr_assert_eq(reaper_new_idle(scratch.dir, &reaper), OK);
    reaper_round(reaper);
    delete_file("000041.sst");
    reaper_round(reaper);
    expect_stats(1, 0);
    cr_assert_eq(stat(copy, &st), 0);
    cr_expect_eq(st.st_size, LARGE);
}

Test(reaper, the_thread_does_it_by_itself)
{
    make_file("000050.sst", LARGE);
    cr_assert_eq(reaper_new(scratch.dir, &reaper), OK);
    while (stats().held == 0)
        usleep(1000);
    delete_file("000050.sst");
    while (stats().freed == 0)
        usleep(1000);
    expect_stats(0, 1);
}

Test(reaper, ends_in_the_middle_of_its_work)
{
    off_t before = bytes_in_limbo();            /* the test framework's own */
    make_file("000060.sst", (off_t)4096 << 20); /* sparse; seconds of steps */
    cr_assert_eq(reaper_new(scratch.dir, &reaper), OK);
    while (stats().held == 0)
        usleep(1000);
    delete_file("000060.sst");
    usleep(300000);
    reaper = reaper_free(reaper);
    cr_expect_eq(bytes_in_limbo(), before);
}

/* The database needs descriptors, too. */
Test(reaper, leaves_most_descriptors_to_others)
{
    struct rlimit few = {200, 200};
    cr_assert_eq(setrlimit(RLIMIT_NOFILE, &few), 0);
    for (int i = 1; i <= 150; i++) {
        char name[16];
        snprintf(name, sizeof name, "%06d.sst", i);
        make_file(name, LARGE);
    }
    cr_assert_eq(reaper_new_idle(scratch.dir, &reaper), OK);
    reaper_round(reaper);
    expect_stats(50, 0);
}

Test(reaper, a_folder_that_is_not_there_is_an_error)
{
    cr_expect_eq(reaper_new("/nonexistent/db", &reaper), ERR_STORE);
    reaper = NULL;
}
