/* Proves: addresses are read in all their forms; frames arrive by UDP and TCP as they are; sending
 * to nobody is told. */
#include "bench/sender.h"

#include <criterion/criterion.h>
#include <fcntl.h>

#include "tests/unit/bench/listener.h"

Test(sender, addresses)
{
    static const struct {
        const char *to;
        enum err e;
    } ROWS[] = {{"127.0.0.1", ERR_SYNTAX},     {"127.0.0.1:", ERR_SYNTAX},
                {"127.0.0.1:0", ERR_SYNTAX},   {"127.0.0.1:65536", ERR_SYNTAX},
                {":9060", ERR_SYNTAX},         {"127.0.0.1:9x", ERR_SYNTAX},
                {"127.0.0.1:9060", OK},        {"[::1]:9060", OK},
                {"no.such.invalid:1", ERR_NET}};
    for (size_t i = 0; i < sizeof ROWS / sizeof ROWS[0]; i++) {
        int fd = -1;
        enum err e = sender_connect(ROWS[i].to, false, &fd, NULL);
        /* A machine without IPv6 cannot reach ::1. */
        cr_expect(e == ROWS[i].e || (e == ERR_NET && ROWS[i].to[0] == '['), "%s", ROWS[i].to);
        if (fd >= 0)
            close(fd);
    }
}

Test(sender, datagrams_arrive_whole)
{
    struct listener l = listen_on(SOCK_DGRAM);
    int fd;
    char room[16];
    cr_assert_eq(sender_connect(l.place, false, &fd, NULL), OK);
    cr_assert_eq(sender_put(fd, span_str("one")), OK);
    cr_assert_eq(sender_put(fd, span_str("two")), OK);
    cr_expect_eq(recv(l.fd, room, sizeof room, 0), 3);
    cr_expect_eq(recv(l.fd, room, sizeof room, 0), 3);
    cr_expect_eq(memcmp(room, "two", 3), 0);
    cr_expect_eq(sender_close(fd), OK);
    close(l.fd);
}

Test(sender, a_stream_arrives_in_order)
{
    struct listener l = listen_on(SOCK_STREAM);
    int fd;
    char room[16];
    cr_assert_eq(sender_connect(l.place, true, &fd, NULL), OK);
    int peer = accept(l.fd, NULL, NULL);
    cr_assert_eq(sender_put(fd, span_str("one")), OK);
    cr_assert_eq(sender_put(fd, span_str("two")), OK);
    cr_expect_eq(recv(peer, room, 6, MSG_WAITALL), 6);
    cr_expect_eq(memcmp(room, "onetwo", 6), 0);
    cr_expect_eq(sender_close(fd), OK);
    close(peer);
    close(l.fd);
}

Test(sender, nobody_listens)
{
    struct listener l = listen_on(SOCK_DGRAM);
    int fd;
    close(l.fd);
    cr_assert_eq(sender_connect(l.place, false, &fd, NULL), OK);
    cr_expect_eq(sender_put(fd, span_str("one")), OK, "the first one cannot know");
    cr_expect_eq(sender_close(fd), ERR_NET);
    cr_expect_eq(sender_connect(l.place, true, &fd, NULL), ERR_NET);
}

Test(sender, files_are_written_whole)
{
    char path[] = "/tmp/cpnibench-test-XXXXXX", room[8] = "";
    int fd = mkstemp(path);
    cr_assert_eq(sender_write(fd, span_str("abc")), OK);
    cr_expect_eq(pread(fd, room, sizeof room, 0), 3);
    close(fd);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    cr_expect_eq(sender_write(fd, span_str("abc")), ERR_STORE);
    close(fd);
    unlink(path);
}
