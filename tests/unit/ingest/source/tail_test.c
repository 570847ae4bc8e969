/* Proves: each line that was ever written to the file is handed on, none is left out, through
 * appends, rotation (also unseen ones), copytruncate, replacement, and restarts from any cursor
 * that was given; without restarts none is handed on twice either (I3). A file that cannot be
 * read is said to be so, and read once it can be. */
#include "ingest/source/tail.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "proto/core/instant.h"

enum { LINES_MAX = 4096 };

struct bed {
    char dir[64];
    int dir_fd;
    struct tail *tail;
    struct clock_ops clock;
    uint8_t cursor[CURSOR_BYTES_MAX]; /* the last one given */
    size_t cursor_bytes;
    size_t full_in;           /* take() says ERR_FULL once that many more were taken */
    unsigned seen[LINES_MAX]; /* how often line i was handed on */
    unsigned last, bad, out_of_order;
    unsigned events[TAIL_EVENT_COUNT];
};

/* Lines are "line NNNN something\n", at least as long as what tells a copy from another file;
 * anything else is bad. */
static enum err on_take(void *arg, struct span in, bool at_end, size_t *used)
{
    struct bed *b = arg;
    uint64_t i;
    if (b->full_in == 0)
        return ERR_FULL;
    size_t n = span_find(in, '\n');
    if (n == in.n && !at_end)
        return ERR_MORE;
    b->full_in--;
    *used = n == in.n ? n : n + 1;
    struct span number = span_sub(in, 5, 4);
    if (!span_starts(in, span_str("line ")) || span_u64(number, LINES_MAX - 1, &i) != OK) {
        b->bad++;
        return OK;
    }
    b->seen[i]++;
    b->out_of_order += i < b->last;
    b->last = (unsigned)i;
    return OK;
}

static void on_cursor(void *arg, struct span value)
{
    struct bed *b = arg;
    cr_assert_leq(value.n, sizeof b->cursor);
    memcpy(b->cursor, value.p, value.n);
    b->cursor_bytes = value.n;
}

static void on_event(void *arg, enum tail_event event, uint64_t offset)
{
    (void)offset;
    ((struct bed *)arg)->events[event]++;
}

static void start(struct bed *b, uint32_t linger_ms)
{
    struct tail_options o = {.dir_fd = b->dir_fd,
                             .file_name = "Master.csv",
                             .linger_ms = linger_ms,
                             .clock = &b->clock,
                             .ops = {on_take, on_cursor, on_event, b}};
    b->last = 0;
    cr_assert_eq(tail_new(&o, span_of(b->cursor, b->cursor_bytes), &b->tail), OK);
}

static void setup(struct bed *b)
{
    memset(b, 0, sizeof *b);
    strcpy(b->dir, "/tmp/tail_test.XXXXXX");
    cr_assert(mkdtemp(b->dir));
    b->dir_fd = open(b->dir, O_RDONLY | O_DIRECTORY);
    b->clock = CLOCK_SYSTEM;
    b->full_in = SIZE_MAX;
}

static void teardown(struct bed *b)
{
    char command[128];
    tail_free(b->tail);
    close(b->dir_fd);
    snprintf(command, sizeof command, "rm -rf %s", b->dir);
    cr_assert_eq(system(command), 0);
}

static void restart(struct bed *b)
{
    tail_free(b->tail);
    start(b, 0);
}

static void run(struct bed *b)
{
    for (int i = 0; i < 1000 && tail_step(b->tail) == TAIL_BUSY; i++)
        ;
}

static void append(struct bed *b, const char *name, const void *text, size_t n)
{
    int fd = openat(b->dir_fd, name, O_WRONLY | O_CREAT | O_APPEND, 0600);
    cr_assert_geq(fd, 0);
    cr_assert_eq(write(fd, text, n), (ssize_t)n);
    close(fd);
}

static void line(struct bed *b, const char *name, unsigned i)
{
    char text[64];
    int n = snprintf(text, sizeof text, "line %04u %.*s\n", i, (int)(24 + i % 20),
                     "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz");
    append(b, name, text, (size_t)n);
}

static void lines(struct bed *b, unsigned from, unsigned to)
{
    for (unsigned i = from; i < to; i++)
        line(b, "Master.csv", i);
}

static void move(struct bed *b, const char *from, const char *to)
{
    cr_assert_eq(renameat(b->dir_fd, from, b->dir_fd, to), 0);
}

