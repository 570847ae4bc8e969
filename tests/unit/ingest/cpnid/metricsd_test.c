/* Proves over real HTTP: the three pages, their status in each state of the daemon, that
 * anything else is refused, and that SIGTERM ends it with 0. */
#include "ingest/cpnid/metricsd.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { ROLES = 2 };

static struct metrics m;
static pid_t server;
static uint16_t port;
static char answer[256 * 1024];

static void start(void)
{
    struct sockaddr_in a = {.sin_family = AF_INET};
    socklen_t n = sizeof a;
    int ready[2], fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    char byte;
    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    cr_assert_eq(bind(fd, (struct sockaddr *)&a, sizeof a), 0);
    cr_assert_eq(listen(fd, 16), 0);
    cr_assert_eq(getsockname(fd, (struct sockaddr *)&a, &n), 0);
    port = ntohs(a.sin_port);
    cr_assert_eq(metrics_init(&m), OK);
    cr_assert_eq(pipe(ready), 0);
    server = fork();
    if (server == 0)
        _exit(metricsd_run(&(struct metricsd_options){fd, &m, ROLES, ready[1]}));
    close(fd);
    cr_assert_eq(read(ready[0], &byte, 1), 1);
}

static void stop(void)
{
    int status = -1;
    kill(server, SIGTERM);
    waitpid(server, &status, 0);
    cr_expect(WIFEXITED(status) && WEXITSTATUS(status) == 0, "%x", (unsigned)status);
    metrics_done(&m);
}

TestSuite(metricsd, .init = start, .fini = stop);

/* Sends the text and reads until the server closes; gives the status. */
static int ask(const char *request)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(port)};
    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM, 0), status = 0;
    size_t n = 0;
    cr_assert_eq(connect(fd, (struct sockaddr *)&a, sizeof a), 0);
    cr_assert_eq(write(fd, request, strlen(request)), (ssize_t)strlen(request));
    for (ssize_t got; (got = read(fd, answer + n, sizeof answer - 1 - n)) > 0;)
        n += (size_t)got;
    answer[n] = '\0';
    close(fd);
    sscanf(answer, "HTTP/1.1 %d", &status);
    return status;
}

#define GET(url) "GET " url " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"

static void up(unsigned role, uint64_t value)
{
    metric_set_at(&m, METRIC_ROLE_READY, role, value);
}

Test(metricsd, ready_is_all_roles_and_a_willing_vault)
{
    cr_expect_eq(ask(GET("/readyz")), 503);
    up(0, 1);
    cr_expect_eq(ask(GET("/readyz")), 503);
    cr_expect(strstr(answer, "a role is not up"));
    up(1, 1);
    cr_expect_eq(ask(GET("/readyz")), 200);
    metric_set(&m, METRIC_VAULT_REFUSING, 1);
    cr_expect_eq(ask(GET("/readyz")), 503);
    cr_expect(strstr(answer, "the vault takes no records"));
    cr_expect_eq(ask(GET("/healthz")), 200, "alive is not ready");
}

Test(metricsd, metrics)
{
    metric_add(&m, METRIC_ACCEPTED, 12345);
    cr_expect_eq(ask(GET("/metrics")), 200);
    cr_expect(strstr(answer, "Content-Type: text/plain; version=0.0.4"));
    cr_expect(strstr(answer, "\ncpnid_records_accepted_total 12345\n"));
    cr_expect_eq(ask("HEAD /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"), 200);
    cr_expect_not(strstr(answer, "cpnid_"));
}

Test(metricsd, nothing_else)
{
    cr_expect_eq(ask(GET("/")), 404);
    cr_expect_eq(ask(GET("/metrics/")), 404);
    cr_expect_eq(ask(GET("/../../etc/passwd")), 404);
    cr_expect_eq(ask("DELETE /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"), 405);
    cr_expect_eq(ask("POST /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
                     "Content-Length: 5\r\n\r\nhello"),
                 405);
    cr_expect_neq(ask("nonsense\r\n\r\n"), 200);
}
