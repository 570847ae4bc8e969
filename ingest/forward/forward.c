#include "ingest/forward/forward.h"

#include <stdlib.h>
#include <zmq.h>

#include "ingest/forward/desk.h"
#include "ingest/forward/zap.h"
#include "proto/core/check.h"

enum {
    HWM_MESSAGES = 16,       /* credit is one request a connection */
    HINTS_HWM_MESSAGES = 64, /* a lost hint costs nothing */
    BACKLOG = 64,
    HEARTBEAT_MS = 10000,
    HEARTBEAT_TIMEOUT_MS = 30000,
    HANDSHAKE_MS = 10000, /* the vault may take ZAP_VAULT_MS of it */
    BURST = 64,           /* messages before the loop looks at the vault again */
    CURVE_KEY_BYTES = 32,
    CURVE_PAIR_BYTES = 64, /* public, secret */
    /* zmq.h shows this option only in draft builds; libzmq 4.3 has it in all. */
    ZAP_ENFORCE_DOMAIN = 93
};

struct forward {
    struct forward_options o;
    struct forward_events events;
    uv_loop_t *loop; /* borrowed */
    void *ctx, *router, *pub;
    struct zap *zap;
    struct desk *desk;
    struct vault_link *vault;
    bool serving;
    uint32_t hello_id;
    uint8_t public_key[CURVE_KEY_BYTES];
    uv_poll_t vault_poll, router_poll, zap_poll;
    uv_prepare_t prepare; /* drains ZeroMQ before the loop sleeps */
    uv_idle_t awake;      /* runs while there is more to drain */
    uv_timer_t timer;
    struct arena arena;
};

static int64_t now_ms(const struct forward *f)
{
    return (int64_t)uv_now(f->loop);
}

static void fail(struct forward *f, enum err e, const char *what)
{
    f->events.failed(f->events.arg, e, what);
}

/* --- the vault --- */

static enum err ask_vault(void *arg, enum frame_type type, uint32_t id, struct span payload)
{
    struct forward *f = arg;
    return vault_send(f->vault, type, id, payload);
}

static void say_hello(struct forward *f)
{
    f->hello_id++;
    if (vault_send(f->vault, FRAME_FORWARD_HELLO, f->hello_id, SPAN_EMPTY) != OK)
        fail(f, ERR_NET, "vault does not take a hello");
}

static void wake(uv_poll_t *poll, int status, int events)
{
    (void)poll;
    (void)status;
    (void)events; /* the loop is awake now: before_sleep() looks at the sockets */
}

static void watch_zmq(struct forward *f, uv_poll_t *poll, int fd)
{
    CHECK(uv_poll_init(f->loop, poll, fd) == 0);
    CHECK(uv_poll_start(poll, UV_READABLE, wake) == 0);
}

static int socket_fd(void *socket)
{
    int fd = -1;
    size_t n = sizeof fd;
    CHECK(zmq_getsockopt(socket, ZMQ_FD, &fd, &n) == 0);
    return fd;
}

/* --- the sockets --- */

static void *new_socket(struct forward *f, int type, const uint8_t *secret, int hwm)
{
    void *s = zmq_socket(f->ctx, type);
    if (!s)
        return NULL;
    const struct {
        int option, value;
    } NUMBER[] = {
        {ZMQ_LINGER, 0},
        {ZMQ_SNDHWM, hwm},
        {ZMQ_RCVHWM, hwm},
        {ZMQ_BACKLOG, BACKLOG},
        {ZMQ_IPV6, 1},
        {ZMQ_TCP_KEEPALIVE, 1},
        {ZMQ_HEARTBEAT_IVL, HEARTBEAT_MS},
        {ZMQ_HEARTBEAT_TIMEOUT, HEARTBEAT_TIMEOUT_MS},
        {ZMQ_HEARTBEAT_TTL, HEARTBEAT_TIMEOUT_MS},
        {ZMQ_HANDSHAKE_IVL, HANDSHAKE_MS},
        {ZMQ_CURVE_SERVER, 1},
        {ZAP_ENFORCE_DOMAIN, 1}, /* no handler, no entry */
    };
    const int64_t message_bytes = CU1_REQUEST_BYTES_MAX; /* a peer that sends more is cut off */
    bool ok = zmq_setsockopt(s, ZMQ_MAXMSGSIZE, &message_bytes, sizeof message_bytes) == 0 &&
              zmq_setsockopt(s, ZMQ_ZAP_DOMAIN, ZAP_DOMAIN, strlen(ZAP_DOMAIN)) == 0 &&
              zmq_setsockopt(s, ZMQ_CURVE_SECRETKEY, secret, CURVE_KEY_BYTES) == 0;
    for (size_t i = 0; i < sizeof NUMBER / sizeof NUMBER[0]; i++)
        ok = ok && zmq_setsockopt(s, NUMBER[i].option, &NUMBER[i].value, sizeof(int)) == 0;
    if (ok)
        return s;
    zmq_close(s);
    return NULL;
}

