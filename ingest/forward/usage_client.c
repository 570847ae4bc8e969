#include "ingest/forward/usage_client.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <zmq.h>

enum { CLIENT_HWM_MESSAGES = 4, RECONNECT_MS = 50, RECONNECT_MS_MAX = 1000 };

struct usage_client {
    void *ctx, *dealer, *monitor;
    unsigned generation; /* of the dealer: names its monitor */
    struct key_file key;
    zmq_msg_t answer; /* what the last answer points into, beside the arena */
    struct arena arena;
};

/* libzmq tells here, and only here, that the server refused the key. */
static void *watch(struct usage_client *c, void *dealer)
{
    char name[48];
    snprintf(name, sizeof name, "inproc://monitor-%u", ++c->generation);
    void *pair = zmq_socket(c->ctx, ZMQ_PAIR);
    if (pair && zmq_socket_monitor(dealer, name, ZMQ_EVENT_HANDSHAKE_FAILED_AUTH) == 0 &&
        zmq_connect(pair, name) == 0)
        return pair;
    if (pair)
        zmq_close(pair);
    return NULL;
}

static bool configure(void *dealer, const struct key_file *k)
{
    const struct {
        int option, value;
    } NUMBER[] = {{ZMQ_LINGER, 0},
                  {ZMQ_SNDHWM, CLIENT_HWM_MESSAGES},
                  {ZMQ_RCVHWM, CLIENT_HWM_MESSAGES},
                  {ZMQ_IPV6, 1},
                  {ZMQ_RECONNECT_IVL, RECONNECT_MS},
                  {ZMQ_RECONNECT_IVL_MAX, RECONNECT_MS_MAX}};
    const int64_t message_bytes = CU1_ANSWER_BYTES_MAX;
    bool ok = zmq_setsockopt(dealer, ZMQ_MAXMSGSIZE, &message_bytes, sizeof message_bytes) == 0;
    for (size_t i = 0; i < sizeof NUMBER / sizeof NUMBER[0]; i++)
        ok = ok && zmq_setsockopt(dealer, NUMBER[i].option, &NUMBER[i].value, sizeof(int)) == 0;
    const struct {
        int option;
        const char *text;
    } KEY[] = {{ZMQ_CURVE_SERVERKEY, k->server_key},
               {ZMQ_CURVE_PUBLICKEY, k->public_key},
               {ZMQ_CURVE_SECRETKEY, k->secret_key}};
    for (size_t i = 0; i < 3; i++)
        ok = ok && zmq_setsockopt(dealer, KEY[i].option, KEY[i].text, KEY_TEXT_BYTES) == 0;
    return ok;
}

static void disconnect(struct usage_client *c)
{
    if (c->dealer)
        zmq_close(c->dealer);
    if (c->monitor)
        zmq_close(c->monitor);
    c->dealer = c->monitor = NULL;
}

static enum err connect_again(struct usage_client *c)
{
    disconnect(c);
    c->dealer = zmq_socket(c->ctx, ZMQ_DEALER);
    if (c->dealer && configure(c->dealer, &c->key))
        c->monitor = watch(c, c->dealer);
    if (c->monitor && zmq_connect(c->dealer, c->key.endpoint) == 0)
        return OK;
    return ERR_NET;
}

enum err usage_client_new(const struct key_file *k, struct usage_client **out, struct diag *d)
{
    if (!k->server_key[0] || !k->endpoint[0])
        return diag_set(d, ERR_SYNTAX, "key file lacks server-key or endpoint", 0);
    struct usage_client *c = calloc(1, sizeof *c);
    if (!c)
        return ERR_NOMEM;
    zmq_msg_init(&c->answer);
    c->key = *k;
    c->ctx = zmq_ctx_new();
    enum err e = c->ctx ? arena_init(&c->arena, CU1_READER_ARENA_BYTES) : ERR_NOMEM;
    if (e == OK && connect_again(c) != OK)
        e = diag_set(d, ERR_NET, "endpoint of usage is no address", 0);
    if (e != OK)
        usage_client_free(c);
    else
        *out = c;
    return e;
}

