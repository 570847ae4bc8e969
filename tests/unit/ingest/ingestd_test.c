/* Proves, with a real worker process, real sockets and files, before a fake vault:
 * what a file or a post brought is stored exactly once through kill -9 of the worker and
 * restarts of the vault (I2, I3); 200 is said only when it is stored; a call that was answered
 * before a kill and ended after it is one record; overload and a vault that is away are answers
 * (I9); a drain loses nothing. */
#include "ingest/ingestd.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "proto/core/metric.h"
#include "tests/lib/fake_vault.h"
#include "tests/lib/hep_builder.h"

static struct fake_vault V; /* Criterion runs each test in a process of its own */

struct bed {
    char dir[64];
    int dir_fd, udp_fd, tcp_fd, http_fd;
    uint16_t udp_port, tcp_port, http_port;
    int channel[2]; /* worker, vault */
    int ready[2];
    struct ingest_agent agent;
    struct ingest_feed feed[3];
    struct ingestd_options options;
    struct metrics metrics;
    pid_t pid;
};

static int bound(int type, uint16_t *port)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof a;
    int fd = socket(AF_INET, type | SOCK_NONBLOCK, 0);
    cr_assert_eq(bind(fd, (struct sockaddr *)&a, sizeof a), 0);
    cr_assert_eq(getsockname(fd, (struct sockaddr *)&a, &n), 0);
    if (type == SOCK_STREAM)
        cr_assert_eq(listen(fd, 16), 0);
    *port = ntohs(a.sin_port);
    return fd;
}

static void setup(struct bed *b)
{
    memset(b, 0, sizeof *b);
    fake_vault_init(&V);
    strcpy(b->dir, "/tmp/ingestd_test.XXXXXX");
    cr_assert(mkdtemp(b->dir));
    b->dir_fd = open(b->dir, O_RDONLY | O_DIRECTORY);
    b->udp_fd = bound(SOCK_DGRAM, &b->udp_port);
    b->tcp_fd = bound(SOCK_STREAM, &b->tcp_port);
    b->http_fd = bound(SOCK_STREAM, &b->http_port);
    cr_assert_eq(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, b->channel), 0);
    cr_assert_eq(metrics_init(&b->metrics), OK);
    b->feed[0] = (struct ingest_feed){INGEST_FEED_DEFAULTS};
    b->feed[0].name = "hep";
    b->feed[0].kind = FEED_HEP;
    b->feed[0].udp_fd = b->udp_fd;
    b->feed[0].tcp_fd = b->tcp_fd;
    b->feed[1] = (struct ingest_feed){INGEST_FEED_DEFAULTS};
    b->feed[1].name = "asterisk";
    b->feed[1].kind = FEED_ASTERISK_CSV;
    b->feed[1].timezone = "UTC";
    b->feed[1].dir_fd = b->dir_fd;
    b->feed[1].dir_path = b->dir;
    b->feed[1].file_name = "Master.csv";
    b->feed[2] = (struct ingest_feed){INGEST_FEED_DEFAULTS};
    b->feed[2].name = "switch";
    b->feed[2].kind = FEED_FREESWITCH_JSON;
    b->options = (struct ingestd_options){INGESTD_DEFAULTS};
    b->options.feed = b->feed;
    b->options.feeds_count = 3;
    b->options.vault_fd = b->channel[0];
    b->options.http_fd = b->http_fd;
    b->options.metrics = &b->metrics;
    b->options.file_poll_ms = 20;
    b->options.drain_ms = 3000;
    b->options.dialogs_max = 1000;
    b->options.npa = span_str("npa,country,region\n212,US,NY\n");
}

static bool serve(struct bed *b, int ms)
{
    return fake_vault_serve(&V, b->channel[1], ms);
}

