#include "ingest/ingestd.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <unistd.h>

#include "ingest/intake.h"
#include "ingest/pipe/uplink.h"
#include "proto/core/check.h"
#include "proto/core/instant.h"

enum { EXIT_DRAINED = 0, EXIT_BROKEN = 1, EXIT_CONFIGURATION = 78, TICK_MS = 100 };

struct worker {
    const struct ingestd_options *conf;
    char role[16];
    struct refusal_log log;
    struct npa_table npa;
    struct uplink_feed hello[FEEDS_MAX];
    struct vault_link *link;
    struct uplink *uplink;
    struct pipe pipe;
    struct intake *intake;

    uv_loop_t loop;
    uv_poll_t vault;   /* frames of the vault */
    int vault_events;  /* what it is polled for */
    uv_timer_t flush;  /* when the open batch is due */
    uv_timer_t tick;   /* dialogs' timers */
    uv_prepare_t turn; /* behind all events, before the loop waits */
    uv_signal_t term;

    uint64_t resent;   /* batches, as far as the metrics know */
    bool opened;       /* the sources run */
    uint64_t dirty_us; /* since when dialogs wait to be saved; 0 = none do */
    uint64_t drain_us; /* SIGTERM: until when to wait for receipts; 0 = not draining */
    bool last_closed;  /* draining: everything that was received is in a closed batch */
    bool closing;
    int exit_code;
};

static uint64_t now_us(void)
{
    return clock_mono_us(&CLOCK_SYSTEM);
}

/* --- the end --- */

static void close_all(struct worker *w, int exit_code)
{
    if (w->closing)
        return;
    w->closing = true;
    w->exit_code = exit_code;
    intake_close(w->intake);
    uv_handle_t *const HANDLES[] = {(uv_handle_t *)&w->vault, (uv_handle_t *)&w->flush,
                                    (uv_handle_t *)&w->tick, (uv_handle_t *)&w->turn,
                                    (uv_handle_t *)&w->term};
    for (size_t i = 0; i < sizeof HANDLES / sizeof HANDLES[0]; i++)
        uv_close(HANDLES[i], NULL);
}

static void fail(struct worker *w, const char *what, enum err e)
{
    refusal_log_event(&w->log, "error", "vault", NULL, what, (uint64_t)e);
    close_all(w, EXIT_BROKEN);
}

static void on_term(uv_signal_t *signal, int number)
{
    struct worker *w = signal->data;
    (void)number;
    if (w->drain_us)
        return;
    w->drain_us = now_us() + (uint64_t)w->conf->drain_ms * US_PER_MS;
    w->last_closed = !w->opened;
    if (w->opened)
        intake_stop(w->intake);
}

/* Reading may take half of drain_ms: the other half is for the receipts of what was read. */
static void close_last_batch(struct worker *w)
{
    if (!w->drain_us || w->last_closed)
        return;
    bool dry = intake_dry(w->intake);
    if (!dry && now_us() + (uint64_t)w->conf->drain_ms * US_PER_MS / 2 < w->drain_us)
        return;
    if (!dry) {
        refusal_log_event(&w->log, "error", "source", NULL,
                          "datagrams are left unread: no room for them within half of drain_ms", 0);
        intake_give_up(w->intake);
    }
    intake_checkpoint(w->intake, true); /* also the calls of the last moment */
    outlet_close_batch(uplink_outlet(w->uplink));
    w->last_closed = true;
}

/* Everything that was read has its receipt, or the time for that is up. */
static void look_at_drain(struct worker *w)
{
    if (!w->drain_us)
        return;
    if (w->last_closed && outlet_idle(uplink_outlet(w->uplink)))
        close_all(w, EXIT_DRAINED);
    else if (now_us() >= w->drain_us)
        fail(w, "no receipts within drain_ms; what has none is sent again by the senders that can",
             ERR_SHUTDOWN);
}

/* --- the vault --- */

static void on_welcome(void *arg, size_t feed, uint16_t id, enum feed_kind kind,
                       struct reader *cursors)
{
    struct worker *w = arg;
    (void)kind; /* ours: we said it */
    intake_welcome(w->intake, feed, id, cursors);
}

static void on_live(void *arg, struct span key, struct span value)
{
    struct worker *w = arg;
    intake_live(w->intake, key, value);
}

static bool vault_ready(void *arg)
{
    const struct worker *w = arg;
    return uplink_ready(w->uplink) && !w->drain_us;
}