static enum err open_sockets(struct forward *f, const uint8_t *secret)
{
    const int mandatory = 1; /* an answer to a peer that left is an error, not a silent drop */
    f->router = new_socket(f, ZMQ_ROUTER, secret, HWM_MESSAGES);
    f->pub = new_socket(f, ZMQ_PUB, secret, HINTS_HWM_MESSAGES);
    if (!f->router || !f->pub ||
        zmq_setsockopt(f->router, ZMQ_ROUTER_MANDATORY, &mandatory, sizeof mandatory) != 0)
        return ERR_NOMEM;
    if (zmq_bind(f->router, f->o.pull_endpoint) != 0 || zmq_bind(f->pub, f->o.hint_endpoint) != 0)
        return ERR_NET;
    watch_zmq(f, &f->router_poll, socket_fd(f->router));
    return OK;
}

/* The sockets open once: after a restart the vault says its key again, and a different one
 * needs a new process, because every consumer has the old one in its file. */
static void take_secret(struct forward *f, const struct frame *in)
{
    if (in->id != f->hello_id)
        return; /* for a predecessor of this process */
    if (in->payload.n != CURVE_PAIR_BYTES) {
        fail(f, ERR_SYNTAX, "CURVE keys from the vault");
        return;
    }
    if (f->serving) {
        if (memcmp(f->public_key, in->payload.p, CURVE_KEY_BYTES) != 0)
            fail(f, ERR_CONFLICT, "the vault has another CURVE key now");
        return;
    }
    memcpy(f->public_key, in->payload.p, CURVE_KEY_BYTES);
    enum err e = open_sockets(f, in->payload.p + CURVE_KEY_BYTES);
    if (e != OK) {
        fail(f, e, "listening address of usage cannot be opened");
        return;
    }
    f->serving = true;
    f->events.ready(f->events.arg);
}

static void answer_consumer(void *arg, struct span peer, struct span envelope)
{
    struct forward *f = arg;
    const struct span PART[] = {peer, span_str(CU1_VERSION), envelope};
    /* Fails when the peer left or does not read: it asks again when it is back. */
    for (size_t i = 0; i < 3; i++)
        if (zmq_send(f->router, PART[i].p, PART[i].n, ZMQ_DONTWAIT | (i < 2 ? ZMQ_SNDMORE : 0)) < 0)
            return;
}

static void publish(struct forward *f, const struct pull_position *p)
{
    uint8_t room[64 + STREAM_BYTES_MAX];
    struct buf b = buf_of(room, sizeof room);
    if (cu1_put_hint(p, &f->arena, &b) == OK) {
        zmq_send(f->pub, p->stream.p, p->stream.n, ZMQ_SNDMORE | ZMQ_DONTWAIT);
        zmq_send(f->pub, CU1_VERSION, strlen(CU1_VERSION), ZMQ_SNDMORE | ZMQ_DONTWAIT);
        zmq_send(f->pub, b.p, b.n, ZMQ_DONTWAIT);
    }
    arena_reset(&f->arena);
}