/* Serves until the worker says that its sources run. */
static void start(struct bed *b)
{
    char c;
    cr_assert_eq(pipe2(b->ready, O_NONBLOCK), 0);
    b->options.ready_fd = b->ready[1];
    fflush(NULL);
    b->pid = fork();
    if (b->pid == 0) {
        close(b->ready[0]);
        close(b->channel[1]);
        _exit(ingestd_run(&b->options));
    }
    close(b->ready[1]);
    for (int i = 0; i < 500 && read(b->ready[0], &c, 1) != 1; i++)
        serve(b, 10);
    close(b->ready[0]);
}

static void kill_worker(struct bed *b)
{
    int status;
    kill(b->pid, SIGKILL);
    waitpid(b->pid, &status, 0);
}

/* SIGTERM; serves until it has ended; gives its exit code. */
static int drain(struct bed *b)
{
    int status = 0;
    kill(b->pid, SIGTERM);
    for (int i = 0; i < 1000; i++) {
        if (waitpid(b->pid, &status, WNOHANG) == b->pid)
            return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
        serve(b, 10);
    }
    cr_assert_fail("the worker did not end");
    return -1;
}

static void teardown(struct bed *b)
{
    char command[128];
    cr_expect_eq(V.violations, 0);
    snprintf(command, sizeof command, "rm -rf %s", b->dir);
    cr_assert_eq(system(command), 0);
    metrics_done(&b->metrics);
    fake_vault_done(&V);
}

static void serve_until(struct bed *b, size_t records)
{
    for (int i = 0; i < 400 && V.records_count < records; i++)
        serve(b, 10);
    serve(b, 30);
    cr_assert_eq(V.records_count, records, "%zu records instead of %zu", V.records_count, records);
}

/* --- file --- */

static void cdr_line(struct bed *b, unsigned i)
{
    char text[512];
    int n = snprintf(text, sizeof text,
                     "\"acct\",\"12125550%03u\",\"12125550199\",\"from-trunk\",\"\"\"A\"\" <1>\","
                     "\"PJSIP/trunk-%08x\",\"PJSIP/b-%08x\",\"Dial\",\"x\","
                     "\"2026-11-20 10:00:00\",\"2026-11-20 10:00:05\",\"2026-11-20 10:01:05\","
                     "65,60,\"ANSWERED\",\"DOCUMENTATION\",\"1763632800.%u\",\"\"\n",
                     100 + i % 100, i, i, i);
    int fd = openat(b->dir_fd, "Master.csv", O_WRONLY | O_CREAT | O_APPEND, 0600);
    cr_assert_eq(write(fd, text, (size_t)n), n);
    close(fd);
}

Test(ingestd, file_through_kills_rotations_and_vault_restarts)
{
    struct bed b;
    unsigned n = 0, rnd = 7;
    setup(&b);
    start(&b);
    for (int round = 0; round < 25; round++) {
        for (unsigned i = 0; i < 40; i++)
            cdr_line(&b, n++);
        serve(&b, (int)((unsigned)rand_r(&rnd) % 15));
        if (round % 3 == 0) {
            kill_worker(&b);
            start(&b);
        }
        if (round % 4 == 1)
            fake_vault_restart(&V);
        if (round == 10 || round == 17)
            cr_assert_eq(renameat(b.dir_fd, "Master.csv", b.dir_fd,
                                  round == 10 ? "Master.csv.2" : "Master.csv.1"),
                         0);
    }
    serve_until(&b, n);
    cr_expect_eq(drain(&b), 0);
    cr_expect_eq(V.records_count, n);
    struct record r;
    fake_vault_record(&V, 0, &r);
    cr_expect(span_is(r.call.calling_tn, "+12125550100"));
    cr_expect_eq(r.call.dur_bill_ms, 60000);
    cr_expect_eq(r.call.call_type, CALL_TYPE_NATIONAL);
    teardown(&b);
}

