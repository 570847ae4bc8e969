#include "bench/inside.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <unistd.h>

#include "bench/arrivals.h"
#include "bench/ask.h"
#include "bench/pace.h"
#include "bench/process.h"
#include "ingest/pipe/cdr_feed.h"
#include "ingest/pipe/hep_feed.h"
#include "ingest/pipe/uplink.h"
#include "proto/core/check.h"
#include "proto/core/instant.h"
#include "vault/local.h"

enum {
    FLUSH_US = 5 * US_PER_MS, /* the default of cpnid */
    TICK_US = 100 * US_PER_MS,
    CHECKPOINT_MS = 200,
    SEQ_SLOTS = 2 * OUTLET_QUEUE_MAX
};

/* The vault behind a link that makes a group commit of all that was sent before receive(). */
struct group_link {
    struct vault_link link;
    struct vault *vault;
    struct session *session;
    struct stages *stages;
};

struct inside {
    const struct inside_options *options;
    struct vault *vault;
    struct group_link group;
    struct uplink_feed hello;
    struct uplink *uplink;
    struct pipe pipe;
    struct npa_table npa;
    struct ingest_feed conf;
    struct pipe_feed feed;
    struct cdr_scratch *scratch;
    struct hep_feed *hep;
    struct arrivals arrivals;
    struct stages stages;
    uint64_t noted_seq;
    uint64_t upto[SEQ_SLOTS]; /* records up to the end of the batch of that number */
    uint64_t refused;
    uint64_t dirty_us, ticked_us; /* as in ingestd */
};

/* --- the link --- */

static enum err group_send(struct vault_link *l, enum frame_type type, uint32_t id,
                           struct span payload)
{
    struct group_link *g = (struct group_link *)(void *)l;
    struct frame f = {type, id, payload};
    enum stage before = stage_enter(g->stages, STAGE_SEAL);
    enum err e = session_frame(g->session, &f);
    stage_enter(g->stages, before);
    return e;
}

static enum err group_receive(struct vault_link *l)
{
    struct group_link *g = (struct group_link *)(void *)l;
    enum stage before = stage_enter(g->stages, STAGE_COMMIT);
    enum err e = vault_flush(g->vault);
    stage_enter(g->stages, STAGE_KEEP);
    for (bool more = true; e == OK && more;)
        e = vault_work(g->vault, &more);
    if (e == OK)
        e = vault_tick(g->vault);
    stage_enter(g->stages, before);
    return e;
}

static int group_fd(const struct vault_link *l)
{
    (void)l;
    return -1;
}

static void group_free(struct vault_link *l)
{
    session_free(((struct group_link *)(void *)l)->session);
}

static const struct vault_link_ops GROUP = {group_send, group_receive, group_fd, group_free};

static void on_reply(void *arg, const struct frame *f)
{
    uplink_frame(((struct inside *)arg)->uplink, f);
}

static enum err open_link(struct inside *r)
{
    struct peer worker = {.ingest = true, .worker = true};
    r->group.link = (struct vault_link){&GROUP, uplink_frame, r->uplink};
    r->group.vault = r->vault;
    r->group.stages = &r->stages;
    return session_new(r->vault, &worker, on_reply, r, &r->group.session);
}

/* --- sending --- */

/* Everything sent becomes durable, and what the receipts say is noted. */
static enum err converse(struct inside *r)
{
    struct outlet *o = uplink_outlet(r->uplink);
    enum err e = uplink_turn(r->uplink);
    if (e == OK)
        e = group_receive(&r->group.link);
    arrivals_settle(&r->arrivals, r->upto[outlet_durable(o) % SEQ_SLOTS], pace_now_us());
    return e;
}

/* Saved dialogs fill batches, too: one without a record holds all that are before it. */
static void note_batches(struct inside *r)
{
    uint64_t seq = outlet_seq(uplink_outlet(r->uplink));
    for (uint64_t s = r->noted_seq; s <= seq; s++)
        if (s > r->noted_seq || s == seq)
            r->upto[s % SEQ_SLOTS] = r->pipe.records;
    r->noted_seq = seq;
}

static enum err make_room(struct inside *r)
{
    enum err e = OK;
    while (e == OK && !outlet_room(uplink_outlet(r->uplink)))
        e = converse(r);
    return e;
}

/* As a worker does at the end of each turn: dialogs and the open batch when they are due. */
static enum err flush_when_due(struct inside *r, uint64_t now)
{
    struct outlet *o = uplink_outlet(r->uplink);
    bool dirty = r->hep && hep_feed_dirty(r->hep);
    if (dirty && !r->dirty_us)
        r->dirty_us = now;
    bool dialogs_due = r->dirty_us && now - r->dirty_us >= FLUSH_US;
    if (!dialogs_due && outlet_due_us(o, FLUSH_US, now) > 0)
        return OK;
    if (r->dirty_us)
        hep_feed_checkpoint(r->hep, false);
    r->dirty_us = 0;
    note_batches(r);
    outlet_close_batch(o);
    return converse(r);
}

