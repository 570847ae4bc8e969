#include "ingest/forward/zap.h"

#include <stdlib.h>
#include <zmq.h>

#include "proto/core/check.h"

/* RFC 27: frames of a request behind the routing id and the empty delimiter. */
enum zap_part {
    ZAP_PEER,
    ZAP_DELIMITER,
    ZAP_VERSION,
    ZAP_REQUEST,
    ZAP_OF_DOMAIN,
    ZAP_ADDRESS,
    ZAP_IDENTITY,
    ZAP_MECHANISM,
    ZAP_KEY,
    ZAP_PARTS
};
enum { ZAP_TOKEN_BYTES = 32 /* routing ids and request ids of libzmq are 5 and 1 bytes */ };

enum verdict { VERDICT_YES, VERDICT_LATER, VERDICT_NO };

struct token {
    size_t n;
    uint8_t b[ZAP_TOKEN_BYTES];
};

struct pending {
    bool used;
    uint32_t id;
    int64_t due_ms;
    struct token peer, request;
    uint8_t key[CONSUMER_KEY_BYTES];
};

struct remembered {
    int64_t until_ms;
    uint8_t key[CONSUMER_KEY_BYTES];
};

struct zap {
    struct zap_ops ops;
    const struct metrics *metrics;
    void *socket; /* owned */
    uint32_t next_id;
    struct pending pending[ZAP_PENDING_MAX];
    struct remembered remembered[ZAP_REMEMBERED];
};

enum err zap_new(void *ctx, const struct zap_ops *ops, uint32_t first_id, const struct metrics *m,
                 struct zap **out)
{
    struct zap *z = calloc(1, sizeof *z);
    if (!z)
        return ERR_NOMEM;
    z->ops = *ops;
    z->metrics = m;
    z->next_id = first_id;
    z->socket = zmq_socket(ctx, ZMQ_ROUTER);
    const int linger_ms = 0;
    if (!z->socket || zmq_setsockopt(z->socket, ZMQ_LINGER, &linger_ms, sizeof linger_ms) != 0 ||
        zmq_bind(z->socket, "inproc://zeromq.zap.01") != 0) {
        zap_free(z);
        return ERR_NET;
    }
    *out = z;
    return OK;
}

struct zap *zap_free(struct zap *z)
{
    if (z && z->socket)
        zmq_close(z->socket);
    free(z);
    return NULL;
}

int zap_fd(const struct zap *z)
{
    int fd = -1;
    size_t n = sizeof fd;
    CHECK(zmq_getsockopt(z->socket, ZMQ_FD, &fd, &n) == 0);
    return fd;
}

/* --- answers to libzmq --- */

static void reply(struct zap *z, const struct token *peer, const struct token *request,
                  enum verdict v, const uint8_t *key)
{
    static const struct {
        const char *code, *text;
    } STATUS[] = {[VERDICT_YES] = {"200", "known key"},
                  [VERDICT_LATER] = {"300", "try again later"},
                  [VERDICT_NO] = {"400", "unknown key"}};
    char user[41] = ""; /* Z85 of 32 bytes, and its NUL */
    if (v == VERDICT_YES)
        zmq_z85_encode(user, key, CONSUMER_KEY_BYTES);
    else
        metric_inc(z->metrics, METRIC_HANDSHAKES_REFUSED);
    const struct span PART[] = {span_of(peer->b, peer->n),
                                SPAN_EMPTY,
                                span_str("1.0"),
                                span_of(request->b, request->n),
                                span_str(STATUS[v].code),
                                span_str(STATUS[v].text),
                                span_str(user),
                                SPAN_EMPTY};
    enum { PARTS = sizeof PART / sizeof PART[0] };
    /* A peer that is gone takes no answer: the connection was closed during the handshake. */
    for (size_t i = 0; i < PARTS; i++)
        if (zmq_send(z->socket, PART[i].p, PART[i].n, i + 1 < PARTS ? ZMQ_SNDMORE : 0) < 0)
            return;
}

static void settle(struct zap *z, struct pending *p, enum verdict v)
{
    p->used = false;
    reply(z, &p->peer, &p->request, v, p->key);
}

/* --- the memory of a moment --- */

/* Only keys that the vault knows get here, so nobody else can push one out. */
static struct remembered *place_of(struct zap *z, const uint8_t key[static CONSUMER_KEY_BYTES])
{
    return &z->remembered[key[0] % ZAP_REMEMBERED];
}

static bool remembers(struct zap *z, const uint8_t key[static CONSUMER_KEY_BYTES], int64_t now_ms)
{
    const struct remembered *r = place_of(z, key);
    return now_ms < r->until_ms && memcmp(r->key, key, CONSUMER_KEY_BYTES) == 0;
}

static void remember(struct zap *z, const uint8_t key[static CONSUMER_KEY_BYTES], int64_t now_ms)
{
    struct remembered *r = place_of(z, key);
    memcpy(r->key, key, CONSUMER_KEY_BYTES);
    r->until_ms = now_ms + ZAP_REMEMBER_MS;
}