Test(ingestd, malformed_lines_are_counted_and_passed_over)
{
    struct bed b;
    setup(&b);
    start(&b);
    cdr_line(&b, 0);
    int fd = openat(b.dir_fd, "Master.csv", O_WRONLY | O_APPEND);
    static const char BAD[] = "not,a,cdr\n\n\"open quote\n";
    cr_assert_eq(write(fd, BAD, sizeof BAD - 1), (ssize_t)sizeof BAD - 1);
    close(fd);
    for (unsigned i = 1; i < 30; i++) /* the first of them shows that the quote is torn */
        cdr_line(&b, i);
    serve_until(&b, 30);
    cr_expect_eq(metric_get_at(&b.metrics, METRIC_MALFORMED, 1, REASON_COLUMN), 1);
    cr_expect_eq(metric_get_at(&b.metrics, METRIC_MALFORMED, 1, REASON_LINE), 1);
    cr_expect_eq(drain(&b), 0);
    teardown(&b);
}

static void append(struct bed *b, const char *text)
{
    int fd = openat(b->dir_fd, "Master.csv", O_WRONLY | O_CREAT | O_APPEND, 0600);
    cr_assert_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    close(fd);
}

/* A successor goes on behind the title line, and still knows what the columns are called. */
Test(ingestd, mapped_file_keeps_its_title_through_a_kill)
{
    struct bed b;
    struct record r;
    setup(&b);
    b.feed[1].kind = FEED_MAPPED;
    b.feed[1].map = span_str("format = csv\nheader = names\ncolumns = id, bill, to\nkey = id\n"
                             "answered-by = dur_bill_ms\ndur_bill_ms = bill: seconds\n"
                             "called_raw = to\n");
    append(&b, "id,to,bill\n1,7,8\n");
    start(&b);
    serve_until(&b, 1);
    kill_worker(&b);
    append(&b, "2,7,9\n");
    start(&b);
    serve_until(&b, 2);
    fake_vault_record(&V, 1, &r);
    cr_expect_eq(r.call.dur_bill_ms, 9000);
    cr_expect(span_is(r.call.called_raw, "7"));
    cr_expect_eq(drain(&b), 0);
    teardown(&b);
}

/* --- HTTP --- */

static int connected(uint16_t port)
{
    struct sockaddr_in a = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    cr_assert_eq(connect(fd, (struct sockaddr *)&a, sizeof a), 0);
    return fd;
}

static int post(struct bed *b, const char *path, const char *body)
{
    char head[256];
    int fd = connected(b->http_port);
    int n =
        snprintf(head, sizeof head, "POST %s HTTP/1.1\r\nHost: x\r\nContent-Length: %zu\r\n\r\n",
                 path, strlen(body));
    cr_assert_eq(send(fd, head, (size_t)n, MSG_NOSIGNAL), n);
    cr_assert_eq(send(fd, body, strlen(body), MSG_NOSIGNAL), (ssize_t)strlen(body));
    return fd;
}

static char ANSWER[1024];

/* The status, 0 when there is no answer yet; serves the vault meanwhile if told so. */
static int status_of(struct bed *b, int fd, int tries, bool serving)
{
    for (int i = 0; i < tries; i++) {
        ssize_t n = recv(fd, ANSWER, sizeof ANSWER - 1, MSG_DONTWAIT);
        if (n > 0) {
            ANSWER[n] = '\0';
            return atoi(ANSWER + 9);
        }
        if (serving)
            serve(b, 10);
        else
            usleep(10000);
    }
    return 0;
}

static const char *document(unsigned i)
{
    static char text[1024];
    snprintf(text, sizeof text,
             "{\"core-uuid\":\"c0\",\"variables\":{\"uuid\":\"u-%u\",\"direction\":\"inbound\","
             "\"caller_id_number\":\"%%2B12125550101\",\"sip_req_user\":\"12125550102\","
             "\"start_uepoch\":\"1763632800000000\",\"answer_uepoch\":\"1763632805000000\","
             "\"end_uepoch\":\"1763632865000000\",\"hangup_cause\":\"NORMAL_CLEARING\"}}",
             i);
    return text;
}