static void on_vault(uv_poll_t *poll, int status, int events)
{
    struct worker *w = poll->data;
    (void)status;
    if (!(events & UV_READABLE))
        return; /* writable: the turn sends */
    enum err e = w->link->ops->receive(w->link);
    if (e != OK)
        fail(w, "the channel broke", e);
}

static void say_ready(const struct worker *w)
{
    if (w->conf->ready_fd < 0)
        return;
    ssize_t n = write(w->conf->ready_fd, "1", 1);
    (void)n; /* nobody waits any more */
    close(w->conf->ready_fd);
}

static void open_sources(struct worker *w)
{
    struct diag d;
    w->opened = true;
    enum err e = intake_open(w->intake, &d);
    if (e == OK) {
        say_ready(w);
        return;
    }
    refusal_log_event(&w->log, "error", "source",
                      w->conf->feeds_count ? w->conf->feed[d.at].name : "", d.what, d.at);
    close_all(w, EXIT_BROKEN);
}

/* --- the turn of the loop --- */

/* Somebody waits for an answer that the open batch holds up, and the vault has not more than one
 * to be busy with: then it goes as it is. Under load it fills while that one is synced; without,
 * nobody waits flush_ms for company that does not come. */
static bool is_awaited(const struct worker *w)
{
    enum { BUSY_BATCHES = 2 }; /* one that is being synced, and the next */
    return intake_waiting(w->intake) > 0 && outlet_waiting(uplink_outlet(w->uplink)) < BUSY_BATCHES;
}

/* Dialogs that changed go into the same batch as the records of this flush, or a later one:
 * never an earlier one, for a deleted dialog must not be gone before its record is there. */
static void flush_when_due(struct worker *w)
{
    struct outlet *o = uplink_outlet(w->uplink);
    uint64_t now = now_us(), flush_us = (uint64_t)w->conf->flush_ms * US_PER_MS;
    if (intake_dirty(w->intake) && !w->dirty_us)
        w->dirty_us = now;
    bool dialogs_due = w->dirty_us && now - w->dirty_us >= flush_us && !outlet_crowded(o);
    if (!dialogs_due && outlet_due_us(o, flush_us, now) > 0) {
        if (is_awaited(w))
            outlet_close_batch(o);
        return;
    }
    if (w->dirty_us && !outlet_crowded(o)) {
        intake_checkpoint(w->intake, false);
        w->dirty_us = 0;
    }
    outlet_close_batch(o);
}

static void arm_flush(struct worker *w)
{
    uint64_t now = now_us(), flush_us = (uint64_t)w->conf->flush_ms * US_PER_MS;
    uint64_t due = outlet_due_us(uplink_outlet(w->uplink), flush_us, now);
    if (w->dirty_us) {
        uint64_t dialogs = w->dirty_us + flush_us > now ? w->dirty_us + flush_us - now : 0;
        due = dialogs < due ? dialogs : due;
    }
    if (due == UINT64_MAX)
        uv_timer_stop(&w->flush);
    else /* rounded up: a timer that is early is set again */
        uv_timer_start(&w->flush, w->flush.timer_cb, due / US_PER_MS + 1, 0);
}

static void on_turn(uv_prepare_t *prepare)
{
    struct worker *w = prepare->data;
    flush_when_due(w);
    close_last_batch(w);
    enum err e = uplink_turn(w->uplink);
    if (e != OK) {
        fail(w, "the vault refused or is gone", e);
        return;
    }
    if (uplink_ready(w->uplink) && !w->opened && !w->drain_us)
        open_sources(w);
    intake_settle(w->intake, outlet_durable(uplink_outlet(w->uplink)));
    intake_turn(w->intake);
    look_at_drain(w);
    if (w->closing)
        return;
    int events = UV_READABLE | (uplink_blocked(w->uplink) ? UV_WRITABLE : 0);
    if (events != w->vault_events) /* each change is a system call */
        uv_poll_start(&w->vault, events, on_vault);
    w->vault_events = events;
    arm_flush(w);
}

static void on_flush(uv_timer_t *timer)
{
    (void)timer; /* wakes the loop; the turn looks at what is due */
}

static void on_tick(uv_timer_t *timer)
{
    struct worker *w = timer->data;
    const struct outlet *o = uplink_outlet(w->uplink);
    /* Many calls may end by one tick: not while there is no room for them. */
    if (w->opened && outlet_room(o))
        intake_tick(w->intake);
    intake_show_behind(w->intake);
    metric_set(w->conf->metrics, METRIC_BATCHES_IN_FLIGHT, outlet_waiting(o));
    metric_add(w->conf->metrics, METRIC_BATCHES_RESENT, outlet_counts(o)->resent - w->resent);
    w->resent = outlet_counts(o)->resent;
}

