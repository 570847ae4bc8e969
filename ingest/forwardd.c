#include "ingest/forwardd.h"

#include <signal.h>
#include <stdio.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include "ingest/forward/forward.h"
#include "proto/core/logfmt.h"

enum { ENDPOINT_BYTES = 128 };

struct forwardd {
    uv_loop_t loop;
    uv_signal_t term;
    struct forward *forward;
    int ready_fd;
    int exit_code;
};

static int64_t wall_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static void log_failure(enum err e, const char *what)
{
    struct logfmt l;
    logfmt_begin(&l, wall_us(), "error", "forward", "failed");
    logfmt_str(&l, "what", what);
    logfmt_str(&l, "error", err_name(e));
    struct span line = logfmt_end(&l);
    if (write(STDERR_FILENO, line.p, line.n) < 0)
        return; /* nobody listens: the exit code says the rest */
}

static void on_ready(void *arg)
{
    struct forwardd *d = arg;
    if (d->ready_fd >= 0 && write(d->ready_fd, "r", 1) != 1)
        log_failure(ERR_NET, "nobody hears that forward is ready");
}

static void on_failed(void *arg, enum err e, const char *what)
{
    struct forwardd *d = arg;
    log_failure(e, what);
    d->exit_code = 1;
    uv_stop(&d->loop);
}

static void on_term(uv_signal_t *signal, int number)
{
    (void)number;
    uv_stop(signal->loop);
}

/* Stopped by on_term() or on_failed(); then the handles close, then the parts go. */
static void serve(struct forwardd *d)
{
    uv_signal_init(&d->loop, &d->term);
    uv_signal_start(&d->term, on_term, SIGTERM);
    if (d->exit_code == 0)
        uv_run(&d->loop, UV_RUN_DEFAULT);
    forward_stop(d->forward);
    uv_close((uv_handle_t *)&d->term, NULL);
    uv_run(&d->loop, UV_RUN_DEFAULT);
    forward_free(d->forward);
}

int forwardd_run(const struct forwardd_options *o)
{
    struct forwardd d = {.ready_fd = o->ready_fd};
    char pull[ENDPOINT_BYTES], hint[ENDPOINT_BYTES];
    struct forward_options fo = {
        .pull_endpoint = pull, .hint_endpoint = hint, .metrics = o->metrics};
    struct forward_events events = {on_ready, on_failed, &d};
    snprintf(pull, sizeof pull, "tcp://%s", o->pull_address);
    snprintf(hint, sizeof hint, "tcp://%s", o->hint_address);
    if (getrandom(&fo.first_id, sizeof fo.first_id, 0) != sizeof fo.first_id ||
        uv_loop_init(&d.loop) != 0) {
        log_failure(ERR_NOMEM, "no loop");
        close(o->vault_fd);
        return 1;
    }
    enum err e = forward_new(&d.loop, o->vault_fd, &fo, &events, &d.forward);
    if (e == OK) {
        serve(&d);
    } else {
        log_failure(e, "forward cannot start");
        d.exit_code = 1;
    }
    uv_loop_close(&d.loop);
    return d.exit_code;
}