Test(ingestd, http_says_200_only_when_it_is_stored)
{
    struct bed b;
    setup(&b);
    start(&b);
    V.withhold = true;
    int fd = post(&b, "/cdr/freeswitch?uuid=1", document(1));
    cr_expect_eq(status_of(&b, fd, 20, true), 0, "answered before the receipt");
    V.withhold = false;
    cr_expect_eq(status_of(&b, fd, 200, true), 200);
    cr_expect_eq(V.records_count, 1);
    int again = post(&b, "/cdr/switch", document(1));
    cr_expect_eq(status_of(&b, again, 200, true), 200);
    cr_expect_eq(V.records_count, 1);
    cr_expect_eq(drain(&b), 0);
    teardown(&b);
}

/* Nobody waits for a batch to fill, or for flush_ms: here it would be the whole test. */
Test(ingestd, http_answer_does_not_wait_for_company)
{
    struct bed b;
    setup(&b);
    b.options.flush_ms = 600 * 1000;
    start(&b);
    for (unsigned i = 1; i <= 3; i++) {
        int fd = post(&b, "/cdr/switch", document(i));
        cr_expect_eq(status_of(&b, fd, 300, true), 200, "document %u", i);
        cr_expect_eq(V.records_count, i);
    }
    cr_expect_eq(drain(&b), 0);
    teardown(&b);
}

Test(ingestd, http_answer_outlives_a_restart_of_the_vault)
{
    struct bed b;
    setup(&b);
    start(&b);
    V.withhold = true;
    int fd = post(&b, "/cdr/switch", document(1));
    cr_expect_eq(status_of(&b, fd, 10, true), 0);
    fake_vault_restart(&V);
    V.withhold = false;
    cr_expect_eq(status_of(&b, fd, 200, true), 200);
    cr_expect_eq(V.records_count, 1);
    cr_expect_eq(drain(&b), 0);
    teardown(&b);
}

Test(ingestd, http_refusals)
{
    static const struct {
        const char *name, *path, *body;
        int status;
        const char *text;
    } ROWS[] = {
        {"unknown path", "/cdr/nobody", "{}", 404, "no feed"},
        {"a feed of another kind", "/cdr/asterisk", "{}", 404, "no feed"},
        {"no JSON", "/cdr/switch", "{\"variables\":", 400, "at byte"},
        {"no CDR", "/cdr/switch", "{}", 400, "1 of 1"},
        {"XML", "/cdr/switch", "<cdr/>", 415, "XML"},
        {"nothing", "/cdr/switch", "", 400, "form field"},
        {"no form field", "/cdr/switch", "a=b", 400, ""},
    };
    struct bed b;
    setup(&b);
    start(&b);
    for (size_t i = 0; i < sizeof ROWS / sizeof ROWS[0]; i++) {
        int fd = post(&b, ROWS[i].path, ROWS[i].body);
        cr_expect_eq(status_of(&b, fd, 200, true), ROWS[i].status, "%s: %.12s", ROWS[i].name,
                     ANSWER);
        cr_expect_not_null(strstr(ANSWER, ROWS[i].text), "%s: %s", ROWS[i].name, ANSWER);
        close(fd);
    }
    cr_expect_eq(V.records_count, 0);
    cr_expect_eq(drain(&b), 0);
    teardown(&b);
}

