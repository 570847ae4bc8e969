/* Proves, with raw requests: what is answered without a taker, that an answer is held back until
 * its ticket is settled and no longer than wait_ms, that limits hold for declared and undeclared
 * lengths, and that 100-continue is said only where the body is wanted. */
#include "ingest/source/http.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

struct bed {
    uv_loop_t loop;
    struct http *http;
    uint16_t port;
    unsigned route_status;
    uint64_t ticket;
    unsigned posts, answered, last_status;
    size_t body_bytes;
    char path[64], head[64];
    char reply[2048];
};

static struct http_answer on_route(void *arg, struct span path)
{
    struct bed *b = arg;
    struct http_answer a = {.status = b->route_status};
    snprintf(b->path, sizeof b->path, "%.*s", (int)path.n, (const char *)path.p);
    return a;
}

static struct http_answer on_post(void *arg, struct span path, struct span body)
{
    struct bed *b = arg;
    struct http_answer a = {.status = 200, .ticket = b->ticket};
    (void)path;
    b->posts++;
    b->body_bytes = body.n;
    snprintf(b->head, sizeof b->head, "%.*s", (int)(body.n < 32 ? body.n : 32),
             body.n ? (const char *)body.p : "");
    snprintf(a.text, sizeof a.text, "stored\n");
    return a;
}

static void on_answered(void *arg, unsigned status)
{
    struct bed *b = arg;
    b->answered++;
    b->last_status = status;
}

static void setup(struct bed *b)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof a;
    memset(b, 0, sizeof *b);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    cr_assert_eq(bind(fd, (struct sockaddr *)&a, sizeof a), 0);
    cr_assert_eq(getsockname(fd, (struct sockaddr *)&a, &n), 0);
    cr_assert_eq(listen(fd, 8), 0);
    b->port = ntohs(a.sin_port);
    struct http_options o = {.fd = fd,
                             .connections_max = 16,
                             .body_bytes_max = 100000,
                             .idle_s = 30,
                             .wait_ms = 300,
                             .retry_after_s = 7,
                             .route = on_route,
                             .post = on_post,
                             .answered = on_answered,
                             .arg = b};
    uv_loop_init(&b->loop);
    cr_assert_eq(http_new(&b->loop, &o, &b->http), OK);
}

static void teardown(struct bed *b)
{
    source_stop(http_source(b->http));
    uv_run(&b->loop, UV_RUN_DEFAULT);
    cr_expect_eq(uv_loop_close(&b->loop), 0);
    source_free(http_source(b->http));
}

