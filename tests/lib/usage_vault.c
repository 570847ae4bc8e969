#include "tests/lib/usage_vault.h"

#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "proto/core/check.h"
#include "proto/wire/frame.h"

void usage_vault_say(struct usage_vault *v, int type, uint32_t id, struct span payload)
{
    uint8_t frame[WIRE_FRAME_BYTES_MAX];
    frame_head(frame, (enum frame_type)type, id, payload.n);
    if (payload.n)
        memcpy(frame + FRAME_HEAD_BYTES, payload.p, payload.n);
    send(v->fd, frame, FRAME_HEAD_BYTES + payload.n, MSG_NOSIGNAL);
}

static bool knows(const struct usage_vault *v, struct span key)
{
    for (size_t i = 0; i < v->consumers_count; i++)
        if (span_eq(span_of(v->consumer[i], CONSUMER_KEY_BYTES), key))
            return true;
    return false;
}

static void refuse(struct usage_vault *v, uint32_t id, enum pull_refusal why)
{
    uint8_t code = (uint8_t)why;
    usage_vault_say(v, FRAME_REFUSED, id, span_of(&code, 1));
}

static void give_rows(struct usage_vault *v, uint32_t id, const struct pull_ask *a)
{
    static const uint8_t HASH[32] = {7};
    uint8_t room[WIRE_FRAME_BYTES_MAX - FRAME_HEAD_BYTES];
    struct buf b = buf_of(room, sizeof room);
    uint64_t last = a->cursor;
    if (v->last_position > a->cursor)
        last +=
            v->last_position - a->cursor < a->max_rows ? v->last_position - a->cursor : a->max_rows;
    pull_rows_head_encode(&(struct pull_rows_head){last, 11, span_of(HASH, sizeof HASH)}, &b);
    for (uint64_t p = a->cursor + 1; p <= last; p++) {
        char account[32];
        snprintf(account, sizeof account, "account-%llu", (unsigned long long)p);
        struct pull_row row = {.position = p,
                               .revision = 1,
                               .account = span_str(account),
                               .period_s = 86400,
                               .service = span_str("voice"),
                               .attempts = p,
                               .billed_count = 1,
                               .billed = {{span_str("6/6"), 6 * p}}};
        pull_row_encode(&row, &b);
    }
    CHECK(buf_ok(&b));
    usage_vault_say(v, FRAME_ROWS, id, buf_span(&b));
}

static void handle_pull(struct usage_vault *v, const struct frame *f)
{
    struct pull_ask a;
    uint8_t cursor[8];
    struct buf b = buf_of(cursor, sizeof cursor);
    CHECK(pull_ask_decode(f->payload, &a, NULL) == OK);
    v->pulls_count++;
    if (!knows(v, a.consumer_key)) {
        refuse(v, f->id, PULL_DENIED);
    } else if (!span_is(a.stream, "usage.calls")) {
        refuse(v, f->id, PULL_NO_STREAM);
    } else if (a.cursor < v->oldest) {
        refuse(v, f->id, PULL_CURSOR_OLD);
    } else if (f->type == FRAME_PULL) {
        give_rows(v, f->id, &a);
    } else {
        v->confirmed = a.cursor;
        buf_be64(&b, a.cursor);
        usage_vault_say(v, FRAME_CONFIRMED, f->id, buf_span(&b));
    }
}

static void handle_ask(struct usage_vault *v, const struct frame *f)
{
    uint8_t room[64];
    struct buf b = buf_of(room, sizeof room);
    v->asks_count++;
    if (knows(v, f->payload))
        pull_consumer_encode(&(struct pull_consumer){span_str("billing"), PULL_USAGE}, &b);
    usage_vault_say(v, FRAME_CONSUMER, f->id, buf_span(&b));
}

static void handle(struct usage_vault *v, const struct frame *f)
{
    if (f->type == FRAME_FORWARD_HELLO)
        v->hellos_count++;
    if (v->mute)
        return;
    if (f->type == FRAME_FORWARD_HELLO)
        usage_vault_say(v, FRAME_FORWARD_SECRET, f->id,
                        span_of(v->server_pair, sizeof v->server_pair));
    else if (f->type == FRAME_CONSUMER_ASK)
        handle_ask(v, f);
    else
        handle_pull(v, f);
}