static void copy_truncate(struct bed *b, const char *to)
{
    char command[256];
    snprintf(command, sizeof command, "cp %s/Master.csv %s/%s && : > %s/Master.csv", b->dir, b->dir,
             to, b->dir);
    cr_assert_eq(system(command), 0);
}

static void expect_each_once(struct bed *b, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        cr_expect_eq(b->seen[i], 1, "line %u was handed on %u times", i, b->seen[i]);
    cr_expect_eq(b->bad, 0);
    cr_expect_eq(b->out_of_order, 0);
}

Test(tail, waits_for_the_file_and_for_the_end_of_a_line)
{
    struct bed b;
    setup(&b);
    start(&b, 0);
    cr_expect_eq(tail_step(b.tail), TAIL_WAITING);
    append(&b, "Master.csv", "line 0000", 9);
    run(&b);
    cr_expect_eq(b.seen[0], 0);
    append(&b, "Master.csv", " x\n", 3);
    lines(&b, 1, 20);
    run(&b);
    expect_each_once(&b, 20);
    teardown(&b);
}

Test(tail, is_behind_by_what_no_record_was_taken_from)
{
    struct bed b;
    setup(&b);
    start(&b, 3600000);
    cr_expect_eq(tail_behind_bytes(b.tail), 0, "no file yet");
    lines(&b, 0, 3); /* 10 + 24, 25 and 26 letters, and the end of the line */
    cr_expect_eq(tail_behind_bytes(b.tail), 35 + 36 + 37, "nobody has looked yet");
    b.full_in = 1;
    run(&b);
    cr_expect_eq(tail_behind_bytes(b.tail), 36 + 37, "read, but there was no room");
    b.full_in = SIZE_MAX;
    run(&b);
    cr_expect_eq(tail_behind_bytes(b.tail), 0);
    append(&b, "Master.csv", "line 0003", 9);
    run(&b);
    cr_expect_eq(tail_behind_bytes(b.tail), 9, "half a line");
    move(&b, "Master.csv", "Master.csv.1");
    cr_expect_eq(tail_behind_bytes(b.tail), 9);
    line(&b, "Master.csv", 0);
    run(&b);
    cr_expect_eq(tail_behind_bytes(b.tail), 9 + 35, "the old one lingers, the new one waits");
    tail_free(b.tail);
    start(&b, 0);
    cr_expect_eq(tail_behind_bytes(b.tail), 35, "a successor has not found the old one yet");
    run(&b);
    cr_expect_eq(tail_behind_bytes(b.tail), 0);
    teardown(&b);
}

Test(tail, many_blocks)
{
    struct bed b;
    static char text[4000];
    setup(&b);
    start(&b, 0);
    memset(text, 'x', sizeof text);
    text[sizeof text - 1] = '\n';
    for (unsigned i = 0; i < 400; i++) { /* 1.6 MB */
        char head[10];
        snprintf(head, sizeof head, "line %04u", i);
        memcpy(text, head, 9);
        append(&b, "Master.csv", text, sizeof text);
    }
    run(&b);
    expect_each_once(&b, 400);
    teardown(&b);
}

Test(tail, rename_rotation)
{
    struct bed b;
    setup(&b);
    start(&b, 0);
    lines(&b, 0, 10);
    run(&b);
    lines(&b, 10, 15);
    move(&b, "Master.csv", "Master.csv.1");
    run(&b);
    line(&b, "Master.csv.1", 15); /* the writer still had it open */
    run(&b);
    lines(&b, 16, 20);
    run(&b);
    expect_each_once(&b, 20);
    cr_expect_eq(b.events[TAIL_ROTATED], 1);
    teardown(&b);
}

static int64_t set_clock(void *arg)
{
    return *(int64_t *)arg;
}

/* A writer that opened the old file before it was renamed may write to it behind that. */
Test(tail, lingers_at_a_renamed_file)
{
    struct bed b;
    int64_t now = clock_wall_us(&CLOCK_SYSTEM);
    setup(&b);
    b.clock = (struct clock_ops){set_clock, CLOCK_SYSTEM.mono_us, &now};
    start(&b, 60000);
    lines(&b, 0, 5);
    run(&b);
    move(&b, "Master.csv", "Master.csv.1");
    line(&b, "Master.csv", 6);
    run(&b);
    cr_expect_eq(b.seen[6], 0);
    line(&b, "Master.csv.1", 5);
    run(&b);
    now += (int64_t)120 * US_PER_S;
    run(&b);
    expect_each_once(&b, 7);
    teardown(&b);
}

