/* Proves: frames come whole and in order however the stream is cut, plain or compressed; a paused
 * source stops its sender and loses nothing (I9); a broken stream costs its own connection and no
 * other (I10); idle and surplus connections are closed. */
#include "ingest/source/tcp.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>
#include <zlib.h>

#include "proto/core/buf.h"

struct bed {
    uv_loop_t loop;
    struct source *source;
    int fd;
    uint16_t port;
    size_t room;
    uint32_t next;
    size_t taken, misplaced;
    unsigned events[TCP_CUT + 1];
};

/* A frame is "HEP3", its length, a number, and filling. */
static void put_frame(struct buf *b, uint32_t i, size_t filling)
{
    buf_str(b, "HEP3");
    buf_be16(b, (uint16_t)(10 + filling));
    buf_be32(b, i);
    uint8_t *room = buf_room(b, filling);
    cr_assert_not_null(room);
    memset(room, (int)i, filling);
}

static enum err on_take(void *arg, struct span frame)
{
    struct bed *b = arg;
    if (b->room == 0)
        return ERR_FULL;
    b->room -= b->room != SIZE_MAX;
    uint32_t n = (uint32_t)(frame.p[6] << 24 | frame.p[7] << 16 | frame.p[8] << 8 | frame.p[9]);
    b->misplaced += n != b->next || (frame.n > 10 && frame.p[frame.n - 1] != (uint8_t)n);
    b->next = n + 1;
    b->taken++;
    return OK;
}

static void on_event(void *arg, enum tcp_event event, const struct diag *d)
{
    cr_expect_not_null(d);
    ((struct bed *)arg)->events[event]++;
}

static void setup(struct bed *b, size_t connections_max, uint32_t idle_s)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof a;
    memset(b, 0, sizeof *b);
    b->room = SIZE_MAX;
    b->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    cr_assert_eq(bind(b->fd, (struct sockaddr *)&a, sizeof a), 0);
    cr_assert_eq(getsockname(b->fd, (struct sockaddr *)&a, &n), 0);
    cr_assert_eq(listen(b->fd, 8), 0);
    b->port = ntohs(a.sin_port);
    struct tcp_options o = {b->fd, connections_max, idle_s, on_take, on_event, b};
    uv_loop_init(&b->loop);
    cr_assert_eq(tcp_new(&b->loop, &o, &b->source), OK);
    cr_expect_not(b->source->lossy);
}

static void run(struct bed *b)
{
    for (int i = 0; i < 20; i++) {
        uv_run(&b->loop, UV_RUN_NOWAIT);
        usleep(200);
    }
}

static void teardown(struct bed *b)
{
    source_stop(b->source);
    uv_run(&b->loop, UV_RUN_DEFAULT);
    cr_expect_eq(uv_loop_close(&b->loop), 0);
    source_free(b->source);
    cr_expect_eq(b->events[TCP_OPENED], b->events[TCP_CLOSED]);
    close(b->fd);
}

static int sender(struct bed *b)
{
    struct sockaddr_in a = {.sin_family = AF_INET,
                            .sin_port = htons(b->port),
                            .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    cr_assert_eq(connect(fd, (struct sockaddr *)&a, sizeof a), 0);
    return fd;
}

static void send_all(struct bed *b, int fd, struct span bytes, size_t piece)
{
    for (size_t at = 0; at < bytes.n; at += piece) {
        struct span part = span_sub(bytes, at, piece);
        cr_assert_eq(send(fd, part.p, part.n, MSG_NOSIGNAL), (ssize_t)part.n);
        uv_run(&b->loop, UV_RUN_NOWAIT);
    }
    run(b);
}

/* Is the connection closed by the other side? */
static bool is_closed(int fd)
{
    uint8_t c;
    ssize_t n = recv(fd, &c, 1, MSG_DONTWAIT);
    return n == 0 || (n < 0 && errno == ECONNRESET);
}

static struct span frames(unsigned n, size_t filling)
{
    static uint8_t room[1024 * 1024];
    struct buf b = buf_of(room, sizeof room);
    for (uint32_t i = 0; i < n; i++)
        put_frame(&b, i, filling + i % 7);
    return buf_span(&b);
}

Test(tcp, however_the_stream_is_cut)
{
    static const size_t PIECES[] = {1, 2, 7, 100, 1000, 65536};
    for (size_t i = 0; i < sizeof PIECES / sizeof PIECES[0]; i++) {
        struct bed b;
        setup(&b, 4, 60);
        int fd = sender(&b);
        send_all(&b, fd, frames(60, 20), PIECES[i]);
        cr_expect_eq(b.taken, 60, "in pieces of %zu: %zu", PIECES[i], b.taken);
        cr_expect_eq(b.misplaced, 0);
        close(fd);
        run(&b);
        cr_expect_eq(b.events[TCP_CLOSED], 1);
        cr_expect_eq(b.events[TCP_CUT] + b.events[TCP_FRAMING], 0);
        teardown(&b);
    }
}

Test(tcp, large_frames)
{
    struct bed b;
    setup(&b, 4, 60);
    int fd = sender(&b);
    send_all(&b, fd, frames(15, 65000), 100000);
    run(&b);
    cr_expect_eq(b.taken, 15);
    cr_expect_eq(b.misplaced, 0);
    close(fd);
    teardown(&b);
}

Test(tcp, compressed_members_back_to_back)
{
    static uint8_t stream[200000];
    struct span plain = frames(400, 300);
    size_t n = 0;
    for (size_t at = 0; at < plain.n; at += 10000) { /* members end amid frames */
        struct span part = span_sub(plain, at, 10000);
        z_stream z = {.next_in = (Bytef *)(uintptr_t)part.p,
                      .avail_in = (uInt)part.n,
                      .next_out = stream + n,
                      .avail_out = (uInt)(sizeof stream - n)};
        cr_assert_eq(deflateInit2(&z, 1, Z_DEFLATED, 31, 8, Z_DEFAULT_STRATEGY), Z_OK);
        cr_assert_eq(deflate(&z, Z_FINISH), Z_STREAM_END);
        n += z.total_out;
        deflateEnd(&z);
    }
    static const size_t PIECES[] = {1, 333, 100000};
    for (size_t i = 0; i < sizeof PIECES / sizeof PIECES[0]; i++) {
        struct bed b;
        setup(&b, 4, 60);
        int fd = sender(&b);
        send_all(&b, fd, span_of(stream, n), PIECES[i]);
        cr_expect_eq(b.taken, 400, "in pieces of %zu: %zu", PIECES[i], b.taken);
        cr_expect_eq(b.misplaced, 0);
        close(fd);
        teardown(&b);
    }
}

Test(tcp, back_pressure_loses_nothing)
{
    struct bed b;
    setup(&b, 4, 60);
    int fd = sender(&b), small = 8192;
    setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &small, sizeof small);
    struct span all = frames(20, 40000);
    size_t sent = 0;
    b.room = 3;
    for (int i = 0; i < 3000 && b.taken < 20; i++) {
        ssize_t n = send(fd, all.p + sent, all.n - sent, MSG_DONTWAIT | MSG_NOSIGNAL);
        sent += n > 0 ? (size_t)n : 0;
        uv_run(&b.loop, UV_RUN_NOWAIT);
        if (b.room == 0 && i % 40 == 0) {
            source_pause(b.source);
            b.room = 2;
            source_resume(b.source);
        }
        usleep(100);
    }
    cr_expect_eq(b.taken, 20);
    cr_expect_eq(b.misplaced, 0);
    close(fd);
    teardown(&b);
}