static int client(struct bed *b)
{
    struct sockaddr_in a = {.sin_family = AF_INET,
                            .sin_port = htons(b->port),
                            .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    cr_assert_eq(connect(fd, (struct sockaddr *)&a, sizeof a), 0);
    return fd;
}

static void run(struct bed *b, int ms)
{
    for (int i = 0; i < ms; i++) {
        uv_run(&b->loop, UV_RUN_NOWAIT);
        usleep(1000);
    }
}

/* Status of what came, 0: nothing yet. The text is in b->reply. */
static int reply(struct bed *b, int fd, int ms)
{
    size_t n = 0;
    b->reply[0] = '\0';
    for (int i = 0; i < ms && !strstr(b->reply, "\r\n\r\n"); i++) {
        run(b, 1);
        ssize_t got = recv(fd, b->reply + n, sizeof b->reply - 1 - n, MSG_DONTWAIT);
        n += got > 0 ? (size_t)got : 0;
        b->reply[n] = '\0';
    }
    return n > 12 ? atoi(b->reply + 9) : 0;
}

static int request(struct bed *b, const char *method, size_t declared, const char *more)
{
    char head[512];
    int fd = client(b);
    int n = snprintf(head, sizeof head,
                     "%s /cdr/x?uuid=1 HTTP/1.1\r\nHost: x\r\nContent-Length: %zu\r\n%s\r\n",
                     method, declared, more);
    cr_assert_eq(send(fd, head, (size_t)n, MSG_NOSIGNAL), n);
    return fd;
}

Test(http, body_in_pieces)
{
    struct bed b;
    setup(&b);
    int fd = request(&b, "POST", 50000, "");
    static char part[1000];
    memset(part, 'x', sizeof part);
    for (int i = 0; i < 50; i++) {
        cr_assert_eq(send(fd, part, sizeof part, MSG_NOSIGNAL), (ssize_t)sizeof part);
        run(&b, 1);
    }
    cr_expect_eq(reply(&b, fd, 500), 200);
    cr_expect_eq(b.posts, 1);
    cr_expect_eq(b.body_bytes, 50000);
    cr_expect_str_eq(b.path, "/cdr/x");
    close(fd);
    teardown(&b);
}

Test(http, two_requests_of_one_connection)
{
    struct bed b;
    setup(&b);
    int fd = request(&b, "POST", 1, "");
    cr_assert_eq(send(fd, "a", 1, MSG_NOSIGNAL), 1);
    cr_expect_eq(reply(&b, fd, 500), 200);
    static const char AGAIN[] = "POST /y HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nbc";
    cr_assert_eq(send(fd, AGAIN, sizeof AGAIN - 1, MSG_NOSIGNAL), (ssize_t)sizeof AGAIN - 1);
    cr_expect_eq(reply(&b, fd, 500), 200);
    cr_expect_eq(b.posts, 2);
    cr_expect_str_eq(b.head, "bc");
    close(fd);
    teardown(&b);
}

Test(http, held_back_until_settled)
{
    struct bed b;
    setup(&b);
    b.ticket = 5;
    int fd = request(&b, "POST", 1, "");
    cr_assert_eq(send(fd, "a", 1, MSG_NOSIGNAL), 1);
    cr_expect_eq(reply(&b, fd, 50), 0);
    cr_expect_eq(http_waiting(b.http), 1);
    http_settle(b.http, 4);
    cr_expect_eq(reply(&b, fd, 50), 0);
    http_settle(b.http, 5);
    cr_expect_eq(reply(&b, fd, 200), 200);
    cr_expect_eq(http_waiting(b.http), 0);
    close(fd);
    teardown(&b);
}

Test(http, not_held_back_for_ever)
{
    struct bed b;
    setup(&b);
    b.ticket = 5;
    int fd = request(&b, "POST", 1, "");
    cr_assert_eq(send(fd, "a", 1, MSG_NOSIGNAL), 1);
    cr_expect_eq(reply(&b, fd, 2000), 503);
    cr_expect_not_null(strstr(b.reply, "Retry-After: 7"));
    close(fd);
    teardown(&b);
}

/* Who hangs up while his answer is held back must not be answered. */
Test(http, sender_goes_away_while_held_back)
{
    struct bed b;
    setup(&b);
    b.ticket = 5;
    int fd = request(&b, "POST", 1, "");
    cr_assert_eq(send(fd, "a", 1, MSG_NOSIGNAL), 1);
    run(&b, 20);
    close(fd);
    run(&b, 20);
    http_settle(b.http, 5);
    run(&b, 20);
    cr_expect_eq(http_waiting(b.http), 0);
    teardown(&b);
}

Test(http, stopped_while_held_back)
{
    struct bed b;
    setup(&b);
    b.ticket = 5;
    int fd = request(&b, "POST", 1, "");
    cr_assert_eq(send(fd, "a", 1, MSG_NOSIGNAL), 1);
    run(&b, 20);
    cr_expect_eq(http_waiting(b.http), 1);
    teardown(&b);
    char text[512] = {0};
    cr_expect_gt(recv(fd, text, sizeof text - 1, 0), 0);
    cr_expect_eq(atoi(text + 9), 503);
    close(fd);
}

Test(http, answers_of_its_own)
{
    static const struct {
        const char *name, *method;
        size_t declared;
        unsigned route;
        bool paused;
        int status;
        const char *header;
    } ROWS[] = {
        {"GET", "GET", 0, 0, false, 405, "Allow: POST"},
        {"PUT", "PUT", 1, 0, false, 405, "Allow: POST"},
        {"nobody takes it", "POST", 1, 404, false, 404, ""},
        {"nobody takes it, whatever the method", "GET", 0, 404, false, 404, ""},
        {"too long", "POST", 100001, 0, false, 413, ""},
        {"no room", "POST", 1, 503, false, 503, "Retry-After: 7"},
        {"paused", "POST", 1, 0, true, 503, "Retry-After: 7"},
    };
    for (size_t i = 0; i < sizeof ROWS / sizeof ROWS[0]; i++) {
        struct bed b;
        setup(&b);
        b.route_status = ROWS[i].route;
        if (ROWS[i].paused)
            source_pause(http_source(b.http));
        int fd = request(&b, ROWS[i].method, ROWS[i].declared, "Expect: 100-continue\r\n");
        cr_expect_eq(reply(&b, fd, 500), ROWS[i].status, "%s: %s", ROWS[i].name, b.reply);
        cr_expect_not_null(strstr(b.reply, ROWS[i].header), "%s: %s", ROWS[i].name, b.reply);
        cr_expect_null(strstr(b.reply, "100 Continue"), "%s", ROWS[i].name);
        cr_expect_eq(b.posts, 0, "%s", ROWS[i].name);
        cr_expect_eq(b.last_status, (unsigned)ROWS[i].status);
        close(fd);
        teardown(&b);
    }
}

Test(http, expect_continue)
{
    struct bed b;
    setup(&b);
    int fd = request(&b, "POST", 2, "Expect: 100-continue\r\n");
    cr_expect_eq(reply(&b, fd, 500), 100);
    cr_assert_eq(send(fd, "ab", 2, MSG_NOSIGNAL), 2);
    cr_expect_eq(reply(&b, fd, 500), 200);
    cr_expect_str_eq(b.head, "ab");
    close(fd);
    teardown(&b);
}

Test(http, undeclared_length_over_the_limit)
{
    struct bed b;
    setup(&b);
    int fd = client(&b);
    static const char HEAD[] = "POST /x HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n";
    cr_assert_eq(send(fd, HEAD, sizeof HEAD - 1, MSG_NOSIGNAL), (ssize_t)sizeof HEAD - 1);
    static char chunk[10000];
    memset(chunk, 'x', sizeof chunk);
    for (int i = 0; i < 12; i++) {
        cr_assert_eq(send(fd, "2710\r\n", 6, MSG_NOSIGNAL), 6);
        cr_assert_eq(send(fd, chunk, sizeof chunk, MSG_NOSIGNAL), (ssize_t)sizeof chunk);
        cr_assert_eq(send(fd, "\r\n", 2, MSG_NOSIGNAL), 2);
        run(&b, 2);
    }
    cr_assert_eq(send(fd, "0\r\n\r\n", 5, MSG_NOSIGNAL), 5);
    cr_expect_eq(reply(&b, fd, 500), 413);
    cr_expect_eq(b.posts, 0);
    close(fd);
    teardown(&b);
}