static void take_position(struct forward *f, const struct frame *in)
{
    struct pull_position p;
    if (!f->serving || pull_position_decode(in->payload, &p, NULL) != OK)
        return;
    desk_position(f->desk, &p, now_ms(f));
    publish(f, &p);
}

static void on_frame(void *arg, const struct frame *in)
{
    struct forward *f = arg;
    if (in->type == FRAME_GREETING) {
        say_hello(f);
        zap_ask_again(f->zap, now_ms(f));
        desk_ask_again(f->desk, now_ms(f));
    } else if (in->type == FRAME_FORWARD_SECRET) {
        take_secret(f, in);
    } else if (in->type == FRAME_POSITION) {
        take_position(f, in);
    } else if (in->type == FRAME_CONSUMER_GONE) {
        if (f->serving && in->payload.n == CONSUMER_KEY_BYTES)
            desk_consumer_gone(f->desk, in->payload, now_ms(f));
    } else if (f->serving && (in->id & DESK_ID_BIT)) {
        desk_answer(f->desk, in, now_ms(f));
    } else if (f->serving && (in->id & ZAP_ID_BIT)) {
        zap_answer(f->zap, in, now_ms(f));
    }
}

static void on_vault(uv_poll_t *poll, int status, int events)
{
    struct forward *f = poll->data;
    (void)events;
    enum err e = status < 0 ? ERR_SHUTDOWN : f->vault->ops->receive(f->vault);
    if (e != OK) {
        uv_poll_stop(poll);
        fail(f, ERR_NET, "the vault closed the channel");
    }
}

/* --- what consumers say --- */

/* The key that the handshake proved; libzmq hands on the User-Id of zap.c. */
static bool key_of(zmq_msg_t *m, uint8_t key[static CONSUMER_KEY_BYTES])
{
    const char *user = zmq_msg_gets(m, "User-Id");
    return user && strlen(user) == 40 && zmq_z85_decode(key, user) != NULL;
}

enum { REQUEST_PEER, REQUEST_VERSION, REQUEST_ENVELOPE, REQUEST_PARTS };

/* One message: routing id, version, envelope. False: none waits. */
static bool take_request(struct forward *f)
{
    zmq_msg_t part[REQUEST_PARTS];
    struct span in[REQUEST_PARTS] = {SPAN_EMPTY, SPAN_EMPTY, SPAN_EMPTY};
    uint8_t key[CONSUMER_KEY_BYTES];
    size_t n = 0;
    bool known = false;
    for (int more = 1; more; n++) {
        zmq_msg_t spare, *m = n < REQUEST_PARTS ? &part[n] : &spare;
        zmq_msg_init(m);
        if (zmq_msg_recv(m, f->router, ZMQ_DONTWAIT) < 0) {
            zmq_msg_close(m);
            break;
        }
        more = zmq_msg_more(m);
        if (n == REQUEST_VERSION)
            known = key_of(m, key);
        if (m == &spare)
            zmq_msg_close(m);
        else
            in[n] = span_of(zmq_msg_data(m), zmq_msg_size(m));
    }
    if (n > REQUEST_PARTS) /* more frames than a request has: not CU1 */
        in[REQUEST_VERSION] = SPAN_EMPTY;
    struct desk_caller caller = {in[REQUEST_PEER], span_of(key, sizeof key)};
    if (known)
        desk_request(f->desk, &caller, in[REQUEST_VERSION], in[REQUEST_ENVELOPE], now_ms(f));
    for (size_t i = 0; i < n && i < REQUEST_PARTS; i++)
        zmq_msg_close(&part[i]);
    return n > 0;
}

/* --- the loop --- */

/* The state of ZeroMQ's sockets moves with every call, and their descriptors tell only of
 * moves from outside: so they are read until nothing is left before the loop sleeps. */
static bool drain(struct forward *f)
{
    bool more = true;
    for (int i = 0; i < BURST && more; i++) {
        more = zap_pump(f->zap, now_ms(f));
        if (f->serving)
            more |= take_request(f);
    }
    return more;
}

static void on_time(uv_timer_t *timer)
{
    (void)timer; /* before_sleep() looks at what is due */
}