Test(tcp, paused_before_anything_came)
{
    struct bed b;
    setup(&b, 4, 60);
    int fd = sender(&b);
    run(&b);
    source_pause(b.source);
    send_all(&b, fd, frames(5, 20), 1000);
    cr_expect_eq(b.taken, 0);
    shutdown(fd, SHUT_WR);
    source_resume(b.source);
    run(&b);
    cr_expect_eq(b.taken, 5);
    cr_expect_eq(b.events[TCP_CLOSED], 1);
    close(fd);
    teardown(&b);
}

Test(tcp, broken_streams)
{
    static const struct {
        const char *name;
        struct span bytes;
        enum tcp_event event;
    } ROWS[] = {
        {"not HEP", SPAN_LIT("GET / HTTP/1.1\r\n\r\n"), TCP_FRAMING},
        {"a length below the head", SPAN_LIT("HEP3\0\5xxxxxx"), TCP_FRAMING},
        {"version 1, which has no length", SPAN_LIT("\1\x10\2\x11xxxxxxxxxxxx"), TCP_FRAMING},
        {"gzip that is none", SPAN_LIT("\x1f\x8b\x08\xff nonsense nonsense nonsense"),
         TCP_COMPRESSION},
    };
    for (size_t i = 0; i < sizeof ROWS / sizeof ROWS[0]; i++) {
        struct bed b;
        setup(&b, 4, 60);
        int bad = sender(&b), good = sender(&b);
        send_all(&b, bad, ROWS[i].bytes, 100);
        cr_expect_eq(b.events[ROWS[i].event], 1, "%s", ROWS[i].name);
        cr_expect(is_closed(bad), "%s", ROWS[i].name);
        send_all(&b, good, frames(3, 20), 100);
        cr_expect_eq(b.taken, 3, "%s", ROWS[i].name);
        close(bad);
        close(good);
        teardown(&b);
    }
}

Test(tcp, cut_amid_a_frame)
{
    struct bed b;
    setup(&b, 4, 60);
    int fd = sender(&b);
    struct span all = frames(2, 50);
    send_all(&b, fd, span_sub(all, 0, all.n - 1), 1000);
    close(fd);
    run(&b);
    cr_expect_eq(b.taken, 1);
    cr_expect_eq(b.events[TCP_CUT], 1);
    teardown(&b);
}

Test(tcp, surplus_connections)
{
    struct bed b;
    setup(&b, 2, 60);
    int fd[3];
    for (int i = 0; i < 3; i++) {
        fd[i] = sender(&b);
        run(&b);
    }
    cr_expect_eq(b.events[TCP_REFUSED], 1);
    cr_expect(is_closed(fd[2]));
    cr_expect_not(is_closed(fd[0]));
    for (int i = 0; i < 3; i++)
        close(fd[i]);
    teardown(&b);
}

Test(tcp, idle_connection)
{
    struct bed b;
    setup(&b, 2, 1);
    int fd = sender(&b);
    for (int i = 0; i < 200 && b.events[TCP_IDLE] == 0; i++) {
        uv_run(&b.loop, UV_RUN_NOWAIT);
        usleep(10000);
    }
    cr_expect_eq(b.events[TCP_IDLE], 1);
    run(&b);
    cr_expect(is_closed(fd));
    close(fd);
    teardown(&b);
}