static void *serve(void *arg)
{
    struct usage_vault *v = arg;
    uint8_t in[WIRE_FRAME_BYTES_MAX];
    for (bool stop = false; !stop;) {
        struct pollfd p = {.fd = v->fd, .events = POLLIN};
        poll(&p, 1, 10);
        ssize_t n = p.revents ? recv(v->fd, in, sizeof in, MSG_DONTWAIT) : 0;
        struct frame f;
        size_t used;
        pthread_mutex_lock(&v->lock);
        if (n > 0) {
            CHECK(frame_next(span_of(in, (size_t)n), &f, &used, NULL) == OK);
            handle(v, &f);
        }
        stop = v->stop;
        pthread_mutex_unlock(&v->lock);
    }
    return NULL;
}

static void make_keys(struct usage_vault *v)
{
    struct key_file k;
    key_file_generate(&k);
    memcpy(v->server_public, k.public_key, sizeof v->server_public);
    CHECK(key_text_decode(span_str(k.public_key), v->server_pair) == OK);
    CHECK(key_text_decode(span_str(k.secret_key), v->server_pair + CONSUMER_KEY_BYTES) == OK);
}

void usage_vault_open(struct usage_vault *v)
{
    int fd[2];
    *v = (struct usage_vault){0};
    CHECK(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fd) == 0);
    v->fd = fd[0];
    v->other = fd[1];
    make_keys(v);
    pthread_mutex_init(&v->lock, NULL);
}

void usage_vault_serve(struct usage_vault *v)
{
    CHECK(pthread_create(&v->thread, NULL, serve, v) == 0);
}

void usage_vault_start(struct usage_vault *v)
{
    usage_vault_open(v);
    usage_vault_serve(v);
}

void usage_vault_stop(struct usage_vault *v)
{
    pthread_mutex_lock(&v->lock);
    v->stop = true;
    pthread_mutex_unlock(&v->lock);
    pthread_join(v->thread, NULL);
    close(v->fd);
}

void usage_vault_add(struct usage_vault *v, const struct key_file *k)
{
    pthread_mutex_lock(&v->lock);
    CHECK(v->consumers_count < USAGE_VAULT_CONSUMERS);
    CHECK(key_text_decode(span_str(k->public_key), v->consumer[v->consumers_count++]) == OK);
    pthread_mutex_unlock(&v->lock);
}

void usage_vault_remove_all(struct usage_vault *v)
{
    pthread_mutex_lock(&v->lock);
    v->consumers_count = 0;
    pthread_mutex_unlock(&v->lock);
}

void usage_vault_rows(struct usage_vault *v, uint64_t last_position)
{
    uint8_t room[64];
    struct buf b = buf_of(room, sizeof room);
    pull_position_encode(&(struct pull_position){span_str("usage.calls"), last_position}, &b);
    pthread_mutex_lock(&v->lock);
    v->last_position = last_position;
    if (!v->mute)
        usage_vault_say(v, FRAME_POSITION, 0, buf_span(&b));
    pthread_mutex_unlock(&v->lock);
}

void usage_vault_mute(struct usage_vault *v, bool mute)
{
    pthread_mutex_lock(&v->lock);
    v->mute = mute;
    pthread_mutex_unlock(&v->lock);
}

void usage_vault_restart(struct usage_vault *v)
{
    pthread_mutex_lock(&v->lock);
    v->mute = false;
    usage_vault_say(v, FRAME_GREETING, 0, SPAN_EMPTY);
    pthread_mutex_unlock(&v->lock);
}

void usage_vault_new_keys(struct usage_vault *v)
{
    pthread_mutex_lock(&v->lock);
    make_keys(v);
    pthread_mutex_unlock(&v->lock);
}

uint64_t usage_vault_get(struct usage_vault *v, const uint64_t *counter)
{
    pthread_mutex_lock(&v->lock);
    uint64_t value = *counter;
    pthread_mutex_unlock(&v->lock);
    return value;
}
