/* Usage over real ZeroMQ on loopback: pull, confirm, long poll, hints; every way not to be
 * let in; what is not CU1; a vault that restarts. */
#include <criterion/criterion.h>
#include <unistd.h>
#include <zmq.h>

#include "tests/lib/forward_rig.h"

enum { WAIT_MS = 10000, SHORT_MS = 400 };

static struct forward_rig rig;

static void setup(void)
{
    forward_rig_start(&rig);
}

static void teardown(void)
{
    forward_rig_stop(&rig);
}

TestSuite(forward, .init = setup, .fini = teardown, .timeout = 60);

static struct cu1_request pull_from(uint64_t cursor, uint32_t wait_ms)
{
    return (struct cu1_request){CU1_PULL, span_str("usage.calls"), cursor, 3, wait_ms};
}

static void expect_rows(struct usage_client *c, const struct cu1_request *q, size_t rows,
                        uint64_t next)
{
    struct cu1_answer a = {0};
    cr_assert_eq(usage_client_call(c, q, WAIT_MS, &a, NULL), OK);
    cr_assert_eq(a.kind, CU1_ROWS);
    cr_assert_eq(a.rows_count, rows, "%zu rows", a.rows_count);
    cr_expect_eq(a.cursor, next);
    cr_expect(span_is(a.stream, "usage.calls"));
    cr_expect_eq(a.head.chain_seq, 11);
    for (size_t i = 0; i < rows; i++) {
        cr_expect_eq(a.row[i].position, q->cursor + 1 + i);
        cr_expect_eq(a.row[i].attempts, q->cursor + 1 + i);
        cr_expect_eq(a.row[i].billed[0].value, 6 * (q->cursor + 1 + i));
    }
}

static void expect_fault(struct usage_client *c, const struct cu1_request *q, enum cu1_fault fault)
{
    struct cu1_answer a = {0};
    cr_assert_eq(usage_client_call(c, q, WAIT_MS, &a, NULL), OK);
    cr_assert_eq(a.kind, CU1_ERROR);
    cr_expect_eq(a.fault, fault);
}

Test(forward, a_consumer_pulls_in_steps_and_confirms)
{
    struct usage_client *c = forward_rig_client(&rig);
    usage_vault_rows(&rig.vault, 5);
    struct cu1_request first = pull_from(0, 0), second = pull_from(3, 0), third = pull_from(5, 0);
    struct cu1_request confirm = {CU1_CONFIRM, span_str("usage.calls"), 5, 0, 0};
    expect_rows(c, &first, 3, 3);
    expect_rows(c, &second, 2, 5);
    expect_rows(c, &third, 0, 5);
    struct cu1_answer a;
    cr_assert_eq(usage_client_call(c, &confirm, WAIT_MS, &a, NULL), OK);
    cr_expect_eq(a.kind, CU1_CONFIRMED);
    cr_expect_eq(a.cursor, 5);
    cr_expect_eq(usage_vault_get(&rig.vault, &rig.vault.confirmed), 5);
    cr_expect_eq(metric_get_at(&rig.metrics, METRIC_PULLS, 0, (enum reason)0), 3);
    cr_expect_eq(metric_get_at(&rig.metrics, METRIC_PULLED_ROWS, 0, (enum reason)0), 5);
    usage_client_free(c);
}

Test(forward, an_empty_pull_waits_its_time_and_no_longer)
{
    struct usage_client *c = forward_rig_client(&rig);
    struct cu1_request q = pull_from(0, SHORT_MS);
    uint64_t before = uv_hrtime();
    expect_rows(c, &q, 0, 0);
    uint64_t took_ms = (uv_hrtime() - before) / 1000000;
    cr_expect_geq(took_ms, SHORT_MS);
    cr_expect_lt(took_ms, WAIT_MS / 2);
    usage_client_free(c);
}

static void *rows_soon(void *arg)
{
    (void)arg;
    usleep(100000);
    usage_vault_rows(&rig.vault, 2);
    return NULL;
}

Test(forward, a_waiting_pull_is_answered_when_rows_come)
{
    struct usage_client *c = forward_rig_client(&rig);
    struct cu1_request q = pull_from(0, CU1_WAIT_MS_MAX);
    pthread_t t;
    pthread_create(&t, NULL, rows_soon, NULL);
    expect_rows(c, &q, 2, 2); /* within WAIT_MS, far from the minute it would wait */
    pthread_join(t, NULL);
    usage_client_free(c);
}

