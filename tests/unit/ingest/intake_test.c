/* Proves: which descriptors make which sources, that sources stop and go on with the room there
 * is (UDP later than the others), and what is taken from the vault at start and what is not. The
 * whole of it at work: ingestd_test.c. */
#include "ingest/intake.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/lib/hep_builder.h"
#include "tests/lib/pipe_fixture.h"

struct bed {
    struct pipe_fixture x;
    uv_loop_t loop;
    struct refusal_log log;
    struct ingest_feed conf[2];
    struct ingestd_options options;
    struct intake *intake;
    struct sockaddr_in udp;
};

static bool ready(void *arg)
{
    (void)arg;
    return true;
}

static void setup(struct bed *b)
{
    struct diag d;
    socklen_t n = sizeof b->udp;
    memset(b, 0, sizeof *b);
    pipe_fixture_init(&b->x, FEED_HEP);
    uv_loop_init(&b->loop);
    b->log = (struct refusal_log){.fd = -1, .role = "test", .clock = &b->x.clock};
    b->conf[0] = (struct ingest_feed){INGEST_FEED_DEFAULTS};
    b->conf[0].name = "feed";
    b->conf[0].kind = FEED_HEP;
    b->conf[0].udp_fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    b->udp = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    cr_assert_eq(bind(b->conf[0].udp_fd, (struct sockaddr *)&b->udp, n), 0);
    cr_assert_eq(getsockname(b->conf[0].udp_fd, (struct sockaddr *)&b->udp, &n), 0);
    b->conf[1] = (struct ingest_feed){INGEST_FEED_DEFAULTS};
    b->conf[1].name = "elsewhere"; /* of another worker: no descriptor */
    b->conf[1].kind = FEED_ASTERISK_CSV;
    b->conf[1].timezone = "UTC";
    b->options = (struct ingestd_options){INGESTD_DEFAULTS};
    b->options.feed = b->conf;
    b->options.feeds_count = 2;
    b->options.workers = 2;
    b->options.worker = 1;
    struct intake_options o = {.conf = &b->options,
                               .loop = &b->loop,
                               .pipe = &b->x.pipe,
                               .npa = &b->x.npa,
                               .log = &b->log,
                               .vault_ready = ready};
    cr_assert_eq(intake_new(&o, &b->intake, &d), OK);
}

static void welcome(struct bed *b)
{
    struct diag d;
    struct reader none = reader_of(SPAN_EMPTY);
    intake_welcome(b->intake, 0, b->x.feed.id, &none);
    cr_assert_eq(intake_open(b->intake, &d), OK);
}

static void teardown(struct bed *b)
{
    intake_close(b->intake);
    uv_run(&b->loop, UV_RUN_DEFAULT);
    cr_expect_eq(uv_loop_close(&b->loop), 0);
    intake_free(b->intake);
    close(b->conf[0].udp_fd);
    pipe_fixture_done(&b->x);
}

static void run(struct bed *b)
{
    for (int i = 0; i < 10; i++) {
        intake_turn(b->intake);
        uv_run(&b->loop, UV_RUN_NOWAIT);
    }
}

static void datagrams(struct bed *b, unsigned n)
{
    uint8_t room[4096];
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    for (unsigned i = 0; i < n; i++) {
        struct buf f = buf_of(room, sizeof room);
        hep_build(&f, HEP_SIP_INVITE, i, 1763632800000000, 7, SPAN_EMPTY);
        cr_assert_eq(sendto(fd, f.p, f.n, 0, (struct sockaddr *)&b->udp, sizeof b->udp),
                     (ssize_t)f.n);
    }
    close(fd);
}

static uint64_t received(const struct bed *b)
{
    return pipe_fixture_count(&b->x, METRIC_RECEIVED, (enum reason)0);
}

static void fill(struct bed *b, size_t batches)
{
    struct outlet *o = uplink_outlet(b->x.uplink);
    b->x.vault.withhold = true;
    while (outlet_waiting(o) < batches) {
        cr_assert_eq(outlet_live(o, b->x.feed.id, span_str("k"), SPAN_EMPTY, 0), OK);
        outlet_close_batch(o);
    }
}