Test(ingestd, http_takes_arrays_and_lines_and_keeps_the_good_ones)
{
    struct bed b;
    char body[8192];
    setup(&b);
    start(&b);
    size_t n = (size_t)snprintf(body, sizeof body, "%s\n", document(1));
    snprintf(body + n, sizeof body - n, "%s\n", document(2));
    cr_expect_eq(status_of(&b, post(&b, "/cdr/switch", body), 200, true), 200);
    cr_expect_eq(V.records_count, 2);
    n = (size_t)snprintf(body, sizeof body, "[%s,", document(3));
    n += (size_t)snprintf(body + n, sizeof body - n, "{\"x\":1},");
    snprintf(body + n, sizeof body - n, "%s]", document(4));
    cr_expect_eq(status_of(&b, post(&b, "/cdr/switch", body), 200, true), 400);
    cr_expect_not_null(strstr(ANSWER, "1 of 3"), "%s", ANSWER);
    cr_expect_eq(V.records_count, 4);
    cr_expect_eq(drain(&b), 0);
    teardown(&b);
}

Test(ingestd, http_takes_documents_of_a_mapped_feed)
{
    struct bed b;
    setup(&b);
    b.feed[2].kind = FEED_MAPPED;
    b.feed[2].map = span_str("format = json\nkey = id\nanswered-by = dur_bill_ms\n"
                             "dur_bill_ms = bill: seconds\n");
    start(&b);
    cr_expect_eq(status_of(&b, post(&b, "/cdr/switch", "[{\"id\":1,\"bill\":2}]"), 200, true), 200);
    cr_expect_eq(V.records_count, 1);
    cr_expect_eq(status_of(&b, post(&b, "/cdr/switch", "{\"bill\":2}"), 200, true), 400);
    cr_expect_not_null(strstr(ANSWER, "key"), "%s", ANSWER);
    cr_expect_eq(status_of(&b, post(&b, "/cdr/freeswitch", "{}"), 200, true), 404);
    cr_expect_eq(drain(&b), 0);
    teardown(&b);
}

Test(ingestd, http_overload_is_503_with_retry_after)
{
    struct bed b;
    int fd[400], status = 0;
    unsigned n = 0;
    setup(&b);
    b.options.http_connections_max = 500;
    start(&b);
    V.withhold = true;
    while (n < 400 && status != 503) { /* each in a batch of its own: 32 fill the flight */
        fd[n] = post(&b, "/cdr/switch", document(n));
        status = status_of(&b, fd[n++], 2, true);
    }
    cr_assert_eq(status, 503);
    cr_expect_geq(n, BATCHES_IN_FLIGHT_MAX); /* the file's first cursor may have one place */
    cr_expect_not_null(strstr(ANSWER, "Retry-After: 1"), "%s", ANSWER);
    V.withhold = false;
    for (unsigned i = 0; i + 1 < n; i++)
        cr_expect_eq(status_of(&b, fd[i], 200, true), 200);
    cr_expect_eq(V.records_count, n - 1);
    cr_expect_eq(status_of(&b, post(&b, "/cdr/switch", document(n)), 200, true), 200);
    cr_expect_eq(drain(&b), 0);
    teardown(&b);
}

Test(ingestd, http_through_kills_of_the_worker)
{
    struct bed b;
    unsigned acked = 0, rnd = 3;
    setup(&b);
    start(&b);
    while (acked < 60) { /* the sender repeats what was not acknowledged */
        int fd = post(&b, "/cdr/switch", document(acked));
        if ((unsigned)rand_r(&rnd) % 4 == 0) {
            serve(&b, (int)((unsigned)rand_r(&rnd) % 12));
            kill_worker(&b);
            close(fd);
            start(&b);
            continue;
        }
        cr_assert_eq(status_of(&b, fd, 200, true), 200);
        cr_assert_gt(V.records_count, acked, "acknowledged, but not stored");
        acked++;
        close(fd);
    }
    cr_expect_eq(V.records_count, 60);
    cr_expect_eq(drain(&b), 0);
    teardown(&b);
}

/* --- HEP --- */

