/* Proves: datagrams come whole, once and in order; a taker without room loses none that was read,
 * and is offered it again; what the kernel drops meanwhile is counted; at the end what had been
 * received is still taken, and a sender that goes on does not put the end off. */
#include "ingest/source/udp.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

struct bed {
    uv_loop_t loop;
    struct source *source;
    int fd, sender;
    bool full;
    size_t room; /* SIZE_MAX: always */
    uint32_t next;
    size_t taken, bytes, misplaced;
    uint64_t dropped;
    bool echo; /* another is sent for each that is taken */
};

static void transmit(struct bed *b, uint32_t from, uint32_t to, size_t bytes);

static enum err on_take(void *arg, struct span datagram)
{
    struct bed *b = arg;
    uint32_t n;
    if (b->room == 0)
        return ERR_FULL;
    b->room -= b->room != SIZE_MAX;
    cr_assert_geq(datagram.n, sizeof n);
    memcpy(&n, datagram.p, sizeof n);
    b->misplaced += n != b->next;
    b->next = n + 1;
    b->taken++;
    b->bytes += datagram.n;
    if (b->echo)
        transmit(b, n + 1, n + 2, 100);
    return OK;
}

static void on_dropped(void *arg, uint64_t datagrams)
{
    ((struct bed *)arg)->dropped += datagrams;
}

static void setup(struct bed *b)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof a;
    memset(b, 0, sizeof *b);
    b->room = SIZE_MAX;
    b->fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    cr_assert_eq(bind(b->fd, (struct sockaddr *)&a, sizeof a), 0);
    cr_assert_eq(getsockname(b->fd, (struct sockaddr *)&a, &n), 0);
    b->sender = socket(AF_INET, SOCK_DGRAM, 0);
    cr_assert_eq(connect(b->sender, (struct sockaddr *)&a, sizeof a), 0);
    struct udp_options o = {b->fd, on_take, on_dropped, b};
    uv_loop_init(&b->loop);
    cr_assert_eq(udp_new(&b->loop, &o, &b->source), OK);
    cr_expect(b->source->lossy);
}

static void teardown(struct bed *b)
{
    source_stop(b->source);
    source_stop(b->source);
    uv_run(&b->loop, UV_RUN_DEFAULT);
    cr_expect_eq(uv_loop_close(&b->loop), 0);
    source_free(b->source);
    close(b->fd);
    close(b->sender);
}

static void run(struct bed *b)
{
    for (int i = 0; i < 50; i++)
        uv_run(&b->loop, UV_RUN_NOWAIT);
}

static void transmit(struct bed *b, uint32_t from, uint32_t to, size_t bytes)
{
    static uint8_t payload[65000];
    for (uint32_t i = from; i < to; i++) {
        memcpy(payload, &i, sizeof i);
        cr_assert_eq(send(b->sender, payload, bytes, 0), (ssize_t)bytes);
    }
}

Test(udp, whole_once_in_order)
{
    struct bed b;
    setup(&b);
    transmit(&b, 0, 200, 500);
    transmit(&b, 200, 201, 65000);
    run(&b);
    cr_expect_eq(b.taken, 201);
    cr_expect_eq(b.bytes, 200 * 500 + 65000);
    cr_expect_eq(b.misplaced, 0);
    teardown(&b);
}

Test(udp, taker_without_room)
{
    struct bed b;
    setup(&b);
    b.room = 70; /* amid the second batch */
    transmit(&b, 0, 150, 100);
    run(&b);
    cr_expect_eq(b.taken, 70);
    source_resume(b.source); /* still no room */
    run(&b);
    cr_expect_eq(b.taken, 70);
    b.room = SIZE_MAX;
    source_resume(b.source);
    source_resume(b.source);
    run(&b);
    cr_expect_eq(b.taken, 150);
    cr_expect_eq(b.misplaced, 0);
    teardown(&b);
}

Test(udp, kernel_drops_are_counted)
{
    struct bed b;
    int small = 4096;
    setup(&b);
    setsockopt(b.fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
    source_pause(b.source);
    transmit(&b, 0, 500, 1000);
    run(&b);
    cr_expect_eq(b.taken, 0);
    source_resume(b.source);
    run(&b);
    transmit(&b, 500, 501, 1000); /* the counter comes with the next datagram */
    run(&b);
    cr_expect_lt(b.taken, 501);
    cr_expect_eq(b.taken + b.dropped, 501);
    teardown(&b);
}

Test(udp, drained_at_the_end)
{
    struct bed b;
    setup(&b);
    transmit(&b, 0, 1500, 100); /* more than one turn reads */
    udp_drain(b.source);
    cr_expect_not(udp_dry(b.source));
    run(&b);
    cr_expect(udp_dry(b.source));
    cr_expect_eq(b.taken, 1500);
    cr_expect_eq(b.misplaced, 0);
    transmit(&b, 1500, 1510, 100); /* behind the end */
    source_pause(b.source);
    source_resume(b.source);
    run(&b);
    cr_expect_eq(b.taken, 1500);
    teardown(&b);
}

Test(udp, drained_when_there_is_room_again)
{
    struct bed b;
    setup(&b);
    b.room = 70;
    transmit(&b, 0, 150, 100);
    run(&b);
    udp_drain(b.source);
    run(&b);
    cr_expect_not(udp_dry(b.source));
    cr_expect_eq(b.taken, 70);
    b.room = SIZE_MAX;
    source_resume(b.source);
    run(&b);
    cr_expect(udp_dry(b.source));
    cr_expect_eq(b.taken, 150);
    teardown(&b);
}

Test(udp, drain_ends_though_the_sender_goes_on)
{
    struct bed b;
    int small = 4096;
    setup(&b);
    setsockopt(b.fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
    b.echo = true;
    transmit(&b, 0, 1, 100);
    udp_drain(b.source);
    run(&b);
    cr_expect(udp_dry(b.source));
    teardown(&b);
}

Test(udp, not_a_socket)
{
    struct bed b;
    struct source *s;
    memset(&b, 0, sizeof b);
    struct udp_options o = {-1, on_take, on_dropped, &b};
    uv_loop_init(&b.loop);
    cr_expect_eq(udp_new(&b.loop, &o, &s), ERR_NET);
    uv_loop_close(&b.loop);
}
