/* Proves: the role greets its channels, knows people by their Unix credentials, ends with 0
 * and everything written on SIGTERM, with 78 where starting again would not help; and that
 * no acknowledged record is lost by kill -9 (I2). */
#include <criterion/criterion.h>

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "proto/core/instant.h"
#include "tests/lib/vault_fixture.h"
#include "vault/serve/vaultd.h"
#include "vault/state.h"

static struct fix f;
static int worker, listener, ready[2];
static struct vaultd_options options;
static pid_t child;
static uint8_t room[WIRE_FRAME_BYTES_MAX];

static void start_counting(const struct metrics *metrics)
{
    int fds[2];
    cr_assert_eq(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, fds), 0);
    cr_assert_eq(pipe(ready), 0);
    worker = fds[0];
    options = (struct vaultd_options){.vault = f.options,
                                      .ingest_fd = {fds[1]},
                                      .ingest_count = 1,
                                      .forward_fd = -1,
                                      .control_fd = listener,
                                      .ready_fd = ready[1]};
    options.vault.metrics = metrics;
    options.vault.clock = (struct vault_clock){f.options.clock.now_us, f.options.clock.arg};
    options.grant[0] = (struct vaultd_grant){.id = (uint32_t)geteuid(), .roles = (role_set)~0u};
    options.grants_count = 1;
    fflush(NULL);
    child = fork();
    if (child == 0)
        _exit(vaultd_run(&options));
    close(fds[1]);
    close(ready[1]);
}

static void start(void)
{
    start_counting(NULL);
}

static int wait_child(void)
{
    int status = 0;
    cr_assert_eq(waitpid(child, &status, 0), child);
    close(worker);
    close(ready[0]);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static int stop(int signal)
{
    kill(child, signal);
    return wait_child();
}

static bool is_ready(void)
{
    struct pollfd p = {ready[0], POLLIN, 0};
    char byte;
    return poll(&p, 1, 20000) == 1 && read(ready[0], &byte, 1) == 1;
}

static void setup(void)
{
    struct peer all = fix_peer_all();
    struct sockaddr_un at = {.sun_family = AF_UNIX, .sun_path = "control.sock"};
    fix_init(&f, &all);
    vault_link_free(f.link);
    f.link = NULL;
    f.vault = vault_close(f.vault, true); /* the child opens it */
    listener = socket(AF_UNIX, SOCK_SEQPACKET, 0);
    cr_assert_eq(bind(listener, (struct sockaddr *)&at, sizeof at), 0);
    cr_assert_eq(listen(listener, 8), 0);
}

static void teardown(void)
{
    fix_done(&f);
}

TestSuite(vaultd, .init = setup, .fini = teardown, .timeout = 120);

static void say(int fd, enum frame_type type, uint32_t id, struct span payload)
{
    static uint8_t bytes[WIRE_FRAME_BYTES_MAX];
    frame_head(bytes, type, id, payload.n);
    if (payload.n)
        memcpy(bytes + FRAME_HEAD_BYTES, payload.p, payload.n);
    cr_assert_gt(send(fd, bytes, FRAME_HEAD_BYTES + payload.n, 0), 0);
}

/* The next frame of that type; others are passed over. */
static struct frame hear(int fd, enum frame_type type)
{
    struct frame in = {.type = (enum frame_type)0};
    size_t used;
    for (;;) {
        struct pollfd p = {fd, POLLIN, 0};
        cr_assert_eq(poll(&p, 1, 20000), 1, "waiting for frame %d", type);
        ssize_t n = recv(fd, room, sizeof room, 0);
        cr_assert_gt(n, 0, "waiting for frame %d", type);
        cr_assert_eq(frame_next(span_of(room, (size_t)n), &in, &used, NULL), OK);
        if (in.type == type)
            return in;
    }
}

static uint16_t hello(void)
{
    hear(worker, FRAME_GREETING);
    say(worker, FRAME_HELLO, 1,
        span_str("\x08"
                 "asterisk\x02"));
    struct frame w = hear(worker, FRAME_WELCOME);
    struct reader r = reader_of(w.payload);
    uint16_t feed = reader_be16(&r);
    hear(worker, FRAME_READY);
    return feed;
}

static struct receipt send_record(uint16_t feed, unsigned number)
{
    struct record r;
    struct receipt receipt;
    char key[16];
    snprintf(key, sizeof key, "%u", number);
    fix_call(&r, feed, "+12125550101", "+12125550102", 1795219200 * (int64_t)US_PER_S, key);
    fix_add(&f, &r);
    say(worker, FRAME_BATCH, number, buf_span(&f.batch));
    buf_reset(&f.batch);
    struct frame in = hear(worker, FRAME_RECEIPT);
    cr_assert_eq(in.id, number);
    cr_assert_eq(receipt_decode(in.payload, &receipt, NULL), OK);
    return receipt;
}

static int connect_control(void)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX, .sun_path = "control.sock"};
    int fd = socket(AF_UNIX, SOCK_SEQPACKET, 0);
    cr_assert_eq(connect(fd, (struct sockaddr *)&at, sizeof at), 0);
    return fd;
}

