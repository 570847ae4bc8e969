/* The consumer's side alone: key files that lack something, addresses that are none, servers
 * that answer too late or something else. (With a real server: forward_test.c.) */
#include <criterion/criterion.h>
#include <stdio.h>
#include <unistd.h>
#include <zmq.h>

#include "tests/lib/forward_rig.h"

enum { WAIT_MS = 300 };

static struct key_file key_for(const char *endpoint)
{
    struct key_file k = {.name = "billing"}, server;
    key_file_generate(&k);
    key_file_generate(&server);
    memcpy(k.server_key, server.public_key, sizeof k.server_key);
    snprintf(k.endpoint, sizeof k.endpoint, "%s", endpoint);
    return k;
}

static const struct cu1_request PULL = {CU1_PULL, {(const uint8_t *)"usage.calls", 11}, 0, 10, 0};

Test(usage_client, a_key_file_that_lacks_something)
{
    struct usage_client *c = NULL;
    struct key_file k = key_for("");
    cr_expect_eq(usage_client_new(&k, &c, NULL), ERR_SYNTAX);
    k = key_for("tcp://127.0.0.1:1");
    k.server_key[0] = 0;
    cr_expect_eq(usage_client_new(&k, &c, NULL), ERR_SYNTAX);
    k = key_for("no address");
    cr_expect_eq(usage_client_new(&k, &c, NULL), ERR_NET);
    cr_expect_null(usage_client_free(NULL));
}

Test(usage_client, nobody_there_is_no_answer_in_time)
{
    char a[KEY_ENDPOINT_BYTES], b[KEY_ENDPOINT_BYTES], endpoint[KEY_ENDPOINT_BYTES + 8];
    struct usage_client *c;
    struct cu1_answer answer;
    free_addresses(a, b);
    snprintf(endpoint, sizeof endpoint, "tcp://%s", a);
    struct key_file k = key_for(endpoint);
    cr_assert_eq(usage_client_new(&k, &c, NULL), OK);
    uint64_t before = uv_hrtime();
    cr_expect_eq(usage_client_call(c, &PULL, WAIT_MS, &answer, NULL), ERR_NET);
    cr_expect_geq((uv_hrtime() - before) / 1000000, WAIT_MS - 1);
    usage_client_free(c);
}

/* A CURVE server of the test's own, that lets everybody in and answers as it is told. */
struct server {
    void *ctx, *router;
    struct key_file key;
};

static void server_init(struct server *s)
{
    char endpoint[KEY_ENDPOINT_BYTES];
    size_t n = sizeof endpoint;
    const int one = 1, linger_ms = 0;
    struct key_file own;
    key_file_generate(&own);
    s->ctx = zmq_ctx_new();
    s->router = zmq_socket(s->ctx, ZMQ_ROUTER);
    zmq_setsockopt(s->router, ZMQ_LINGER, &linger_ms, sizeof linger_ms);
    zmq_setsockopt(s->router, ZMQ_CURVE_SERVER, &one, sizeof one);
    zmq_setsockopt(s->router, ZMQ_CURVE_SECRETKEY, own.secret_key, KEY_TEXT_BYTES);
    cr_assert_eq(zmq_bind(s->router, "tcp://127.0.0.1:*"), 0);
    cr_assert_eq(zmq_getsockopt(s->router, ZMQ_LAST_ENDPOINT, endpoint, &n), 0);
    s->key = key_for(endpoint);
    memcpy(s->key.server_key, own.public_key, sizeof s->key.server_key);
}

static void server_done(struct server *s)
{
    zmq_close(s->router);
    zmq_ctx_term(s->ctx);
}

struct reply {
    struct server *server;
    struct span part[3];
    size_t parts;
};

static void *reply_once(void *arg)
{
    struct reply *r = arg;
    uint8_t peer[64], rest[4096];
    int n = zmq_recv(r->server->router, peer, sizeof peer, 0);
    zmq_recv(r->server->router, rest, sizeof rest, 0);
    zmq_recv(r->server->router, rest, sizeof rest, 0);
    zmq_send(r->server->router, peer, (size_t)n, ZMQ_SNDMORE);
    for (size_t i = 0; i < r->parts; i++)
        zmq_send(r->server->router, r->part[i].p, r->part[i].n, i + 1 < r->parts ? ZMQ_SNDMORE : 0);
    return NULL;
}

static enum err call_with(struct server *s, struct usage_client *c, const struct reply *reply,
                          struct cu1_answer *answer)
{
    struct reply r = *reply;
    pthread_t t;
    r.server = s;
    pthread_create(&t, NULL, reply_once, &r);
    enum err e = usage_client_call(c, &PULL, 10000, answer, NULL);
    pthread_join(t, NULL);
    return e;
}

Test(usage_client, an_answer_is_two_frames_of_cu1, .timeout = 60)
{
    uint8_t room[256];
    struct buf b = buf_of(room, sizeof room);
    cr_assert_eq(cu1_put_fault(CU1_FAULT_BUSY, &b), OK);
    struct span good = buf_span(&b), cu1 = span_str("CU1");
    const struct {
        const char *name;
        struct reply reply;
        enum err want;
    } ROW[] = {
        {"whole", {NULL, {cu1, good}, 2}, OK},
        {"another version", {NULL, {span_str("CU2"), good}, 2}, ERR_SYNTAX},
        {"a longer version", {NULL, {span_str("CU1 and more"), good}, 2}, ERR_SYNTAX},
        {"no envelope", {NULL, {cu1}, 1}, ERR_SYNTAX},
        {"a frame too many", {NULL, {cu1, good, good}, 3}, ERR_SYNTAX},
        {"noise", {NULL, {cu1, span_str("\xff")}, 2}, ERR_SYNTAX},
        {"whole again, after the mistakes", {NULL, {cu1, good}, 2}, OK},
    };
    struct server s;
    struct usage_client *c;
    struct cu1_answer answer;
    server_init(&s);
    cr_assert_eq(usage_client_new(&s.key, &c, NULL), OK);
    for (size_t i = 0; i < sizeof ROW / sizeof ROW[0]; i++)
        cr_expect_eq(call_with(&s, c, &ROW[i].reply, &answer), ROW[i].want, "%s", ROW[i].name);
    usage_client_free(c);
    server_done(&s);
}

/* What was asked before a time-out is not answered to the next question. */
Test(usage_client, a_late_answer_is_not_the_next_ones, .timeout = 60)
{
    uint8_t late_room[256], room[256];
    struct buf late = buf_of(late_room, sizeof late_room), b = buf_of(room, sizeof room);
    cr_assert_eq(cu1_put_fault(CU1_FAULT_STREAM, &late), OK);
    cr_assert_eq(cu1_put_fault(CU1_FAULT_BUSY, &b), OK);
    struct server s;
    struct usage_client *c;
    struct cu1_answer answer = {0};
    server_init(&s);
    cr_assert_eq(usage_client_new(&s.key, &c, NULL), OK);
    cr_expect_eq(usage_client_call(c, &PULL, WAIT_MS, &answer, NULL), ERR_NET);
    struct reply to_first = {&s, {span_str("CU1"), buf_span(&late)}, 2};
    reply_once(&to_first); /* the first request was waiting at the server */
    struct reply to_second = {&s, {span_str("CU1"), buf_span(&b)}, 2};
    cr_expect_eq(call_with(&s, c, &to_second, &answer), OK);
    cr_expect_eq(answer.fault, CU1_FAULT_BUSY);
    usage_client_free(c);
    server_done(&s);
}