Test(intake, udp_reads_until_the_queue_is_half_full)
{
    struct bed b;
    setup(&b);
    welcome(&b);
    datagrams(&b, 10);
    run(&b);
    cr_expect_eq(received(&b), 10);
    cr_expect(intake_dirty(b.intake));
    fill(&b, BATCHES_IN_FLIGHT_MAX + 1);
    datagrams(&b, 10);
    run(&b);
    cr_expect_eq(received(&b), 20, "dialogs absorb it");
    fill(&b, OUTLET_QUEUE_MAX / 2);
    datagrams(&b, 10);
    run(&b);
    cr_expect_eq(received(&b), 20, "left to the kernel");
    cr_expect_eq(metric_get_at(&b.x.metrics, METRIC_PAUSED, 0, (enum reason)0), 1);
    b.x.vault.withhold = false;
    pipe_fixture_settle(&b.x);
    run(&b);
    cr_expect_eq(received(&b), 30);
    cr_expect_eq(metric_get_at(&b.x.metrics, METRIC_PAUSED, 0, (enum reason)0), 0);
    teardown(&b);
}

/* The room may be back before the turn has seen that there was none. */
Test(intake, source_that_stopped_by_itself_goes_on)
{
    struct bed b;
    setup(&b);
    welcome(&b);
    fill(&b, OUTLET_QUEUE_MAX / 2);
    datagrams(&b, 10);
    for (int i = 0; i < 5; i++) /* no turn between */
        uv_run(&b.loop, UV_RUN_NOWAIT);
    cr_expect_eq(received(&b), 0);
    b.x.vault.withhold = false;
    pipe_fixture_settle(&b.x);
    run(&b);
    cr_expect_eq(received(&b), 10);
    teardown(&b);
}

Test(intake, nothing_is_read_before_the_vault_is_ready_or_after_the_stop)
{
    struct bed b;
    setup(&b);
    datagrams(&b, 5);
    run(&b);
    cr_expect_eq(received(&b), 0);
    welcome(&b);
    run(&b);
    cr_expect_eq(received(&b), 5);
    intake_stop(b.intake);
    datagrams(&b, 5);
    run(&b);
    cr_expect_eq(received(&b), 5);
    teardown(&b);
}

/* A clean stop loses nothing that had been received, whether there is room for it at once or not.
 */
Test(intake, what_udp_had_received_is_read_behind_the_stop)
{
    struct bed b;
    setup(&b);
    welcome(&b);
    datagrams(&b, 5);
    intake_stop(b.intake);
    cr_expect(intake_dry(b.intake));
    cr_expect_eq(received(&b), 5);
    teardown(&b);

    setup(&b);
    welcome(&b);
    fill(&b, OUTLET_QUEUE_MAX / 2);
    datagrams(&b, 5);
    intake_stop(b.intake);
    run(&b);
    cr_expect_not(intake_dry(b.intake));
    cr_expect_eq(received(&b), 0);
    b.x.vault.withhold = false;
    pipe_fixture_settle(&b.x);
    run(&b);
    cr_expect(intake_dry(b.intake));
    cr_expect_eq(received(&b), 5);
    teardown(&b);
}

Test(intake, what_was_given_up_is_not_read)
{
    struct bed b;
    setup(&b);
    welcome(&b);
    fill(&b, OUTLET_QUEUE_MAX / 2);
    datagrams(&b, 5);
    intake_stop(b.intake);
    intake_give_up(b.intake);
    cr_expect(intake_dry(b.intake));
    b.x.vault.withhold = false;
    pipe_fixture_settle(&b.x);
    run(&b);
    cr_expect_eq(received(&b), 0);
    teardown(&b);
}

static size_t log_lines(int fd, const char *what)
{
    char text[4096];
    size_t found = 0;
    ssize_t n = read(fd, text, sizeof text - 1);
    text[n > 0 ? n : 0] = '\0';
    for (const char *at = text; (at = strstr(at, what)) != NULL; at++)
        found++;
    return found;
}