Test(vaultd, acknowledged_records_survive_kill_9)
{
    unsigned sent = 0;
    for (unsigned round = 0; round < 5; round++) {
        start();
        cr_assert(is_ready());
        uint16_t feed = hello();
        for (unsigned i = 0; i < 20; i++)
            cr_expect_eq(send_record(feed, ++sent).accepted, 1);
        cr_expect_eq(stop(SIGKILL), 128 + SIGKILL);
    }
    start();
    uint16_t feed = hello();
    for (unsigned i = 1; i <= sent; i++)
        cr_expect_eq(send_record(feed, i).duplicate, 1, "record %u", i);
    cr_expect_eq(stop(SIGTERM), 0);
}

Test(vaultd, people_are_served_by_their_credentials)
{
    uint8_t bytes[128];
    struct buf b = buf_of(bytes, sizeof bytes);
    start();
    cr_assert(is_ready());
    int fd = connect_control();
    control_put_verb(&b, "status");
    say(fd, FRAME_REQUEST, 3, buf_span(&b));
    struct frame end = hear(fd, FRAME_END);
    cr_expect_eq(end.id, 3);
    cr_expect_eq(end.payload.p[0], CONTROL_DONE);
    say(fd, FRAME_FORWARD_HELLO, 4, SPAN_EMPTY); /* people are not given the CURVE key */
    cr_expect_eq(recv(fd, room, sizeof room, 0), 0, "closed");
    close(fd);
    cr_expect_eq(stop(SIGTERM), 0);
}

Test(vaultd, who_has_no_grant_is_denied)
{
    uint8_t bytes[128];
    struct buf b = buf_of(bytes, sizeof bytes);
    if (geteuid() != 0)
        cr_skip("only root can be somebody else");
    start();
    cr_assert(is_ready());
    cr_assert_eq(chmod(".", 0755), 0);
    cr_assert_eq(chmod("control.sock", 0666), 0);
    fflush(NULL);
    pid_t other = fork();
    if (other == 0) {
        if (setresgid(65534, 65534, 65534) != 0 || setresuid(65534, 65534, 65534) != 0)
            _exit(9);
        int fd = connect_control();
        control_put_verb(&b, "customer list");
        say(fd, FRAME_REQUEST, 3, buf_span(&b));
        struct frame end = hear(fd, FRAME_END);
        _exit(end.payload.p[0]);
    }
    int status = 0;
    waitpid(other, &status, 0);
    cr_expect(WIFEXITED(status) && WEXITSTATUS(status) == CONTROL_DENIED, "status %x", status);
    cr_expect_eq(stop(SIGTERM), 0);
}

