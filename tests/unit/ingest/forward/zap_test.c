/* The handler of RFC 27, asked as libzmq asks it: yes, no, later; what it remembers and for
 * how long; requests that are none of its own; more handshakes than it has places. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <unistd.h>
#include <zmq.h>

#include "ingest/forward/key_file.h"
#include "ingest/forward/zap.h"

enum { T0 = 1000, QUESTIONS = 128 };

static struct {
    void *ctx, *libzmq; /* a dealer in the place of a session of libzmq */
    struct zap *zap;
    struct metrics metrics;
    enum err vault;
    size_t asked, welcomed;
    uint32_t id[QUESTIONS];
} t;

static enum err ask(void *arg, enum frame_type type, uint32_t id, struct span payload)
{
    (void)arg;
    cr_expect_eq(type, FRAME_CONSUMER_ASK);
    cr_expect_eq(payload.n, CONSUMER_KEY_BYTES);
    if (t.vault == OK)
        t.id[t.asked++] = id;
    return t.vault;
}

static void welcome(void *arg, struct span key, struct span name)
{
    (void)arg;
    cr_expect_eq(key.n, CONSUMER_KEY_BYTES);
    cr_expect(span_is(name, "billing"));
    t.welcomed++;
}

static void setup(void)
{
    struct zap_ops ops = {ask, welcome, NULL};
    const int wait_ms = 2000;
    t.ctx = zmq_ctx_new();
    cr_assert_eq(metrics_init(&t.metrics), OK);
    cr_assert_eq(zap_new(t.ctx, &ops, 5, &t.metrics, &t.zap), OK);
    t.libzmq = zmq_socket(t.ctx, ZMQ_DEALER);
    zmq_setsockopt(t.libzmq, ZMQ_RCVTIMEO, &wait_ms, sizeof wait_ms);
    cr_assert_eq(zmq_connect(t.libzmq, "inproc://zeromq.zap.01"), 0);
}

static void teardown(void)
{
    const int linger_ms = 0;
    zmq_setsockopt(t.libzmq, ZMQ_LINGER, &linger_ms, sizeof linger_ms);
    zmq_close(t.libzmq);
    zap_free(t.zap);
    zmq_ctx_term(t.ctx);
    metrics_done(&t.metrics);
}

TestSuite(zap, .init = setup, .fini = teardown, .timeout = 30);

static void send_parts(const struct span *part, size_t n)
{
    for (size_t i = 0; i < n; i++)
        zmq_send(t.libzmq, part[i].p, part[i].n, i + 1 < n ? ZMQ_SNDMORE : 0);
}

static void pump(int64_t now)
{
    for (int i = 0; i < 200 && !zap_pump(t.zap, now); i++)
        usleep(1000);
}

static void handshake(uint8_t key, int64_t now)
{
    uint8_t bytes[CONSUMER_KEY_BYTES] = {key};
    const struct span PART[] = {SPAN_EMPTY,
                                span_str("1.0"),
                                span_str("1"),
                                span_str(ZAP_DOMAIN),
                                span_str("192.0.2.1"),
                                SPAN_EMPTY,
                                span_str("CURVE"),
                                span_of(bytes, sizeof bytes)};
    send_parts(PART, sizeof PART / sizeof PART[0]);
    pump(now);
}

static void say(uint32_t id, struct span name, unsigned families, int64_t now)
{
    uint8_t room[96];
    struct buf b = buf_of(room, sizeof room);
    if (families)
        pull_consumer_encode(&(struct pull_consumer){name, families}, &b);
    struct frame f = {FRAME_CONSUMER, id, buf_span(&b)};
    zap_answer(t.zap, &f, now);
}

/* The answer to a handshake: its status and user id. */
static void expect_status(const char *status, const char *user)
{
    char part[8][64];
    for (int i = 0; i < 7; i++) {
        int n = zmq_recv(t.libzmq, part[i], sizeof part[i] - 1, 0);
        cr_assert(n >= 0, "part %d: no answer", i);
        part[i][n] = 0;
    }
    cr_expect_str_empty(part[0]);
    cr_expect_str_eq(part[1], "1.0");
    cr_expect_str_eq(part[2], "1");
    cr_expect_str_eq(part[3], status, "%s", part[3]);
    cr_expect_str_eq(part[5], user);
}

static void expect_yes(uint8_t key)
{
    uint8_t bytes[CONSUMER_KEY_BYTES] = {key};
    char user[KEY_TEXT_BYTES];
    key_text_encode(bytes, user);
    expect_status("200", user);
}

Test(zap, a_known_key_gets_in_under_its_own_name)
{
    handshake(7, T0);
    cr_assert_eq(t.asked, 1);
    cr_expect(t.id[0] & ZAP_ID_BIT);
    say(t.id[0], span_str("billing"), PULL_USAGE, T0);
    expect_yes(7);
    cr_expect_eq(t.welcomed, 1);
}