static void on_awake(uv_idle_t *idle)
{
    (void)idle;
}

static void before_sleep(uv_prepare_t *prepare)
{
    struct forward *f = prepare->data;
    if (drain(f))
        uv_idle_start(&f->awake, on_awake);
    else
        uv_idle_stop(&f->awake);
    int64_t desk_due = desk_tick(f->desk, now_ms(f));
    int64_t zap_due = zap_tick(f->zap, now_ms(f));
    int64_t due = desk_due < zap_due ? desk_due : zap_due;
    if (due == INT64_MAX)
        uv_timer_stop(&f->timer);
    else
        uv_timer_start(&f->timer, on_time, due > now_ms(f) ? (uint64_t)(due - now_ms(f)) : 0, 0);
}

static void welcome(void *arg, struct span key, struct span name)
{
    struct forward *f = arg;
    desk_consumer(f->desk, key, name);
}

static enum err make_parts(struct forward *f, int vault_fd)
{
    struct zap_ops zap = {ask_vault, welcome, f};
    struct desk_ops desk = {ask_vault, answer_consumer, f};
    enum err e = vault_link_remote(vault_fd, on_frame, f, &f->vault);
    if (e == OK && !(f->ctx = zmq_ctx_new()))
        e = ERR_NOMEM;
    if (e == OK)
        e = arena_init(&f->arena, 1024);
    if (e == OK)
        e = zap_new(f->ctx, &zap, f->o.first_id, f->o.metrics, &f->zap);
    if (e == OK)
        e = desk_new(&desk, f->o.first_id, f->o.metrics, &f->desk);
    return e;
}

static void start_handles(struct forward *f)
{
    watch_zmq(f, &f->zap_poll, zap_fd(f->zap));
    CHECK(uv_poll_init(f->loop, &f->vault_poll, f->vault->ops->fd(f->vault)) == 0);
    CHECK(uv_prepare_init(f->loop, &f->prepare) == 0);
    CHECK(uv_idle_init(f->loop, &f->awake) == 0);
    CHECK(uv_timer_init(f->loop, &f->timer) == 0);
    f->vault_poll.data = f->prepare.data = f;
    CHECK(uv_poll_start(&f->vault_poll, UV_READABLE, on_vault) == 0);
    CHECK(uv_prepare_start(&f->prepare, before_sleep) == 0);
}

enum err forward_new(uv_loop_t *loop, int vault_fd, const struct forward_options *o,
                     const struct forward_events *events, struct forward **out)
{
    struct forward *f = calloc(1, sizeof *f);
    if (!f)
        return ERR_NOMEM;
    f->o = *o;
    f->events = *events;
    f->loop = loop;
    f->hello_id = o->first_id & (ZAP_ID_BIT - 1);
    enum err e = make_parts(f, vault_fd);
    if (e != OK) {
        forward_free(f);
        return e;
    }
    start_handles(f);
    say_hello(f);
    *out = f;
    return OK;
}

void forward_stop(struct forward *f)
{
    uv_handle_t *const HANDLE[] = {(uv_handle_t *)&f->vault_poll, (uv_handle_t *)&f->zap_poll,
                                   (uv_handle_t *)&f->prepare,    (uv_handle_t *)&f->awake,
                                   (uv_handle_t *)&f->timer,      (uv_handle_t *)&f->router_poll};
    for (size_t i = 0; i < sizeof HANDLE / sizeof HANDLE[0]; i++)
        if (HANDLE[i]->loop && !uv_is_closing(HANDLE[i])) /* the last is made when serving */
            uv_close(HANDLE[i], NULL);
}

struct forward *forward_free(struct forward *f)
{
    if (!f)
        return NULL;
    if (f->router)
        zmq_close(f->router);
    if (f->pub)
        zmq_close(f->pub);
    zap_free(f->zap);
    desk_free(f->desk);
    if (f->ctx)
        zmq_ctx_term(f->ctx);
    vault_link_free(f->vault);
    arena_done(&f->arena);
    free(f);
    return NULL;
}