static enum control_status ask_status(int fd)
{
    uint8_t bytes[128];
    struct buf b = buf_of(bytes, sizeof bytes);
    control_put_verb(&b, "status");
    say(fd, FRAME_REQUEST, 3, buf_span(&b));
    return (enum control_status)hear(fd, FRAME_END).payload.p[0];
}

/* Exits 0 if somebody else is answered, though root has taken all that one user may have. */
static pid_t fork_somebody_else(void)
{
    cr_assert_eq(chmod(".", 0755), 0);
    cr_assert_eq(chmod("control.sock", 0666), 0);
    fflush(NULL);
    pid_t other = fork();
    if (other == 0) {
        if (setresgid(65534, 65534, 65534) != 0 || setresuid(65534, 65534, 65534) != 0)
            _exit(9);
        _exit(ask_status(connect_control()) == CONTROL_DENIED ? 0 : 1);
    }
    return other;
}

/* I10 */
Test(vaultd, one_user_cannot_take_all_connections)
{
    int mine[VAULTD_CLIENTS_A_USER_MAX];
    struct metrics metrics;
    cr_assert_eq(metrics_init(&metrics), OK);
    start_counting(&metrics);
    cr_assert(is_ready());
    for (size_t i = 0; i < VAULTD_CLIENTS_A_USER_MAX; i++) {
        mine[i] = connect_control();
        cr_expect_eq(ask_status(mine[i]), CONTROL_DONE, "connection %zu", i);
    }
    for (uint64_t i = 1; i <= 3; i++) {
        int fd = connect_control();
        cr_expect_eq(recv(fd, room, sizeof room, 0), 0, "closed");
        cr_expect_eq(metric_get(&metrics, METRIC_CONTROL_REFUSED), i);
        close(fd);
    }
    if (geteuid() == 0) {
        int status = 0;
        cr_assert_gt(waitpid(fork_somebody_else(), &status, 0), 0);
        cr_expect_eq(status, 0, "somebody else is served");
    }
    close(mine[7]);
    cr_expect_eq(ask_status(mine[8]), CONTROL_DONE); /* a turn, which sweeps the closed one */
    int again = connect_control();
    cr_expect_eq(ask_status(again), CONTROL_DONE, "a place is free again");
    cr_expect_eq(stop(SIGTERM), 0);
    metrics_done(&metrics);
}

static bool tear_window(void *arg, struct span key, struct span value)
{
    struct txn *t = arg;
    (void)value;
    if (!span_is(key, "state"))
        txn_put(t, FAMILY_USAGE, key, span_str("torn"));
    return true;
}

/* Only what does not open is given up: what fails while it serves is tried again. */
Test(vaultd, what_fails_while_it_serves_is_worth_another_try)
{
    struct record r;
    struct diag d;
    start();
    uint16_t feed = hello();
    cr_expect_eq(send_record(feed, 1).accepted, 1);
    cr_expect_eq(stop(SIGTERM), 0);
    cr_assert_eq(vault_open(&f.options, &f.vault, &d), OK);
    struct txn *t = vault_txn(f.vault);
    cr_assert_eq(store_walk(f.vault->store, FAMILY_USAGE, SPAN_EMPTY, tear_window, t), OK);
    cr_assert_eq(vault_flush(f.vault), OK);
    f.vault = vault_close(f.vault, true);
    start();
    feed = hello();
    fix_call(&r, feed, "+12125550101", "+12125550102", 1795219200 * (int64_t)US_PER_S, "2");
    fix_add(&f, &r);
    say(worker, FRAME_BATCH, 2, buf_span(&f.batch));
    cr_expect_eq(wait_child(), 1);
}

Test(vaultd, a_damaged_vault_is_not_started_again_and_again)
{
    cr_assert_eq(truncate("keyring", 10), 0);
    start();
    cr_expect_not(is_ready());
    int status = 0;
    waitpid(child, &status, 0);
    cr_expect(WIFEXITED(status) && WEXITSTATUS(status) == VAULTD_EXIT_REFUSED, "status %x", status);
}
