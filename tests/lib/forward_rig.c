#include "tests/lib/forward_rig.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <unistd.h>

#include "proto/core/check.h"

static int bound_socket(uint16_t *port)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof a;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    CHECK(fd >= 0 && bind(fd, (struct sockaddr *)&a, sizeof a) == 0);
    CHECK(getsockname(fd, (struct sockaddr *)&a, &n) == 0);
    *port = ntohs(a.sin_port);
    return fd;
}

void free_addresses(char a[static KEY_ENDPOINT_BYTES], char b[static KEY_ENDPOINT_BYTES])
{
    uint16_t port[2];
    int fd[2] = {bound_socket(&port[0]), bound_socket(&port[1])};
    snprintf(a, KEY_ENDPOINT_BYTES, "127.0.0.1:%u", port[0]);
    snprintf(b, KEY_ENDPOINT_BYTES, "127.0.0.1:%u", port[1]);
    close(fd[0]);
    close(fd[1]);
}

static void on_ready(void *arg)
{
    struct forward_rig *r = arg;
    uv_sem_post(&r->ready);
}

static void on_failed(void *arg, enum err e, const char *what)
{
    struct forward_rig *r = arg;
    (void)what;
    r->failed = e;
    forward_stop(r->forward);
}

static void on_stop(uv_async_t *async)
{
    struct forward_rig *r = async->data;
    forward_stop(r->forward);
    uv_close((uv_handle_t *)async, NULL);
}

static void *run(void *arg)
{
    struct forward_rig *r = arg;
    uv_run(&r->loop, UV_RUN_DEFAULT);
    return NULL;
}

void forward_rig_start(struct forward_rig *r)
{
    char pull[KEY_ENDPOINT_BYTES], hint[KEY_ENDPOINT_BYTES];
    *r = (struct forward_rig){.failed = OK};
    free_addresses(pull, hint);
    snprintf(r->pull, sizeof r->pull, "tcp://%.100s", pull);
    snprintf(r->hint, sizeof r->hint, "tcp://%.100s", hint);
    CHECK(metrics_init(&r->metrics) == OK);
    usage_vault_start(&r->vault);
    struct forward_options o = {r->pull, r->hint, 1000, &r->metrics};
    struct forward_events events = {on_ready, on_failed, r};
    CHECK(uv_loop_init(&r->loop) == 0 && uv_sem_init(&r->ready, 0) == 0);
    CHECK(uv_async_init(&r->loop, &r->stop, on_stop) == 0);
    r->stop.data = r;
    CHECK(forward_new(&r->loop, r->vault.other, &o, &events, &r->forward) == OK);
    CHECK(pthread_create(&r->thread, NULL, run, r) == 0);
    uv_sem_wait(&r->ready);
}

void forward_rig_stop(struct forward_rig *r)
{
    uv_async_send(&r->stop);
    pthread_join(r->thread, NULL);
    forward_free(r->forward);
    uv_loop_close(&r->loop);
    uv_sem_destroy(&r->ready);
    usage_vault_stop(&r->vault);
    metrics_done(&r->metrics);
}

struct key_file forward_rig_key(const struct forward_rig *r)
{
    struct key_file k = {.name = "billing"};
    key_file_generate(&k);
    memcpy(k.server_key, r->vault.server_public, sizeof k.server_key);
    memcpy(k.endpoint, r->pull, sizeof k.endpoint);
    memcpy(k.hint, r->hint, sizeof k.hint);
    return k;
}

struct usage_client *forward_rig_client(struct forward_rig *r)
{
    struct key_file k = forward_rig_key(r);
    struct usage_client *c = NULL;
    usage_vault_add(&r->vault, &k);
    CHECK(usage_client_new(&k, &c, NULL) == OK);
    return c;
}