Test(forward, refusals_of_the_vault_reach_the_consumer)
{
    struct usage_client *c = forward_rig_client(&rig);
    struct cu1_request unknown = {CU1_PULL, span_str("calls"), 0, 1, 0};
    struct cu1_request old = pull_from(2, 0), right = pull_from(0, 0);
    expect_fault(c, &unknown, CU1_FAULT_STREAM);
    rig.vault.oldest = 3;
    expect_fault(c, &old, CU1_FAULT_CURSOR_OLD);
    /* Removed while connected: the right is looked up with every request. */
    usage_vault_remove_all(&rig.vault);
    expect_fault(c, &right, CU1_FAULT_DENIED);
    cr_expect_eq(metric_get_at(&rig.metrics, METRIC_PULLS_REFUSED, 0, REASON_UNKNOWN_STREAM), 2);
    cr_expect_eq(metric_get_at(&rig.metrics, METRIC_PULLS_REFUSED, 0, REASON_TOO_OLD), 1);
    usage_client_free(c);
}

Test(forward, an_unknown_key_is_refused_and_gets_in_once_it_is_added)
{
    struct key_file k = forward_rig_key(&rig);
    struct usage_client *c;
    struct cu1_request q = pull_from(0, 0);
    struct cu1_answer a;
    cr_assert_eq(usage_client_new(&k, &c, NULL), OK);
    cr_expect_eq(usage_client_call(c, &q, WAIT_MS, &a, NULL), ERR_DENIED);
    cr_expect_geq(metric_get(&rig.metrics, METRIC_HANDSHAKES_REFUSED), 1);
    usage_vault_add(&rig.vault, &k);
    expect_rows(c, &q, 0, 0);
    usage_client_free(c);
}

Test(forward, a_wrong_server_key_gets_no_answer)
{
    struct key_file k = forward_rig_key(&rig), other = forward_rig_key(&rig);
    struct usage_client *c;
    struct cu1_request q = pull_from(0, 0);
    struct cu1_answer a;
    usage_vault_add(&rig.vault, &k);
    memcpy(k.server_key, other.public_key, sizeof k.server_key);
    cr_assert_eq(usage_client_new(&k, &c, NULL), OK);
    cr_expect_eq(usage_client_call(c, &q, SHORT_MS, &a, NULL), ERR_NET);
    usage_client_free(c);
}

/* A dealer of the test's own, to say what the client would not. */
struct raw {
    void *ctx, *socket;
};

static struct raw raw_dealer(const struct key_file *k)
{
    struct raw r = {.ctx = zmq_ctx_new()};
    const int linger_ms = 0, wait_ms = WAIT_MS;
    r.socket = zmq_socket(r.ctx, ZMQ_DEALER);
    zmq_setsockopt(r.socket, ZMQ_LINGER, &linger_ms, sizeof linger_ms);
    zmq_setsockopt(r.socket, ZMQ_RCVTIMEO, &wait_ms, sizeof wait_ms);
    if (k) {
        zmq_setsockopt(r.socket, ZMQ_CURVE_SERVERKEY, k->server_key, KEY_TEXT_BYTES);
        zmq_setsockopt(r.socket, ZMQ_CURVE_PUBLICKEY, k->public_key, KEY_TEXT_BYTES);
        zmq_setsockopt(r.socket, ZMQ_CURVE_SECRETKEY, k->secret_key, KEY_TEXT_BYTES);
    }
    cr_assert_eq(zmq_connect(r.socket, rig.pull), 0);
    return r;
}

static void raw_free(struct raw *r)
{
    zmq_close(r->socket);
    zmq_ctx_term(r->ctx);
}

static struct span pull_envelope(uint32_t wait_ms)
{
    static uint8_t room[256];
    struct buf b = buf_of(room, sizeof room);
    struct arena a;
    struct cu1_request q = pull_from(0, wait_ms);
    cr_assert_eq(arena_init(&a, 1024), OK);
    cr_assert_eq(cu1_put_request(&q, &a, &b), OK);
    arena_done(&a);
    return buf_span(&b);
}