static void to_udp(struct bed *b, struct span frame)
{
    struct sockaddr_in a = {.sin_family = AF_INET,
                            .sin_port = htons(b->udp_port),
                            .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    cr_assert_eq(sendto(fd, frame.p, frame.n, 0, (struct sockaddr *)&a, sizeof a),
                 (ssize_t)frame.n);
    close(fd);
}

static int64_t wall_s(void)
{
    return (int64_t)time(NULL);
}

static struct span call_frame(enum hep_sip kind, unsigned i, int64_t t_s)
{
    static uint8_t room[HEP_FRAME_BYTES_MAX];
    struct buf b = buf_of(room, sizeof room);
    hep_build(&b, kind, i, t_s * 1000000, 7, SPAN_EMPTY);
    return buf_span(&b);
}

static void whole_call(struct bed *b, unsigned i, int64_t t_s)
{
    to_udp(b, call_frame(HEP_SIP_INVITE, i, t_s));
    to_udp(b, call_frame(HEP_SIP_OK, i, t_s + 2));
    to_udp(b, call_frame(HEP_SIP_BYE, i, t_s + 62));
    to_udp(b, call_frame(HEP_SIP_BYE_OK, i, t_s + 62));
}

Test(ingestd, hep_call_over_udp)
{
    struct bed b;
    struct record r;
    setup(&b);
    start(&b);
    for (unsigned i = 0; i < 20; i++)
        whole_call(&b, i, wall_s() - 100);
    serve_until(&b, 20);
    fake_vault_record(&V, 0, &r);
    cr_expect_eq(r.call.answered, 1);
    cr_expect_eq(r.call.dur_bill_ms, 60000);
    cr_expect_eq(r.call.feed_kind, FEED_HEP);
    cr_expect(span_is(r.call.calling_tn, "+12125550101"));
    for (size_t i = 0; i < r.extras_count; i++)
        cr_expect_not(span_starts(r.extra[i].value, span_str("Digest")), "a secret was kept");
    cr_expect_gt(metric_get_at(&b.metrics, METRIC_FIELDS_DROPPED, 0, (enum reason)0), 0);
    cr_expect_eq(drain(&b), 0);
    cr_expect_eq(V.lives_count, 0);
    teardown(&b);
}

Test(ingestd, hep_call_that_lives_through_a_kill_is_recorded_once_and_billed_rightly)
{
    struct bed b;
    struct record r;
    int64_t t = wall_s() - 100;
    setup(&b);
    start(&b);
    for (unsigned i = 0; i < 30; i++) {
        to_udp(&b, call_frame(HEP_SIP_INVITE, i, t));
        to_udp(&b, call_frame(HEP_SIP_OK, i, t + 2));
    }
    for (int i = 0; i < 200 && V.lives_count < 30; i++)
        serve(&b, 10);
    cr_assert_eq(V.lives_count, 30);
    kill_worker(&b);
    start(&b);
    for (unsigned i = 0; i < 30; i++) {
        to_udp(&b, call_frame(HEP_SIP_BYE, i, t + 62));
        to_udp(&b, call_frame(HEP_SIP_BYE_OK, i, t + 62));
    }
    serve_until(&b, 30);
    for (size_t i = 0; i < V.records_count; i++) {
        fake_vault_record(&V, i, &r);
        cr_expect_eq(r.call.dur_bill_ms, 60000);
        cr_expect(r.call.flags & CALL_RESTORED);
    }
    for (int i = 0; i < 100 && V.lives_count > 0; i++)
        serve(&b, 10);
    cr_expect_eq(V.lives_count, 0, "%zu calls that are over are still kept", V.lives_count);
    cr_expect_eq(metric_get(&b.metrics, METRIC_DIALOGS_RESTORED), 30);
    cr_expect_eq(drain(&b), 0);
    teardown(&b);
}

/* SIGTERM saves even the calls that are only ringing. */
Test(ingestd, drain_saves_young_calls)
{
    struct bed b;
    setup(&b);
    b.options.checkpoint_ms = 60000;
    start(&b);
    to_udp(&b, call_frame(HEP_SIP_INVITE, 1, wall_s()));
    for (int i = 0; i < 100 && metric_get_at(&b.metrics, METRIC_RECEIVED, 0, (enum reason)0) < 1;
         i++)
        serve(&b, 10);
    cr_expect_eq(V.lives_count, 0);
    cr_expect_eq(drain(&b), 0);
    cr_expect_eq(V.lives_count, 1);
    teardown(&b);
}

/* What lies in the socket's buffer at SIGTERM was received: the worker stands still while it
 * comes, and has SIGTERM pending when it goes on. */
Test(ingestd, drain_reads_what_the_kernel_still_holds)
{
    struct bed b;
    setup(&b);
    start(&b);
    kill(b.pid, SIGSTOP);
    for (unsigned i = 0; i < 200; i++)
        whole_call(&b, i, wall_s() - 100);
    kill(b.pid, SIGTERM);
    kill(b.pid, SIGCONT);
    cr_expect_eq(drain(&b), 0);
    cr_expect_eq(V.records_count, 200, "%zu of 200 calls", V.records_count);
    teardown(&b);
}

Test(ingestd, hep_over_tcp_in_pieces_with_a_key)
{
    static uint8_t key[] = "secret";
    struct bed b;
    int64_t t = wall_s() - 100;
    uint8_t room[16384];
    struct buf stream = buf_of(room, sizeof room);
    setup(&b);
    b.agent = (struct ingest_agent){7, {key, 6}};
    b.feed[0].agents = &b.agent;
    b.feed[0].agents_count = 1;
    start(&b);
    static const enum hep_sip CALL[] = {HEP_SIP_INVITE, HEP_SIP_OK, HEP_SIP_BYE, HEP_SIP_BYE_OK};
    for (unsigned i = 0; i < 2; i++) /* call 1 has a wrong key */
        for (unsigned m = 0; m < 4; m++)
            hep_build(&stream, CALL[m], i, (t + 20 * (int64_t)m) * 1000000, 7,
                      span_str(i == 0 ? "secret" : "Secret"));
    hep_build(&stream, HEP_SIP_INVITE, 2, t * 1000000, 8, span_str("secret")); /* unknown agent */
    int fd = connected(b.tcp_port);
    for (size_t at = 0; at < stream.n; at += 333) {
        struct span part = span_sub(buf_span(&stream), at, 333);
        cr_assert_eq(send(fd, part.p, part.n, MSG_NOSIGNAL), (ssize_t)part.n);
        serve(&b, 1);
    }
    serve_until(&b, 1);
    cr_expect_eq(metric_get_at(&b.metrics, METRIC_AUTH_FAILED, 0, REASON_FRAME), 5);
    cr_expect_eq(metric_get_at(&b.metrics, METRIC_CONNECTIONS, 0, (enum reason)0), 1);
    cr_expect_eq(drain(&b), 0);
    teardown(&b);
}

Test(ingestd, configuration_that_cannot_be_served_is_not_retried)
{
    struct bed b;
    int status;
    setup(&b);
    b.feed[1].timezone = "Nowhere/Land";
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0)
        _exit(ingestd_run(&b.options));
    waitpid(pid, &status, 0);
    cr_expect_eq(WEXITSTATUS(status), 78);
    teardown(&b);
}

Test(ingestd, ends_when_the_vault_refuses_a_batch)
{
    struct bed b;
    int status = 0;
    setup(&b);
    start(&b);
    V.refuse = ERR_STORE;
    cdr_line(&b, 0);
    for (int i = 0; i < 300 && waitpid(b.pid, &status, WNOHANG) == 0; i++)
        serve(&b, 10);
    cr_expect(WIFEXITED(status));
    cr_expect_eq(WEXITSTATUS(status), 1);
    V.refuse = OK;
    start(&b);
    serve_until(&b, 1);
    cr_expect_eq(drain(&b), 0);
    teardown(&b);
}