Test(tail, last_line_of_a_rotated_file_needs_no_end)
{
    struct bed b;
    setup(&b);
    start(&b, 0);
    append(&b, "Master.csv", "line 0000", 9);
    run(&b);
    move(&b, "Master.csv", "Master.csv.1");
    run(&b);
    cr_expect_eq(b.seen[0], 0);
    lines(&b, 1, 2);
    run(&b);
    expect_each_once(&b, 2);
    teardown(&b);
}

Test(tail, rotations_that_nobody_saw)
{
    struct bed b;
    setup(&b);
    start(&b, 0);
    lines(&b, 0, 10);
    run(&b);
    lines(&b, 10, 20);
    move(&b, "Master.csv", "Master.csv.1");
    usleep(20000); /* generations are told by the time of their last change */
    lines(&b, 20, 30);
    move(&b, "Master.csv.1", "Master.csv.2");
    move(&b, "Master.csv", "Master.csv.1");
    usleep(20000);
    lines(&b, 30, 40);
    run(&b);
    expect_each_once(&b, 40);
    teardown(&b);
}

/* The first lines that ever were, rotated between two looks: nothing has been read yet, so only
 * the time of the first look tells them from generations of before. */
static void rotate_before_the_first_line(struct bed *b, bool file_is_there, bool restarts)
{
    setup(b);
    lines(b, 100, 110); /* before the feed was set up */
    move(b, "Master.csv", "Master.csv.9");
    usleep(20000);
    if (file_is_there)
        append(b, "Master.csv", "", 0);
    start(b, 0);
    run(b);
    lines(b, 0, 10);
    move(b, "Master.csv", "Master.csv.1");
    usleep(20000);
    lines(b, 10, 20);
    if (restarts)
        restart(b);
    run(b);
    expect_each_once(b, 20);
    cr_expect_eq(b->seen[100], 0);
    cr_expect_eq(b->events[TAIL_LOST], 0);
    teardown(b);
}

Test(tail, first_file_rotated_before_it_was_read)
{
    struct bed b;
    for (unsigned i = 0; i < 4; i++)
        rotate_before_the_first_line(&b, i & 1, i & 2);
}

Test(tail, restart_finds_the_renamed_file_and_what_came_behind)
{
    struct bed b;
    setup(&b);
    start(&b, 0);
    lines(&b, 0, 10);
    run(&b);
    lines(&b, 10, 20);
    move(&b, "Master.csv", "Master.csv-20261121");
    usleep(20000);
    lines(&b, 20, 30);
    move(&b, "Master.csv", "Master.csv-20261122");
    usleep(20000);
    lines(&b, 30, 40);
    restart(&b);
    run(&b);
    expect_each_once(&b, 40);
    teardown(&b);
}

Test(tail, restart_while_the_cursor_is_up_to_date)
{
    struct bed b;
    setup(&b);
    start(&b, 0);
    lines(&b, 0, 10);
    run(&b);
    restart(&b);
    run(&b);
    lines(&b, 10, 20);
    run(&b);
    expect_each_once(&b, 20);
    cr_expect_eq(b.events[TAIL_LOST], 0);
    teardown(&b);
}

Test(tail, copytruncate_loses_nothing_that_the_copy_has)
{
    struct bed b;
    setup(&b);
    start(&b, 0);
    lines(&b, 0, 10);
    run(&b);
    lines(&b, 10, 20); /* not read before the copy */
    copy_truncate(&b, "Master.csv.1");
    lines(&b, 20, 25);
    run(&b);
    expect_each_once(&b, 25);
    cr_expect_eq(b.events[TAIL_TRUNCATED], 1);
    teardown(&b);
}

/* The new text is already longer than the old one was. */
Test(tail, truncation_hidden_by_growth)
{
    struct bed b;
    setup(&b);
    start(&b, 0);
    lines(&b, 0, 5);
    run(&b);
    int fd = openat(b.dir_fd, "Master.csv", O_WRONLY | O_TRUNC);
    close(fd);
    lines(&b, 5, 40);
    run(&b);
    expect_each_once(&b, 40);
    teardown(&b);
}

/* The same inode, given to another file, is not ours. */
Test(tail, replaced_while_away)
{
    struct bed b;
    setup(&b);
    start(&b, 0);
    lines(&b, 0, 10);
    run(&b);
    int fd = openat(b.dir_fd, "Master.csv", O_WRONLY | O_TRUNC);
    close(fd);
    lines(&b, 10, 60);
    restart(&b);
    run(&b);
    expect_each_once(&b, 60);
    cr_expect_eq(b.events[TAIL_LOST], 1);
    teardown(&b);
}