static void look_at_file(struct bed *b, uint64_t times)
{
    for (int i = 0;
         i < 500 && metric_get_at(&b->x.metrics, METRIC_FILE_UNREADABLE, 1, (enum reason)0) < times;
         i++) {
        usleep(2000);
        run(b);
    }
}

/* It is looked at again and again, but the log has one line of it. */
Test(intake, file_that_cannot_be_read_is_said_and_counted)
{
    static const char LINE[] = "feed=elsewhere what=\"not a regular file\"";
    struct bed b;
    char dir[] = "/tmp/intake_test.XXXXXX";
    int log[2];
    struct reader none = reader_of(SPAN_EMPTY);
    setup(&b);
    cr_assert(mkdtemp(dir));
    cr_assert_eq(pipe2(log, O_NONBLOCK), 0);
    b.log.fd = log[1];
    b.options.file_poll_ms = 1;
    b.conf[1].dir_fd = open(dir, O_RDONLY | O_DIRECTORY);
    b.conf[1].file_name = "Master.csv";
    cr_assert_eq(mkdirat(b.conf[1].dir_fd, "Master.csv", 0700), 0);
    intake_welcome(b.intake, 1, b.x.feed.id, &none);
    welcome(&b);
    look_at_file(&b, 5);
    cr_expect_geq(metric_get_at(&b.x.metrics, METRIC_FILE_UNREADABLE, 1, (enum reason)0), 5);
    cr_expect_eq(log_lines(log[0], LINE), 1);
    teardown(&b);
    unlinkat(b.conf[1].dir_fd, "Master.csv", AT_REMOVEDIR);
    rmdir(dir);
}

/* A feed that the vault does not know stays closed; the others work (I10). */
Test(intake, unknown_feed)
{
    struct bed b;
    struct diag d;
    setup(&b);
    cr_assert_eq(intake_open(b.intake, &d), OK);
    datagrams(&b, 5);
    run(&b);
    cr_expect_eq(received(&b), 0);
    teardown(&b);
}

Test(intake, dialogs_go_to_their_worker)
{
    struct bed b;
    setup(&b);
    welcome(&b);
    datagrams(&b, 1);
    run(&b);
    intake_checkpoint(b.intake, true);
    pipe_fixture_settle(&b.x);
    cr_assert_eq(b.x.vault.lives_count, 1);
    struct fake_pair *live = &b.x.vault.live[0];
    cr_expect_eq(live->key[2], 1, "saved as worker 1's");

    static const struct {
        uint8_t worker;
        uint64_t restored;
    } ROWS[] = {{0, 0}, {2, 0}, {3, 1}}; /* two workers: 3 was one when there were more */
    for (size_t i = 0; i < sizeof ROWS / sizeof ROWS[0]; i++) {
        struct bed successor;
        struct reader none = reader_of(SPAN_EMPTY);
        setup(&successor);
        intake_welcome(successor.intake, 0, b.x.feed.id, &none);
        live->key[2] = ROWS[i].worker;
        intake_live(successor.intake, span_of(live->key, live->key_bytes),
                    span_of(live->value, live->value_bytes));
        intake_tick(successor.intake);
        cr_expect_eq(metric_get(&successor.x.metrics, METRIC_DIALOGS), ROWS[i].restored,
                     "worker %u", ROWS[i].worker);
        teardown(&successor);
    }
    teardown(&b);
}

Test(intake, configuration_names_its_feed)
{
    struct bed b;
    struct diag d;
    struct intake *in;
    setup(&b);
    b.conf[1].timezone = NULL;
    struct intake_options o = {.conf = &b.options,
                               .loop = &b.loop,
                               .pipe = &b.x.pipe,
                               .npa = &b.x.npa,
                               .log = &b.log,
                               .vault_ready = ready};
    cr_expect_eq(intake_new(&o, &in, &d), ERR_SYNTAX);
    cr_expect_eq(d.at, 1);
    teardown(&b);
}
