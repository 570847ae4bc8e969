/* Proves: one daemon a state directory and an address; control.sock replaces what a crash
 * left and is 0660; channels keep frames whole and take many; all of a configuration's
 * listeners are opened, or the setting that failed is named. */
#include "ingest/cpnid/listen.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "proto/wire/frame.h"

static char dir[] = "/tmp/cpni-listen-XXXXXX";

static void enter(void)
{
    cr_assert(mkdtemp(dir));
}

static void leave(void)
{
    char path[64];
    static const char *const NAMES[] = {"lock", "control.sock"};
    for (size_t i = 0; i < 2; i++) {
        snprintf(path, sizeof path, "%s/%s", dir, NAMES[i]);
        unlink(path);
    }
    rmdir(dir);
}

TestSuite(listen, .init = enter, .fini = leave);

static struct config_address loopback(uint16_t port)
{
    return (struct config_address){"127.0.0.1", port};
}

static uint16_t port_of(int fd)
{
    struct sockaddr_in a;
    socklen_t n = sizeof a;
    cr_assert_eq(getsockname(fd, (struct sockaddr *)&a, &n), 0);
    return ntohs(a.sin_port);
}

/* A port that was free just now. */
static uint16_t free_port(int type)
{
    struct sockaddr_in a = {.sin_family = AF_INET};
    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, type, 0);
    cr_assert_eq(bind(fd, (struct sockaddr *)&a, sizeof a), 0);
    uint16_t port = port_of(fd);
    close(fd);
    return port;
}

Test(listen, one_daemon_a_directory)
{
    int state, lock, other, other_lock;
    struct diag d = {0};
    cr_assert_eq(state_open(dir, &state, &lock, &d), OK);
    cr_expect_eq(state_open(dir, &other, &other_lock, &d), ERR_CONFLICT);
    cr_expect(strstr(d.what, "another"));
    close(lock);
    cr_expect_eq(state_open(dir, &other, &other_lock, &d), OK);
    cr_expect_eq(state_open("/no/such", &other, &other_lock, &d), ERR_NOTFOUND);
    cr_expect(strstr(d.what, "cpnictl init"));
}

Test(listen, control_socket)
{
    int state, lock, fd, again;
    struct stat st;
    struct diag d;
    cr_assert_eq(state_open(dir, &state, &lock, &d), OK);
    umask(0);
    cr_assert_eq(listen_control(state, &fd, &d), OK);
    cr_assert_eq(listen_control(state, &again, &d), OK, "a crash left the first");
    cr_assert_eq(fstatat(state, "control.sock", &st, 0), 0);
    cr_expect_eq(st.st_mode, S_IFSOCK | 0660);
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    snprintf(to.sun_path, sizeof to.sun_path, "%s/control.sock", dir);
    int c = socket(AF_UNIX, SOCK_SEQPACKET, 0);
    cr_expect_eq(connect(c, (struct sockaddr *)&to, sizeof to), 0);
    cr_expect_geq(accept(again, NULL, NULL), 0);
}

Test(listen, an_address_has_one_listener)
{
    int fd, second;
    struct diag d;
    struct config_address tcp = loopback(free_port(SOCK_STREAM));
    struct config_address udp = loopback(free_port(SOCK_DGRAM));
    cr_assert_eq(listen_tcp(&tcp, &fd, &d), OK);
    cr_expect_eq(port_of(fd), tcp.port);
    cr_expect_eq(listen_tcp(&tcp, &second, &d), ERR_CONFLICT);
    cr_assert_eq(listen_udp(&udp, false, 65536, &fd, &d), OK);
    cr_expect_eq(listen_udp(&udp, false, 65536, &second, &d), ERR_CONFLICT);
    struct config_address shared = loopback(free_port(SOCK_DGRAM));
    cr_assert_eq(listen_udp(&shared, true, 65536, &fd, &d), OK);
    cr_expect_eq(listen_udp(&shared, true, 65536, &second, &d), OK, "a socket a worker");
    struct config_address v6 = {"::1", 0};
    cr_expect_eq(listen_tcp(&v6, &fd, &d), OK);
}