Test(tail, compressed_generation_is_reported_and_not_read)
{
    struct bed b;
    setup(&b);
    start(&b, 0);
    lines(&b, 0, 10);
    run(&b);
    move(&b, "Master.csv", "Master.csv.2");
    usleep(20000);
    append(&b, "Master.csv.1.gz", "\x1f\x8b\x08 line 0099\n", 14);
    usleep(20000);
    lines(&b, 10, 20);
    run(&b);
    expect_each_once(&b, 20);
    cr_expect_eq(b.events[TAIL_LOST], 1);
    teardown(&b);
}

Test(tail, line_over_the_limit_is_passed_over)
{
    struct bed b;
    static char text[100000];
    setup(&b);
    start(&b, 0);
    lines(&b, 0, 3);
    memset(text, 'x', sizeof text);
    for (int i = 0; i < 25; i++) { /* 2.5 MB without a line end */
        append(&b, "Master.csv", text, sizeof text);
        run(&b);
        if (i == 15) /* in the midst of it */
            restart(&b);
    }
    append(&b, "Master.csv", "\n", 1);
    lines(&b, 3, 6);
    run(&b);
    expect_each_once(&b, 6);
    cr_expect_eq(b.events[TAIL_SKIPPED], 1);
    teardown(&b);
}

Test(tail, waits_for_room_without_losing_its_place)
{
    struct bed b;
    setup(&b);
    start(&b, 0);
    lines(&b, 0, 30);
    b.full_in = 7;
    cr_expect_eq(tail_step(b.tail), TAIL_FULL);
    cr_expect_eq(tail_step(b.tail), TAIL_FULL);
    restart(&b);
    b.full_in = SIZE_MAX;
    run(&b);
    expect_each_once(&b, 30);
    teardown(&b);
}

Test(tail, half_a_line_that_is_taken_back)
{
    struct bed b;
    setup(&b);
    start(&b, 0);
    lines(&b, 0, 10);
    append(&b, "Master.csv", "line 00", 7);
    run(&b);
    struct stat st;
    int fd = openat(b.dir_fd, "Master.csv", O_RDWR);
    cr_assert_eq(fstat(fd, &st), 0);
    cr_assert_eq(ftruncate(fd, st.st_size - 7), 0);
    close(fd);
    run(&b);
    lines(&b, 10, 12);
    run(&b);
    expect_each_once(&b, 12);
    teardown(&b);
}

Test(tail, no_fifo_and_no_symlink_is_opened)
{
    struct bed b;
    setup(&b);
    start(&b, 0);
    cr_assert_eq(symlinkat("/etc/hostname", b.dir_fd, "Master.csv"), 0);
    cr_expect_eq(tail_step(b.tail), TAIL_WAITING);
    cr_expect_eq(b.events[TAIL_NO_FILE], 1);
    cr_assert_eq(unlinkat(b.dir_fd, "Master.csv", 0), 0);
    cr_assert_eq(mkfifoat(b.dir_fd, "Master.csv", 0600), 0);
    cr_expect_eq(tail_step(b.tail), TAIL_WAITING);
    cr_expect_eq(b.events[TAIL_NO_FILE], 2);
    cr_expect_eq(b.bad, 0);
    teardown(&b);
}

Test(tail, says_nothing_of_a_file_that_is_not_there_yet)
{
    struct bed b;
    setup(&b);
    start(&b, 0);
    run(&b);
    run(&b);
    for (size_t i = 0; i < TAIL_EVENT_COUNT; i++)
        cr_expect_eq(b.events[i], 0);
    teardown(&b);
}

/* Also when it comes behind one that was read. */
Test(tail, directory_of_that_name)
{
    struct bed b;
    setup(&b);
    start(&b, 0);
    for (unsigned i = 0; i < 2; i++) {
        cr_assert_eq(mkdirat(b.dir_fd, "Master.csv", 0700), 0);
        run(&b);
        cr_expect_gt(b.events[TAIL_NO_FILE], i);
        cr_assert_eq(unlinkat(b.dir_fd, "Master.csv", AT_REMOVEDIR), 0);
        lines(&b, 10 * i, 10 * i + 10);
        run(&b);
        move(&b, "Master.csv", i ? "Master.csv.2" : "Master.csv.1");
    }
    expect_each_once(&b, 20);
    teardown(&b);
}

