/* Proves: responses are told from their beginnings; metrics add up over labels and are not taken
 * for others that begin alike; posts go out over several connections, are answered each for
 * itself, and are sent again after a 503. */
#include "bench/http_client.h"

#include <criterion/criterion.h>
#include <pthread.h>
#include <stdatomic.h>

#include "tests/unit/bench/listener.h"

#define OK_RESPONSE "HTTP/1.1 200 OK\r\nX: y\r\nContent-Length: 3\r\n\r\nyes"

Test(http_client, every_prefix_of_a_response_asks_for_more)
{
    struct http_response r;
    struct span whole = span_str(OK_RESPONSE "HTTP/1.1 4");
    for (size_t n = 0; n < sizeof OK_RESPONSE - 1; n++) {
        uint8_t *exact = malloc(n + 1);
        memcpy(exact, whole.p, n);
        cr_expect_eq(http_response_parse(span_of(exact, n), &r), ERR_MORE, "%zu bytes", n);
        free(exact);
    }
    cr_assert_eq(http_response_parse(whole, &r), OK);
    cr_expect_eq(r.status, 200u);
    cr_expect(span_is(r.body, "yes"));
    cr_expect_eq(r.used, sizeof OK_RESPONSE - 1);
}

Test(http_client, what_is_no_response)
{
    static const char *const ROWS[] = {
        "HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n", "HTTP/1.1 xx\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 200 OK\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n"};
    struct http_response r;
    for (size_t i = 0; i < sizeof ROWS / sizeof ROWS[0]; i++)
        cr_expect_eq(http_response_parse(span_str(ROWS[i]), &r), ERR_SYNTAX, "row %zu", i);
}

Test(http_client, metrics_add_up_over_labels)
{
    struct span text = span_str("# HELP cpnid_shed_total x 5\n# TYPE cpnid_shed_total counter\n"
                                "cpnid_shed_total{feed=\"a\",reason=\"x y\"} 3\n"
                                "cpnid_shed_total{feed=\"b\",reason=\"z\"} 4\n"
                                "cpnid_shed_total_more 9\ncpnid_commits_total 11\n");
    cr_expect_eq(http_metric_sum(text, "cpnid_shed_total"), 7u);
    cr_expect_eq(http_metric_sum(text, "cpnid_commits_total"), 11u);
    cr_expect_eq(http_metric_sum(text, "cpnid_nothing"), 0u);
}

/* --- a server that answers each request in turn: 503 to the first `refuse` of them --- */
struct server {
    int fd;
    bool closes; /* behind a 503, as cpnid may */
    atomic_int refuse, requests;
    const char *answer;
};

/* Reads a request with its body; false at the end. */
static bool read_request(int fd)
{
    char room[4096];
    size_t held = 0;
    for (;;) {
        ssize_t n = recv(fd, room + held, sizeof room - 1 - held, 0);
        if (n <= 0)
            return false;
        held += (size_t)n;
        room[held] = 0;
        const char *end = strstr(room, "\r\n\r\n"), *length = strstr(room, "Content-Length: ");
        size_t body = length ? strtoul(length + 16, NULL, 10) : 0;
        if (end && held == (size_t)(end + 4 - room) + body)
            return true;
    }
}

static void *serve_connection(void *arg)
{
    struct server *s = arg;
    int fd = accept(s->fd, NULL, NULL);
    while (fd >= 0 && read_request(fd)) {
        static const char BUSY[] =
            "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\nContent-Length: 0\r\n\r\n";
        atomic_fetch_add(&s->requests, 1);
        const char *answer = atomic_fetch_sub(&s->refuse, 1) > 0 ? BUSY : s->answer;
        send(fd, answer, strlen(answer), MSG_NOSIGNAL);
        if (s->closes && answer == BUSY)
            break;
    }
    close(fd);
    return NULL;
}

struct seen {
    unsigned status[8];
};

static void on_answered(void *arg, size_t item, unsigned status, uint64_t now_us)
{
    (void)now_us;
    ((struct seen *)arg)->status[item] = status;
}

Test(http_client, posts_are_answered_each_for_itself, .timeout = 20)
{
    enum { CONNECTIONS = 2, POSTS = 5 };
    struct listener l = listen_on(SOCK_STREAM);
    struct server s = {.fd = l.fd, .refuse = 1, .answer = OK_RESPONSE};
    struct seen seen = {{0}};
    struct poster_events events = {on_answered, &seen};
    struct poster *p;
    pthread_t thread[CONNECTIONS];
    for (int i = 0; i < CONNECTIONS; i++)
        pthread_create(&thread[i], NULL, serve_connection, &s);
    cr_assert_eq(poster_new(l.port, CONNECTIONS, &events, &p), OK);
    size_t posted = 0;
    for (bool all = false; !all;) {
        while (posted < POSTS && poster_put(p, posted, span_str("{\"a\":1}")))
            posted++;
        cr_assert_eq(poster_turn(p, 1000), OK);
        all = true;
        for (size_t i = 0; i < POSTS; i++)
            all &= seen.status[i] == 200;
    }
    cr_expect_eq(poster_refused(p), 1u);
    cr_expect_eq(atomic_load(&s.requests), POSTS + 1);
    poster_free(p);
    for (int i = 0; i < CONNECTIONS; i++)
        pthread_join(thread[i], NULL);
    close(l.fd);
}

Test(http_client, get_gives_the_body, .timeout = 20)
{
    struct listener l = listen_on(SOCK_STREAM);
    struct server s = {.fd = l.fd, .answer = OK_RESPONSE};
    uint8_t room[256];
    struct buf b = buf_of(room, sizeof room);
    pthread_t thread;
    pthread_create(&thread, NULL, serve_connection, &s);
    cr_expect_eq(http_get(l.port, "/metrics", &b), OK);
    cr_expect(span_is(buf_span(&b), "yes"));
    pthread_join(thread, NULL);
    close(l.fd);
    cr_expect_eq(http_get(l.port, "/metrics", &b), ERR_NET);
}

Test(http_client, a_connection_closed_behind_a_503_is_made_again, .timeout = 20)
{
    enum { CONNECTIONS = 1, AND_AGAIN = 2 };
    struct listener l = listen_on(SOCK_STREAM);
    struct server s = {.fd = l.fd, .closes = true, .refuse = 1, .answer = OK_RESPONSE};
    struct seen seen = {{0}};
    struct poster_events events = {on_answered, &seen};
    struct poster *p;
    pthread_t thread[AND_AGAIN];
    for (int i = 0; i < AND_AGAIN; i++)
        pthread_create(&thread[i], NULL, serve_connection, &s);
    cr_assert_eq(poster_new(l.port, CONNECTIONS, &events, &p), OK);
    cr_assert(poster_put(p, 0, span_str("{\"a\":1}")));
    while (seen.status[0] == 0)
        cr_assert_eq(poster_turn(p, 1000), OK);
    cr_expect_eq(seen.status[0], 200u);
    cr_expect_eq(poster_refused(p), 1u);
    poster_free(p);
    for (int i = 0; i < AND_AGAIN; i++)
        pthread_join(thread[i], NULL);
    close(l.fd);
}