Test(listen, sockets_do_not_block_and_datagrams_are_counted)
{
    int fd, on = 0;
    socklen_t n = sizeof on;
    struct diag d;
    struct config_address udp = loopback(free_port(SOCK_DGRAM));
    cr_assert_eq(listen_udp(&udp, false, 1 << 20, &fd, &d), OK);
    cr_expect(fcntl(fd, F_GETFL) & O_NONBLOCK);
    cr_expect(fcntl(fd, F_GETFD) & FD_CLOEXEC);
    cr_assert_eq(getsockopt(fd, SOL_SOCKET, SO_RXQ_OVFL, &on, &n), 0);
    cr_expect(on);
}

Test(listen, channels_hold_many_frames_and_keep_them_apart)
{
    static uint8_t frame[WIRE_FRAME_BYTES_MAX];
    int fd[2];
    struct diag d;
    cr_assert_eq(channel_open(fd, &d), OK);
    size_t sent = 0;
    while (send(fd[0], frame, sizeof frame - sent, 0) > 0)
        sent++;
    cr_expect_geq(sent, geteuid() == 0 ? BATCHES_IN_FLIGHT_MAX : 2);
    for (size_t i = 0; i < sent; i++)
        cr_assert_eq(recv(fd[1], frame, sizeof frame, 0), (ssize_t)(sizeof frame - i));
    cr_expect_lt(recv(fd[1], frame, sizeof frame, 0), 0);
}

static void fill(struct config *c)
{
    config_default(c);
    snprintf(c->state_dir, sizeof c->state_dir, "%s", dir);
    c->workers = 2;
    c->listen_http = loopback(free_port(SOCK_STREAM));
    c->listen_metrics = loopback(free_port(SOCK_STREAM));
    c->listen_usage_pull = loopback(free_port(SOCK_STREAM));
    c->listen_usage_hint = loopback(free_port(SOCK_STREAM));
    c->feeds_count = 1;
    c->feed[0].kind = FEED_HEP;
    c->feed[0].listen_udp = loopback(free_port(SOCK_DGRAM));
    c->feed[0].listen_tcp = loopback(free_port(SOCK_STREAM));
}

Test(listen, all_that_is_configured)
{
    static struct config c;
    struct role_fds f;
    const char *who = "";
    struct diag d = {0};
    fill(&c);
    listen_none(&f);
    cr_assert_eq(listen_all(&c, &f, &who, &d), OK, "%s: %s", who, d.what);
    cr_expect_eq(port_of(f.http), c.listen_http.port);
    cr_expect_eq(port_of(f.metrics), c.listen_metrics.port);
    cr_expect_eq(port_of(f.feed_tcp[0]), c.feed[0].listen_tcp.port);
    cr_expect_eq(port_of(f.feed_udp[0][0]), c.feed[0].listen_udp.port);
    cr_expect_eq(port_of(f.feed_udp[1][0]), c.feed[0].listen_udp.port);
    cr_expect_eq(f.feed_udp[2][0], -1);
    cr_expect_eq(f.feed_tcp[1], -1);
    cr_expect_geq(f.ingest_vault[1][1], 0);
    cr_expect_eq(f.ingest_vault[2][0], -1);
    listen_close(&f);
    cr_expect_eq(f.http, -1);
    cr_expect_eq(listen_all(&c, &f, &who, &d), OK, "everything was given back: %s", who);
    listen_close(&f);
}

Test(listen, what_is_taken_is_named)
{
    static struct config c;
    struct role_fds f;
    const char *who = "";
    struct diag d = {0};
    int taken;
    fill(&c);
    struct {
        const char *name;
        struct config_address *a;
    } TCP[] = {{"listen_http", &c.listen_http},
               {"listen_metrics", &c.listen_metrics},
               {"listen_usage_pull", &c.listen_usage_pull},
               {"listen_usage_hint", &c.listen_usage_hint},
               {"listen_tcp", &c.feed[0].listen_tcp}};
    for (size_t i = 0; i < sizeof TCP / sizeof TCP[0]; i++) {
        listen_none(&f);
        cr_assert_eq(listen_tcp(TCP[i].a, &taken, &d), OK);
        cr_expect_eq(listen_all(&c, &f, &who, &d), ERR_CONFLICT);
        cr_expect_str_eq(who, TCP[i].name);
        close(taken);
        listen_close(&f);
    }
}