static enum err take(struct inside *r, struct span item)
{
    struct cdr_posted posted;
    size_t used;
    enum err e = OK;
    switch (r->options->stock->kind) {
    case STOCK_CSV:
        return cdr_feed_line(&r->pipe, &r->feed, r->scratch, item, true, &used);
    case STOCK_HEP:
        hep_feed_frame(r->hep, item);
        return OK;
    case STOCK_JSON:
        e = cdr_feed_body(&r->pipe, &r->feed, r->scratch, item, &posted);
        r->refused += e == ERR_SYNTAX || e == ERR_NOTFOUND;
        return e == ERR_SYNTAX || e == ERR_NOTFOUND ? OK : e;
    case STOCK_KINDS:
        break;
    }
    return ERR_SYNTAX;
}

static enum err take_item(struct inside *r, size_t i, uint64_t arrived_us)
{
    uint64_t before = r->pipe.records;
    enum err e = make_room(r);
    enum stage bench = stage_enter(&r->stages, STAGE_READ);
    if (e == OK)
        e = take(r, stock_item(r->options->stock, i));
    stage_enter(&r->stages, bench);
    for (; before < r->pipe.records; before++)
        arrivals_add(&r->arrivals, arrived_us);
    note_batches(r);
    return e;
}

static enum err wait_until(struct inside *r, uint64_t due_us)
{
    enum err e = OK;
    for (uint64_t now; e == OK && (now = pace_now_us()) < due_us;) {
        uint64_t flush = now + outlet_due_us(uplink_outlet(r->uplink), FLUSH_US, now);
        e = flush_when_due(r, now);
        pace_until_us(flush > now && flush < due_us ? flush : due_us);
    }
    return e;
}

static enum err settle(struct inside *r)
{
    enum err e = OK;
    if (r->hep)
        hep_feed_checkpoint(r->hep, true);
    note_batches(r);
    outlet_close_batch(uplink_outlet(r->uplink));
    while (e == OK && !outlet_idle(uplink_outlet(r->uplink)))
        e = converse(r);
    return e;
}

/* Not inlined, so that a profile can be cut to what is measured (README). */
__attribute__((noinline)) static enum err feed_all(struct inside *r, uint64_t start_us)
{
    const struct inside_options *o = r->options;
    struct pace pace = o->pace;
    pace.start_us = start_us;
    enum err e = OK;
    for (size_t i = 0; e == OK && i < o->stock->items_count; i++) {
        uint64_t due = pace_due_us(&pace, i), now = pace_now_us();
        if (pace.rate && now < due)
            e = wait_until(r, due);
        if (r->hep && now - r->ticked_us >= TICK_US) {
            r->ticked_us = now;
            hep_feed_tick(r->hep);
        }
        if (e == OK)
            e = take_item(r, i, pace.rate ? due : now);
        if (e == OK)
            e = flush_when_due(r, now);
    }
    return e == OK ? settle(r) : e;
}

/* --- setting up --- */

static void on_welcome(void *arg, size_t feed, uint16_t id, enum feed_kind kind,
                       struct reader *cursors)
{
    struct inside *r = arg;
    (void)feed, (void)cursors, (void)kind;
    r->feed.id = id;
}

static void on_live(void *arg, struct span key, struct span value)
{
    (void)arg, (void)key, (void)value; /* the vault is new */
}

static void on_refused(void *arg, const struct pipe_feed *f, enum metric id, enum reason reason,
                       const struct diag *d)
{
    struct inside *r = arg;
    (void)f, (void)reason, (void)d;
    r->refused += id != METRIC_IGNORED;
}

static enum err open_feed(struct inside *r, struct diag *d)
{
    static const enum feed_kind KIND[STOCK_KINDS] = {[STOCK_CSV] = FEED_ASTERISK_CSV,
                                                     [STOCK_HEP] = FEED_HEP,
                                                     [STOCK_JSON] = FEED_FREESWITCH_JSON};
    const struct stock *stock = r->options->stock;
    struct hep_feed_options hep = {.limits = {.checkpoint_ms = CHECKPOINT_MS}};
    size_t line;
    r->conf = (struct ingest_feed){INGEST_FEED_DEFAULTS, .name = "bench", .kind = KIND[stock->kind],
                                   .timezone = "UTC"};
    enum err e = r->options->npa.n ? npa_load(r->options->npa, &r->npa, &line, d) : OK;
    if (e == OK)
        e = pipe_feed_init(&r->feed, &r->conf, 0, &r->npa, d);
    if (e == OK)
        e = cdr_scratch_new(&r->scratch);
    if (e == OK && stock->kind == STOCK_HEP)
        e = hep_feed_new(&r->pipe, &r->feed, &hep, &r->hep);
    return e;
}