/* Root may read everything, so the test is somebody else meanwhile. */
Test(tail, file_without_permission)
{
    enum { NOBODY = 65534 };
    struct bed b;
    bool root = geteuid() == 0;
    setup(&b);
    cr_assert_eq(chmod(b.dir, 0755), 0);
    start(&b, 0);
    for (unsigned i = 0; i < 2; i++) {
        lines(&b, 10 * i, 10 * i + 10);
        cr_assert_eq(fchmodat(b.dir_fd, "Master.csv", 0, 0), 0);
        cr_assert_eq(root ? seteuid(NOBODY) : 0, 0);
        run(&b);
        cr_expect_eq(b.events[TAIL_DENIED], i + 1);
        cr_expect_eq(b.seen[10 * i], 0);
        cr_assert_eq(root ? seteuid(0) : 0, 0);
        cr_assert_eq(fchmodat(b.dir_fd, "Master.csv", 0644, 0), 0);
        run(&b);
        move(&b, "Master.csv", i ? "Master.csv.2" : "Master.csv.1");
    }
    expect_each_once(&b, 20);
    teardown(&b);
}

Test(tail, cursor_of_another_format_counts_as_none)
{
    struct bed b;
    setup(&b);
    lines(&b, 0, 3);
    memset(b.cursor, 0xff, 20);
    b.cursor_bytes = 20;
    start(&b, 0);
    run(&b);
    expect_each_once(&b, 3);
    teardown(&b);
}

static void rotate(struct bed *b, unsigned *generation)
{
    char to[64];
    if (faccessat(b->dir_fd, "Master.csv", F_OK, 0) != 0)
        return;
    snprintf(to, sizeof to, "Master.csv.2026-%04u", (*generation)++);
    move(b, "Master.csv", to);
    usleep(12000);
}

/* Property: any sequence of append, rotate, copytruncate (seen), read, back-pressure and
 * restart hands on every line; a restart goes on from the last cursor, so nothing comes
 * twice. */
Test(tail, random_weather)
{
    for (unsigned seed = 1; seed <= 12; seed++) {
        struct bed b;
        unsigned rnd = seed, n = 0, generation = 0;
        setup(&b);
        start(&b, 0);
        lines(&b, 0, 1);
        n = 1;
        run(&b); /* generations from before the first look are not ours */
        for (int step = 0; step < 120; step++) {
            unsigned dice = (unsigned)rand_r(&rnd) % 100;
            if (dice < 50) {
                unsigned more = (unsigned)rand_r(&rnd) % 6;
                lines(&b, n, n + more);
                n += more;
            } else if (dice < 60) {
                rotate(&b, &generation);
            } else if (dice < 65) {
                char to[64];
                run(&b);
                run(&b);
                if (faccessat(b.dir_fd, "Master.csv", F_OK, 0) != 0)
                    continue;
                snprintf(to, sizeof to, "Master.csv.2026-%04u", generation++);
                copy_truncate(&b, to);
                run(&b);
                usleep(12000);
            } else if (dice < 75) {
                restart(&b);
            } else if (dice < 80) {
                b.full_in = (size_t)rand_r(&rnd) % 5;
            } else {
                b.full_in = SIZE_MAX;
                run(&b);
            }
        }
        b.full_in = SIZE_MAX;
        lines(&b, n, n + 1); /* there is a FILE at the end */
        n++;
        for (int i = 0; i < 20; i++)
            run(&b);
        for (unsigned i = 0; i < n; i++)
            cr_expect_eq(b.seen[i], 1, "seed %u: line %u of %u: %u times", seed, i, n, b.seen[i]);
        cr_expect_eq(b.bad, 0);
        teardown(&b);
    }
}

static uint64_t a_second_a_look(void *arg)
{
    static uint64_t now_us;
    (void)arg;
    return now_us += US_PER_S;
}

/* The wall clock was set back while nobody looked: the old file seems to be of the future. */
Test(tail, a_clock_that_was_set_back_stops_no_rotation)
{
    struct bed b;
    const struct timespec future[2] = {{.tv_sec = 4102444800}, {.tv_sec = 4102444800}};
    setup(&b);
    b.clock.mono_us = a_second_a_look;
    start(&b, 500);
    line(&b, "Master.csv", 1);
    run(&b);
    cr_assert_eq(renameat(b.dir_fd, "Master.csv", b.dir_fd, "Master.csv.1"), 0);
    cr_assert_eq(utimensat(b.dir_fd, "Master.csv.1", future, 0), 0);
    line(&b, "Master.csv", 2);
    for (int i = 0; i < 3; i++)
        run(&b);
    cr_expect_eq(b.seen[2], 1, "the new file is read");
    teardown(&b);
}