/* --- requests of libzmq --- */

struct request {
    size_t parts;
    zmq_msg_t part[ZAP_PARTS];
};

static struct span part_of(struct request *q, size_t i)
{
    return span_of(zmq_msg_data(&q->part[i]), zmq_msg_size(&q->part[i]));
}

/* One message; parts behind the last are read away and counted. False: none waits. */
static bool take(void *socket, struct request *q)
{
    int more = 1;
    for (q->parts = 0; more; q->parts++) {
        zmq_msg_t spare, *m = q->parts < ZAP_PARTS ? &q->part[q->parts] : &spare;
        zmq_msg_init(m);
        if (zmq_msg_recv(m, socket, ZMQ_DONTWAIT) < 0) {
            zmq_msg_close(m);
            return q->parts > 0;
        }
        more = zmq_msg_more(m);
        if (m == &spare)
            zmq_msg_close(m);
    }
    return true;
}

static void drop(struct request *q)
{
    for (size_t i = 0; i < q->parts && i < ZAP_PARTS; i++)
        zmq_msg_close(&q->part[i]);
}

static bool keep(struct token *t, struct span s)
{
    if (s.n > sizeof t->b)
        return false;
    memcpy(t->b, s.p, s.n);
    t->n = s.n;
    return true;
}

static void ask(struct zap *z, struct pending *p, int64_t now_ms)
{
    p->id = ZAP_ID_BIT | (z->next_id++ & (ZAP_ID_BIT - 1));
    p->due_ms = now_ms + ZAP_VAULT_MS;
    if (z->ops.ask(z->ops.arg, FRAME_CONSUMER_ASK, p->id, span_of(p->key, sizeof p->key)) != OK)
        settle(z, p, VERDICT_LATER);
}

static struct pending *free_place(struct zap *z)
{
    for (size_t i = 0; i < ZAP_PENDING_MAX; i++)
        if (!z->pending[i].used)
            return &z->pending[i];
    return NULL;
}

static void examine(struct zap *z, struct request *q, int64_t now_ms)
{
    struct token peer, request;
    if (q->parts < ZAP_OF_DOMAIN || !keep(&peer, part_of(q, ZAP_PEER)) ||
        !keep(&request, part_of(q, ZAP_REQUEST)))
        return; /* nobody to answer */
    struct span key = q->parts == ZAP_PARTS ? part_of(q, ZAP_KEY) : SPAN_EMPTY;
    struct pending *p = free_place(z);
    if (key.n != CONSUMER_KEY_BYTES || !span_is(part_of(q, ZAP_MECHANISM), "CURVE") ||
        !span_is(part_of(q, ZAP_OF_DOMAIN), ZAP_DOMAIN)) {
        reply(z, &peer, &request, VERDICT_NO, NULL);
    } else if (remembers(z, key.p, now_ms)) {
        reply(z, &peer, &request, VERDICT_YES, key.p);
    } else if (!p) {
        reply(z, &peer, &request, VERDICT_LATER, NULL);
    } else {
        *p = (struct pending){.used = true, .peer = peer, .request = request};
        memcpy(p->key, key.p, CONSUMER_KEY_BYTES);
        ask(z, p, now_ms);
    }
}

bool zap_pump(struct zap *z, int64_t now_ms)
{
    struct request q;
    if (!take(z->socket, &q))
        return false;
    examine(z, &q, now_ms);
    drop(&q);
    return true;
}

/* --- what the vault says --- */

static enum verdict judge(const struct frame *f, struct pull_consumer *out)
{
    if (f->type != FRAME_CONSUMER || pull_consumer_decode(f->payload, out, NULL) != OK)
        return VERDICT_LATER;
    return out->families ? VERDICT_YES : VERDICT_NO;
}

void zap_answer(struct zap *z, const struct frame *f, int64_t now_ms)
{
    for (size_t i = 0; i < ZAP_PENDING_MAX; i++) {
        struct pending *p = &z->pending[i];
        if (!p->used || p->id != f->id)
            continue;
        struct pull_consumer c;
        enum verdict v = judge(f, &c);
        if (v == VERDICT_YES) {
            remember(z, p->key, now_ms);
            z->ops.welcome(z->ops.arg, span_of(p->key, sizeof p->key), c.name);
        }
        settle(z, p, v);
        return;
    }
}

void zap_ask_again(struct zap *z, int64_t now_ms)
{
    for (size_t i = 0; i < ZAP_PENDING_MAX; i++)
        if (z->pending[i].used)
            ask(z, &z->pending[i], now_ms);
}

int64_t zap_tick(struct zap *z, int64_t now_ms)
{
    int64_t next = INT64_MAX;
    for (size_t i = 0; i < ZAP_PENDING_MAX; i++) {
        struct pending *p = &z->pending[i];
        if (p->used && p->due_ms <= now_ms)
            settle(z, p, VERDICT_LATER);
        if (p->used && p->due_ms < next)
            next = p->due_ms;
    }
    return next;
}