Test(zap, a_yes_is_remembered_for_a_moment_and_only_for_its_key)
{
    handshake(7, T0);
    say(t.id[0], span_str("billing"), PULL_USAGE, T0);
    expect_yes(7);
    handshake(7, T0 + ZAP_REMEMBER_MS - 1);
    cr_expect_eq(t.asked, 1);
    expect_yes(7);
    handshake(7 + ZAP_REMEMBERED, T0 + 1); /* another key in the same place */
    cr_expect_eq(t.asked, 2);
    say(t.id[1], SPAN_EMPTY, 0, T0 + 1);
    expect_status("400", "");
    handshake(7, T0 + ZAP_REMEMBER_MS);
    cr_expect_eq(t.asked, 3, "a removed consumer is found out");
    say(t.id[2], SPAN_EMPTY, 0, T0 + ZAP_REMEMBER_MS);
    expect_status("400", "");
}

Test(zap, a_no_is_not_remembered)
{
    handshake(7, T0);
    say(t.id[0], SPAN_EMPTY, 0, T0);
    expect_status("400", "");
    handshake(7, T0 + 1);
    cr_assert_eq(t.asked, 2);
    say(t.id[1], span_str("billing"), PULL_USAGE, T0 + 1);
    expect_yes(7);
    cr_expect_eq(metric_get(&t.metrics, METRIC_HANDSHAKES_REFUSED), 1);
}

Test(zap, while_the_vault_is_away_the_answer_is_later)
{
    t.vault = ERR_FULL;
    handshake(7, T0);
    expect_status("300", "");
    t.vault = OK;
    handshake(7, T0);
    cr_expect_eq(zap_tick(t.zap, T0 + ZAP_VAULT_MS - 1), T0 + ZAP_VAULT_MS);
    cr_expect_eq(zap_tick(t.zap, T0 + ZAP_VAULT_MS), INT64_MAX);
    expect_status("300", "");
    say(t.id[0], span_str("billing"), PULL_USAGE, T0 + ZAP_VAULT_MS + 1);
    cr_expect_eq(t.welcomed, 0, "too late");
}

Test(zap, a_restarted_vault_is_asked_again)
{
    handshake(7, T0);
    zap_ask_again(t.zap, T0 + 10);
    cr_assert_eq(t.asked, 2);
    say(t.id[0], SPAN_EMPTY, 0, T0 + 10); /* the old one's answer counts no more */
    say(t.id[1], span_str("billing"), PULL_AGG, T0 + 10);
    expect_yes(7);
}

Test(zap, a_damaged_answer_is_later_and_not_yes)
{
    struct frame f = {FRAME_CONSUMER, 0, span_str("\xff")};
    handshake(7, T0);
    f.id = t.id[0];
    zap_answer(t.zap, &f, T0);
    expect_status("300", "");
    handshake(7, T0);
    f = (struct frame){FRAME_REFUSED, t.id[1], span_str("\4")};
    zap_answer(t.zap, &f, T0);
    expect_status("300", "");
}

Test(zap, only_curve_in_our_domain_with_a_whole_key)
{
    uint8_t key[CONSUMER_KEY_BYTES] = {7};
    const struct {
        const char *domain, *mechanism;
        size_t key_bytes;
        size_t parts;
    } ROW[] = {{"other", "CURVE", 32, 8},
               {ZAP_DOMAIN, "NULL", 0, 7},
               {ZAP_DOMAIN, "PLAIN", 32, 8},
               {ZAP_DOMAIN, "CURVE", 31, 8},
               {ZAP_DOMAIN, "CURVE", 32, 12}};
    for (size_t i = 0; i < sizeof ROW / sizeof ROW[0]; i++) {
        const struct span PART[12] = {SPAN_EMPTY,
                                      span_str("1.0"),
                                      span_str("1"),
                                      span_str(ROW[i].domain),
                                      span_str("192.0.2.1"),
                                      SPAN_EMPTY,
                                      span_str(ROW[i].mechanism),
                                      span_of(key, ROW[i].key_bytes)};
        send_parts(PART, ROW[i].parts);
        pump(T0);
        expect_status("400", "");
    }
    cr_expect_eq(t.asked, 0);
}

Test(zap, what_is_no_request_is_dropped)
{
    const struct span PART[] = {SPAN_EMPTY, span_str("1.0")};
    send_parts(PART, 2);
    pump(T0);
    handshake(7, T0);
    cr_expect_eq(t.asked, 1);
}

Test(zap, more_handshakes_than_places_come_again)
{
    for (int i = 0; i < ZAP_PENDING_MAX; i++)
        handshake((uint8_t)i, T0);
    cr_expect_eq(t.asked, ZAP_PENDING_MAX);
    handshake(200, T0);
    cr_expect_eq(t.asked, ZAP_PENDING_MAX);
    expect_status("300", "");
}

Test(zap, there_is_one_handler_a_context)
{
    struct zap_ops ops = {ask, welcome, NULL};
    struct zap *second = NULL;
    cr_expect_eq(zap_new(t.ctx, &ops, 5, NULL, &second), ERR_NET);
    cr_expect_null(second);
}