static enum cu1_fault raw_fault(struct raw *r)
{
    uint8_t in[CU1_REQUEST_BYTES_MAX];
    struct arena arena;
    struct cu1_answer a = {0};
    cr_assert_eq(zmq_recv(r->socket, in, sizeof in, 0), 3);
    int n = zmq_recv(r->socket, in, sizeof in, 0);
    cr_assert_gt(n, 0);
    cr_assert_eq(arena_init(&arena, CU1_READER_ARENA_BYTES), OK);
    cr_assert_eq(cu1_get_answer(span_of(in, (size_t)n), &arena, &a, NULL), OK);
    cr_expect_eq(a.kind, CU1_ERROR);
    arena_done(&arena);
    return a.fault;
}

Test(forward, a_client_without_curve_gets_no_further_than_the_handshake)
{
    struct raw r = raw_dealer(NULL);
    const int wait_ms = SHORT_MS;
    zmq_setsockopt(r.socket, ZMQ_RCVTIMEO, &wait_ms, sizeof wait_ms);
    struct span envelope = pull_envelope(0);
    zmq_send(r.socket, "CU1", 3, ZMQ_SNDMORE);
    zmq_send(r.socket, envelope.p, envelope.n, 0);
    uint8_t in[16];
    cr_expect_eq(zmq_recv(r.socket, in, sizeof in, 0), -1);
    cr_expect_eq(usage_vault_get(&rig.vault, &rig.vault.pulls_count), 0);
    raw_free(&r);
}

Test(forward, what_is_not_cu1_is_answered_protocol)
{
    struct key_file k = forward_rig_key(&rig);
    usage_vault_add(&rig.vault, &k);
    struct raw r = raw_dealer(&k);
    struct span good = pull_envelope(0);
    const struct {
        const char *name;
        struct span frame[3];
        int frames;
    } ROW[] = {
        {"another version", {span_str("CU2"), good}, 2},
        {"no envelope", {span_str("CU1")}, 1},
        {"an empty envelope", {span_str("CU1"), SPAN_EMPTY}, 2},
        {"noise", {span_str("CU1"), span_str("\xff\xff\xff\xff")}, 2},
        {"a delimiter, as REQ sends it", {SPAN_EMPTY, span_str("CU1"), good}, 3},
        {"a frame too many", {span_str("CU1"), good, good}, 3},
    };
    for (size_t i = 0; i < sizeof ROW / sizeof ROW[0]; i++) {
        for (int p = 0; p < ROW[i].frames; p++)
            zmq_send(r.socket, ROW[i].frame[p].p, ROW[i].frame[p].n,
                     p + 1 < ROW[i].frames ? ZMQ_SNDMORE : 0);
        cr_expect_eq(raw_fault(&r), CU1_FAULT_PROTOCOL, "%s", ROW[i].name);
    }
    cr_expect_eq(usage_vault_get(&rig.vault, &rig.vault.pulls_count), 0);
    cr_expect_eq(metric_get_at(&rig.metrics, METRIC_PULLS_REFUSED, 0, REASON_PROTOCOL), 6);
    raw_free(&r);
}

Test(forward, a_second_request_in_flight_is_answered_busy)
{
    struct key_file k = forward_rig_key(&rig);
    usage_vault_add(&rig.vault, &k);
    struct raw r = raw_dealer(&k);
    struct span waiting = pull_envelope(CU1_WAIT_MS_MAX);
    for (int i = 0; i < 2; i++) {
        zmq_send(r.socket, "CU1", 3, ZMQ_SNDMORE);
        zmq_send(r.socket, waiting.p, waiting.n, 0);
    }
    cr_expect_eq(raw_fault(&r), CU1_FAULT_BUSY);
    raw_free(&r);
}

Test(forward, a_pull_survives_the_restart_of_the_vault)
{
    struct usage_client *c = forward_rig_client(&rig);
    struct cu1_request q = pull_from(0, 0);
    usage_vault_rows(&rig.vault, 1);
    expect_rows(c, &q, 1, 1); /* connected */
    uint64_t hellos = usage_vault_get(&rig.vault, &rig.vault.hellos_count);
    usage_vault_mute(&rig.vault, true);
    struct cu1_answer a;
    cr_expect_eq(usage_client_call(c, &q, SHORT_MS, &a, NULL), ERR_NET);
    usage_vault_restart(&rig.vault);
    expect_rows(c, &q, 1, 1);
    cr_expect_eq(usage_vault_get(&rig.vault, &rig.vault.hellos_count), hellos + 1);
    usage_client_free(c);
}