static enum err open_pipe(struct inside *r)
{
    struct uplink_options o = {
        .feed = &r->hello, .feeds_count = 1, .events = {on_welcome, on_live, r}};
    r->hello = (struct uplink_feed){span_str(r->conf.name), r->conf.kind};
    if (getrandom(&o.first_id, sizeof o.first_id, 0) != sizeof o.first_id)
        return ERR_NOMEM;
    enum err e = uplink_new(&o, &r->uplink);
    if (e == OK)
        e = pipe_init(&r->pipe, uplink_outlet(r->uplink), &CLOCK_SYSTEM, NULL);
    r->pipe.refused = on_refused;
    r->pipe.refused_arg = r;
    if (e == OK)
        e = open_link(r);
    if (e == OK)
        uplink_attach(r->uplink, &r->group.link);
    while (e == OK && !uplink_ready(r->uplink))
        e = converse(r);
    return e;
}

static enum err open_vault(struct inside *r, struct ask *ask, struct key_file *key, struct diag *d)
{
    static const struct peer EVERYBODY = {.roles = (role_set)-1, .forward = true};
    struct vault_options o;
    if (chdir(r->options->place->state) != 0)
        return diag_set(d, ERR_STORE, "the state directory cannot be entered", 0);
    vault_options_default(&o);
    enum err e = vault_open(&o, &r->vault, d);
    if (e == OK)
        e = vault_link_local(r->vault, &EVERYBODY, ask_frame, ask, &ask->link);
    if (e == OK)
        e = ask_import(ask, r->options->customers);
    return e == OK ? ask_consumer(ask, key) : e;
}

/* --- measuring --- */

static uint64_t cpu_us(void)
{
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    return (uint64_t)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) * US_PER_S +
           (uint64_t)(u.ru_utime.tv_usec + u.ru_stime.tv_usec);
}

/* The input is in this process too; it is known, and taken off. */
static void measure_memory(const struct inside *r, struct result *out)
{
    struct result_process *p = &out->process[0];
    uint64_t cpu = p->cpu_us,
             stock_kib = (r->options->stock->bytes +
                          r->options->stock->items_count * sizeof(struct stock_item)) /
                         1024;
    if (process_sample(getpid(), p) != OK)
        return;
    p->cpu_us = cpu;
    p->rss_max_kib -= stock_kib < p->rss_max_kib ? stock_kib : 0;
    out->processes_count = 1;
}

static enum err measured(struct inside *r, struct result *out)
{
    uint64_t start = pace_now_us(), cpu = cpu_us();
    stage_begin(&r->stages);
    enum err e = feed_all(r, start);
    stage_enter(&r->stages, STAGE_BENCH);
    out->stages = r->stages;
    out->wall_us = pace_now_us() - start;
    out->process[0].cpu_us = cpu_us() - cpu;
    out->sent_items = out->received = r->options->stock->items_count;
    out->durable = r->arrivals.settled;
    out->malformed = r->refused;
    out->latency = r->arrivals.latency;
    measure_memory(r, out);
    return e;
}

/* Every record was acknowledged: a pull that comes back empty has seen it. */
static enum err compare(struct inside *r, struct ask *ask, const struct key_file *key,
                        struct result *out)
{
    struct rows rows = {.row = NULL};
    enum err e = rows_init(&rows);
    if (e == OK)
        e = ask_totals(ask, key, &rows);
    if (e == OK)
        e = result_compare(out, &r->options->stock->truth, &rows);
    rows_done(&rows);
    return e;
}

static void done(struct inside *r)
{
    hep_feed_free(r->hep);
    cdr_scratch_free(r->scratch);
    pipe_done(&r->pipe);
    uplink_free(r->uplink);
    if (r->group.session)
        group_free(&r->group.link);
    arrivals_done(&r->arrivals);
    free(r);
}

static enum err run(struct inside *r, struct result *out, struct diag *d)
{
    const struct inside_options *o = r->options;
    struct ask ask = {.link = NULL};
    struct key_file key = {.name = "bench"};
    enum err e = arrivals_init(&r->arrivals, o->stock->records);
    if (e == OK)
        e = open_vault(r, &ask, &key, d);
    if (e == OK)
        e = open_feed(r, d);
    if (e == OK)
        e = open_pipe(r);
    if (e == OK)
        e = measured(r, out);
    if (e == OK)
        e = compare(r, &ask, &key, out);
    struct vault *vault = r->vault;
    done(r);
    vault_link_free(ask.link);
    vault_close(vault, e == OK);
    key_file_wipe(&key);
    return e;
}

enum err inside_run(const struct inside_options *o, struct result *out, struct diag *d)
{
    int here = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    struct inside *r = calloc(1, sizeof *r);
    enum err e = here >= 0 && r ? OK : ERR_NOMEM;
    diag_set(d, OK, "", 0);
    if (e == OK) {
        r->options = o;
        e = run(r, out, d);
    } else {
        free(r);
    }
    if (here >= 0 && (fchdir(here) != 0 || close(here) != 0) && e == OK)
        e = diag_set(d, ERR_STORE, "the working folder is gone", 0);
    out->disk_bytes = process_tree_bytes(o->place->state);
    return e;
}