/* --- setting up --- */

static void start_handles(struct worker *w)
{
    uv_loop_init(&w->loop);
    uv_poll_init(&w->loop, &w->vault, w->link->ops->fd(w->link));
    uv_timer_init(&w->loop, &w->flush);
    uv_timer_init(&w->loop, &w->tick);
    uv_prepare_init(&w->loop, &w->turn);
    uv_signal_init(&w->loop, &w->term);
    w->vault.data = w->flush.data = w->tick.data = w->turn.data = w->term.data = w;
    uv_timer_start(&w->flush, on_flush, 0, 0);
    uv_timer_start(&w->tick, on_tick, TICK_MS, TICK_MS);
    uv_prepare_start(&w->turn, on_turn);
    uv_signal_start(&w->term, on_term, SIGTERM);
    /* The terminal's signals and reloading are the parent's; a peer that went away is an error
     * of its write. */
    signal(SIGINT, SIG_IGN);
    signal(SIGHUP, SIG_IGN);
    signal(SIGPIPE, SIG_IGN);
}

static enum err load_npa(struct worker *w, struct diag *d)
{
    size_t line = 0;
    if (w->conf->npa.n == 0)
        return OK; /* every area code is unknown */
    enum err e = npa_load(w->conf->npa, &w->npa, &line, d);
    d->at = line;
    return e;
}

static enum err make_uplink(struct worker *w)
{
    struct uplink_options o = {
        .feed = w->hello, .feeds_count = w->conf->feeds_count, .events = {on_welcome, on_live, w}};
    if (getrandom(&o.first_id, sizeof o.first_id, 0) != sizeof o.first_id)
        return ERR_NOMEM;
    for (size_t i = 0; i < w->conf->feeds_count; i++)
        w->hello[i] = (struct uplink_feed){span_str(w->conf->feed[i].name), w->conf->feed[i].kind};
    return uplink_new(&o, &w->uplink);
}

static enum err make_intake(struct worker *w, struct diag *d)
{
    struct intake_options o = {.conf = w->conf,
                               .loop = &w->loop,
                               .pipe = &w->pipe,
                               .npa = &w->npa,
                               .log = &w->log,
                               .vault_ready = vault_ready,
                               .arg = w};
    if (getrandom(&o.seed, sizeof o.seed, 0) != sizeof o.seed)
        return ERR_NOMEM;
    return intake_new(&o, &w->intake, d);
}

static enum err worker_init(struct worker *w, const struct ingestd_options *conf, struct diag *d)
{
    w->conf = conf;
    w->exit_code = EXIT_BROKEN;
    snprintf(w->role, sizeof w->role, "ingest%u", conf->worker);
    w->log = (struct refusal_log){.fd = STDERR_FILENO, .role = w->role, .clock = &CLOCK_SYSTEM};
    if (conf->feeds_count > FEEDS_MAX || conf->workers == 0)
        return diag_set(d, ERR_LIMIT, "too many feeds, or no workers", 0);
    enum err e = load_npa(w, d);
    if (e == OK)
        e = make_uplink(w);
    if (e == OK)
        e = pipe_init(&w->pipe, uplink_outlet(w->uplink), &CLOCK_SYSTEM, conf->metrics);
    if (e == OK)
        e = make_intake(w, d);
    w->pipe.refused = refusal_log;
    w->pipe.refused_arg = &w->log;
    return e;
}

static void worker_done(struct worker *w)
{
    intake_free(w->intake);
    pipe_done(&w->pipe);
    uplink_free(w->uplink);
    vault_link_free(w->link);
    free(w);
}

static int serve(struct worker *w)
{
    if (vault_link_remote(w->conf->vault_fd, uplink_frame, w->uplink, &w->link) != OK)
        return EXIT_BROKEN;
    start_handles(w);
    uplink_attach(w->uplink, w->link);
    uv_run(&w->loop, UV_RUN_DEFAULT);
    CHECK(uv_loop_close(&w->loop) == 0); /* every handle was closed */
    return w->exit_code;
}

int ingestd_run(const struct ingestd_options *options)
{
    struct diag d = {"out of memory", 0};
    struct worker *w = calloc(1, sizeof *w);
    if (!w)
        return EXIT_BROKEN;
    enum err e = worker_init(w, options, &d);
    int code = EXIT_CONFIGURATION;
    if (e == OK)
        code = serve(w);
    else
        refusal_log_event(&w->log, "error", "configuration", NULL, d.what, d.at);
    worker_done(w);
    return e == ERR_NOMEM ? EXIT_BROKEN : code;
}