static void *restart_soon(void *arg)
{
    (void)arg;
    usleep(300000);
    usage_vault_restart(&rig.vault);
    return NULL;
}

Test(forward, what_the_old_vault_did_not_answer_is_asked_of_the_new_one)
{
    struct usage_client *c = forward_rig_client(&rig);
    struct cu1_request q = pull_from(0, 0);
    usage_vault_rows(&rig.vault, 1);
    expect_rows(c, &q, 1, 1);
    usage_vault_mute(&rig.vault, true);
    pthread_t t;
    pthread_create(&t, NULL, restart_soon, NULL);
    expect_rows(c, &q, 1, 1); /* one call, across the restart */
    pthread_join(t, NULL);
    usage_client_free(c);
}

Test(forward, a_late_answer_for_nobody_is_dropped)
{
    struct usage_client *c = forward_rig_client(&rig);
    struct cu1_request q = pull_from(0, 0);
    expect_rows(c, &q, 0, 0);
    usage_vault_say(&rig.vault, FRAME_ROWS, 1000, SPAN_EMPTY);
    usage_vault_say(&rig.vault, FRAME_CONSUMER, 0x20000001, SPAN_EMPTY);
    usage_vault_say(&rig.vault, FRAME_FORWARD_SECRET, 1, SPAN_EMPTY);
    expect_rows(c, &q, 0, 0);
    cr_expect_eq(rig.failed, OK);
    usage_client_free(c);
}

static void *hint_socket(void *ctx, const struct key_file *k)
{
    const int linger_ms = 0, wait_ms = 100;
    void *sub = zmq_socket(ctx, ZMQ_SUB);
    zmq_setsockopt(sub, ZMQ_LINGER, &linger_ms, sizeof linger_ms);
    zmq_setsockopt(sub, ZMQ_RCVTIMEO, &wait_ms, sizeof wait_ms);
    zmq_setsockopt(sub, ZMQ_CURVE_SERVERKEY, k->server_key, KEY_TEXT_BYTES);
    zmq_setsockopt(sub, ZMQ_CURVE_PUBLICKEY, k->public_key, KEY_TEXT_BYTES);
    zmq_setsockopt(sub, ZMQ_CURVE_SECRETKEY, k->secret_key, KEY_TEXT_BYTES);
    zmq_setsockopt(sub, ZMQ_SUBSCRIBE, "usage.", 6);
    cr_assert_eq(zmq_connect(sub, k->hint), 0);
    return sub;
}

/* True when a hint came for the position, after as many new positions as it takes. */
static bool hears_hint(void *sub, int tries)
{
    for (int i = 1; i <= tries; i++) {
        uint8_t topic[32], version[8], envelope[128];
        usage_vault_rows(&rig.vault, (uint64_t)i);
        int n = zmq_recv(sub, topic, sizeof topic, 0);
        if (n < 0)
            continue;
        cr_expect(span_is(span_of(topic, (size_t)n), "usage.calls"));
        cr_expect_eq(zmq_recv(sub, version, sizeof version, 0), 3);
        n = zmq_recv(sub, envelope, sizeof envelope, 0);
        struct arena a;
        struct cu1_answer hint;
        cr_assert_eq(arena_init(&a, 4096), OK);
        cr_assert_eq(cu1_get_answer(span_of(envelope, (size_t)n), &a, &hint, NULL), OK);
        cr_expect_eq(hint.kind, CU1_HINT);
        cr_expect_leq(hint.cursor, (uint64_t)i);
        arena_done(&a);
        return true;
    }
    return false;
}

Test(forward, hints_are_for_registered_keys)
{
    struct key_file known = forward_rig_key(&rig), unknown = forward_rig_key(&rig);
    usage_vault_add(&rig.vault, &known);
    void *ctx = zmq_ctx_new();
    void *in = hint_socket(ctx, &known), *out = hint_socket(ctx, &unknown);
    cr_expect(hears_hint(in, 100));
    cr_expect(!hears_hint(out, 5));
    zmq_close(in);
    zmq_close(out);
    zmq_ctx_term(ctx);
}

Test(forward, another_curve_key_of_the_vault_ends_the_role)
{
    usage_vault_new_keys(&rig.vault);
    usage_vault_restart(&rig.vault);
    for (int i = 0; i < 100 && rig.failed == OK; i++)
        usleep(20000);
    cr_expect_eq(rig.failed, ERR_CONFLICT);
}