struct usage_client *usage_client_free(struct usage_client *c)
{
    if (!c)
        return NULL;
    disconnect(c);
    zmq_msg_close(&c->answer);
    if (c->ctx)
        zmq_ctx_term(c->ctx);
    arena_done(&c->arena);
    key_file_wipe(&c->key);
    free(c);
    return NULL;
}

static int64_t monotonic_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* The first frame of a monitor's message: event (16 bits, host order), value (32 bits). ZAP
 * status 400 is a no; 300 says "later", and libzmq connects again by itself. */
static bool was_refused(void *monitor)
{
    uint8_t event[6], address[256];
    int n = zmq_recv(monitor, event, sizeof event, ZMQ_DONTWAIT);
    if (n < 0)
        return false;
    zmq_recv(monitor, address, sizeof address, ZMQ_DONTWAIT);
    uint32_t status;
    memcpy(&status, event + 2, sizeof status);
    return n == sizeof event && status == 400;
}

static enum err wait_answer(struct usage_client *c, int timeout_ms, struct diag *d)
{
    int64_t until = monotonic_ms() + timeout_ms;
    for (;;) {
        zmq_pollitem_t item[] = {{c->dealer, 0, ZMQ_POLLIN, 0}, {c->monitor, 0, ZMQ_POLLIN, 0}};
        int64_t left = until - monotonic_ms();
        if (left < 0)
            return diag_set(d, ERR_NET, "no answer from the usage listener", 0);
        if (zmq_poll(item, 2, (long)left) < 0)
            return diag_set(d, ERR_SHUTDOWN, "interrupted", 0);
        if (item[0].revents)
            return OK;
        if (item[1].revents && was_refused(c->monitor))
            return diag_set(d, ERR_DENIED, "the server does not know this key", 0);
    }
}

static enum err send_request(struct usage_client *c, const struct cu1_request *q)
{
    uint8_t room[CU1_REQUEST_BYTES_MAX];
    struct buf b = buf_of(room, sizeof room);
    enum err e = cu1_put_request(q, &c->arena, &b);
    if (e != OK)
        return e;
    bool sent =
        zmq_send(c->dealer, CU1_VERSION, strlen(CU1_VERSION), ZMQ_SNDMORE | ZMQ_DONTWAIT) >= 0 &&
        zmq_send(c->dealer, b.p, b.n, ZMQ_DONTWAIT) >= 0;
    return sent ? OK : ERR_NET;
}

/* Version and Envelope, no more and no less. */
static enum err read_answer(struct usage_client *c, struct cu1_answer *out, struct diag *d)
{
    char version[8];
    int n = zmq_recv(c->dealer, version, sizeof version, 0);
    bool ok =
        n >= 0 && (size_t)n <= sizeof version && span_is(span_of(version, (size_t)n), CU1_VERSION);
    int more = 0;
    size_t more_bytes = sizeof more;
    zmq_getsockopt(c->dealer, ZMQ_RCVMORE, &more, &more_bytes);
    if (!ok || !more || zmq_msg_recv(&c->answer, c->dealer, 0) < 0 || zmq_msg_more(&c->answer))
        return diag_set(d, ERR_SYNTAX, "answer is not of version CU1", 0);
    struct span envelope = span_of(zmq_msg_data(&c->answer), zmq_msg_size(&c->answer));
    return cu1_get_answer(envelope, &c->arena, out, d);
}

enum err usage_client_call(struct usage_client *c, const struct cu1_request *q, int timeout_ms,
                           struct cu1_answer *out, struct diag *d)
{
    arena_reset(&c->arena);
    if (!c->dealer && connect_again(c) != OK)
        return diag_set(d, ERR_NET, "endpoint of usage is no address", 0);
    enum err e = send_request(c, q);
    if (e == OK)
        e = wait_answer(c, timeout_ms, d);
    if (e == OK)
        e = read_answer(c, out, d);
    if (e != OK)
        disconnect(c); /* a late answer must not be taken for the next one's */
    return e;
}
