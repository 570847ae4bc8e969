/* Proves: a change of the file wakes the loop, with and without the kernel's notice; a paused
 * source takes nothing and goes on where it stood. (What a tail does with the file: tail_test.c.)
 */
#include "ingest/source/follow.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct bed {
    uv_loop_t loop;
    struct source *source;
    char dir[64];
    int dir_fd;
    size_t lines;
    size_t room;
};

static enum err on_take(void *arg, struct span in, bool at_end, size_t *used)
{
    struct bed *b = arg;
    size_t n = span_find(in, '\n');
    (void)at_end;
    if (b->room == 0)
        return ERR_FULL;
    if (n == in.n)
        return ERR_MORE;
    *used = n + 1;
    b->lines++;
    b->room--;
    return OK;
}

static void on_cursor(void *arg, struct span value)
{
    (void)arg, (void)value;
}

static void on_event(void *arg, enum tail_event event, uint64_t offset)
{
    (void)arg, (void)event, (void)offset;
}

static void setup(struct bed *b, bool watched, uint32_t poll_ms)
{
    memset(b, 0, sizeof *b);
    b->room = SIZE_MAX;
    strcpy(b->dir, "/tmp/follow_test.XXXXXX");
    cr_assert(mkdtemp(b->dir));
    b->dir_fd = open(b->dir, O_RDONLY | O_DIRECTORY);
    struct follow_options o = {.tail = {.dir_fd = b->dir_fd,
                                        .file_name = "f",
                                        .clock = &CLOCK_SYSTEM,
                                        .ops = {on_take, on_cursor, on_event, b}},
                               .dir_path = watched ? b->dir : NULL,
                               .poll_ms = poll_ms};
    uv_loop_init(&b->loop);
    cr_assert_eq(follow_new(&b->loop, &o, SPAN_EMPTY, &b->source), OK);
}

static void teardown(struct bed *b)
{
    char command[128];
    source_stop(b->source);
    uv_run(&b->loop, UV_RUN_DEFAULT);
    cr_expect_eq(uv_loop_close(&b->loop), 0);
    source_free(b->source);
    snprintf(command, sizeof command, "rm -rf %s", b->dir);
    cr_assert_eq(system(command), 0);
}

static void write_lines(struct bed *b, unsigned n)
{
    int fd = openat(b->dir_fd, "f", O_WRONLY | O_CREAT | O_APPEND, 0600);
    for (unsigned i = 0; i < n; i++)
        cr_assert_eq(write(fd, "line\n", 5), 5);
    close(fd);
}

static void run_until(struct bed *b, size_t lines)
{
    for (int i = 0; i < 300 && b->lines < lines; i++) {
        uv_run(&b->loop, UV_RUN_NOWAIT);
        usleep(2000);
    }
    cr_expect_eq(b->lines, lines, "%zu lines", b->lines);
}

Test(follow, woken_by_the_kernel)
{
    struct bed b;
    setup(&b, true, 3600000);
    for (int i = 0; i < 5; i++) /* past the first look */
        uv_run(&b.loop, UV_RUN_NOWAIT);
    write_lines(&b, 3);
    run_until(&b, 3);
    write_lines(&b, 4);
    run_until(&b, 7);
    teardown(&b);
}

Test(follow, woken_by_the_timer)
{
    struct bed b;
    setup(&b, false, 10);
    write_lines(&b, 3);
    run_until(&b, 3);
    write_lines(&b, 4);
    run_until(&b, 7);
    teardown(&b);
}

Test(follow, paused_and_resumed)
{
    struct bed b;
    setup(&b, true, 10);
    b.room = 2;
    write_lines(&b, 5);
    run_until(&b, 2);
    source_pause(b.source);
    b.room = SIZE_MAX;
    for (int i = 0; i < 30; i++) {
        uv_run(&b.loop, UV_RUN_NOWAIT);
        usleep(1000);
    }
    cr_expect_eq(b.lines, 2);
    write_lines(&b, 2);
    cr_expect_eq(follow_behind_bytes(b.source), 5 * 5, "what came meanwhile, too");
    source_resume(b.source);
    run_until(&b, 7);
    cr_expect_eq(follow_behind_bytes(b.source), 0);
    teardown(&b);
}
