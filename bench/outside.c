#include "bench/outside.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "bench/arrivals.h"
#include "bench/ask.h"
#include "bench/process.h"
#include "bench/throttle.h"
#include "bench/watch.h"
#include "ingest/forward/usage_client.h"
#include "proto/core/instant.h"
#include "proto/core/metric.h"

enum {
    SELF = 0, /* index of this process among those that are measured */
    PAUSE_US = 250,
    STALL_US = 10 * US_PER_S, /* nothing new is durable: something was lost */
    CALL_MS = 10000,
    STATUS_STORED = 200
};

struct outside {
    const struct outside_options *options;
    struct result *result;
    struct daemon daemon;
    struct watch watch;
    struct arrivals arrivals;
    struct key_file key;
    struct lane lane[OUTSIDE_LANES_MAX];
    uint64_t records; /* of all lanes */
    bool answered;    /* each record's answer is seen: the only lane is of HTTP */
    struct throttle throttle;
    pid_t pid[RESULT_PROCESSES_MAX];
    uint64_t start_us, cpu_before_us; /* of the run */
};

static void on_answered(void *arg, size_t item, unsigned status, uint64_t now_us)
{
    struct outside *r = arg;
    if (status == STATUS_STORED && r->answered)
        arrivals_settle_one(&r->arrivals, item, now_us);
    else if (status != STATUS_STORED)
        r->result->malformed++;
}

/* --- the run --- */

static void note_arrivals(struct outside *r, const struct lane *l, size_t from, uint64_t now_us)
{
    for (size_t i = from; i < l->next; i++)
        if (l->stock->item[i].ends)
            arrivals_add(&r->arrivals, l->pace.rate ? pace_due_us(&l->pace, i) : now_us);
}

static bool send_due(struct outside *r, uint64_t now_us)
{
    bool busy = false;
    for (size_t i = 0; i < r->options->lanes_count; i++) {
        struct lane *l = &r->lane[i];
        size_t from = l->next;
        busy |= lane_send(l, now_us) > 0;
        note_arrivals(r, l, from, now_us);
    }
    return busy;
}

static enum err hear(struct outside *r, bool busy)
{
    uint64_t wait_us = busy ? 0 : PAUSE_US;
    enum err e = OK;
    for (size_t i = 0; e == OK && i < r->options->lanes_count; i++)
        if (r->lane[i].poster) {
            e = poster_turn(r->lane[i].poster, wait_us);
            wait_us = 0;
        }
    if (e != OK || r->answered)
        return e;
    if (wait_us)
        pace_pause_us(wait_us);
    e = watch_turn(&r->watch, pace_now_us());
    arrivals_settle(&r->arrivals, r->watch.durable, pace_now_us());
    return e;
}

/* What all processes but this one take. */
static void sample_moment(struct outside *r, uint64_t now_us)
{
    struct timeline_moment m = {.at_us = now_us - r->start_us, .durable = r->arrivals.settled};
    struct result_process p;
    if (!timeline_due(&r->result->timeline, m.at_us))
        return;
    for (size_t i = SELF + 1; i < r->result->processes_count; i++)
        if (process_sample(r->pid[i], &p) == OK) {
            m.rss_kib += p.rss_kib;
            m.cpu_us += p.cpu_us;
        }
    if (r->result->timeline.count == 0)
        r->cpu_before_us = m.cpu_us;
    m.cpu_us -= r->cpu_before_us;
    m.p99_us = arrivals_recent_p99(&r->arrivals);
    timeline_add(&r->result->timeline, &m);
}

static enum err drive(struct outside *r)
{
    uint64_t now = pace_now_us(), moved_us = now;
    enum err e = OK;
    r->start_us = now;
    for (size_t i = 0; i < r->options->lanes_count; i++)
        r->lane[i].pace.start_us = now;
    while (e == OK && r->arrivals.settled < r->records && now - moved_us < STALL_US) {
        size_t settled = r->arrivals.settled;
        sample_moment(r, now);
        bool busy = send_due(r, now);
        e = hear(r, busy);
        now = pace_now_us();
        if (busy || r->arrivals.settled != settled)
            moved_us = now;
    }
    r->result->wall_us = moved_us - r->start_us;
    return e;
}

/* --- costs --- */

static void sample(const struct outside *r, struct result_process *out)
{
    for (size_t i = 0; i < r->result->processes_count; i++)
        if (process_sample(r->pid[i], &out[i]) != OK)
            out[i] = (struct result_process){.name = "gone"};
}

static void find_processes(struct outside *r)
{
    r->pid[SELF] = getpid();
    r->result->processes_count =
        1 + process_family(r->daemon.pid, r->pid + 1, RESULT_PROCESSES_MAX - 1);
}

static void charge(struct outside *r, const struct result_process *before)
{
    sample(r, r->result->process);
    for (size_t i = 0; i < r->result->processes_count; i++)
        r->result->process[i].cpu_us -= before[i].cpu_us;
}

static enum err read_metrics(struct outside *r)
{
    struct buf b = buf_of(malloc(METRIC_TEXT_BYTES_MAX), METRIC_TEXT_BYTES_MAX);
    enum err e = b.p ? http_get(r->daemon.metrics_port, "/metrics", &b) : ERR_NOMEM;
    if (e == OK) {
        r->result->received = http_metric_sum(buf_span(&b), "cpnid_received_total");
        r->result->kernel_drops = http_metric_sum(buf_span(&b), "cpnid_kernel_drops_total");
        r->result->shed = http_metric_sum(buf_span(&b), "cpnid_shed_total");
        r->result->malformed = http_metric_sum(buf_span(&b), "cpnid_malformed_total");
    }
    free(b.p);
    return e;
}

/* --- totals, as billing gets them --- */

static enum err pull(struct outside *r, struct rows *out, struct diag *d)
{
    struct usage_client *client = NULL;
    struct cu1_answer a = {.rows_count = 1};
    struct cu1_request q = {CU1_PULL, span_str("usage.calls"), 0, PULL_ROWS_MAX, 0};
    snprintf(r->key.endpoint, sizeof r->key.endpoint, "tcp://127.0.0.1:%u", r->daemon.pull_port);
    enum err e = usage_client_new(&r->key, &client, d);
    while (e == OK && a.rows_count > 0) {
        e = usage_client_call(client, &q, CALL_MS, &a, d);
        if (e == OK && a.kind != CU1_ROWS)
            e = diag_set(d, ERR_DENIED, "a pull was refused", 0);
        for (size_t i = 0; e == OK && i < a.rows_count; i++)
            e = rows_take(out, &a.row[i]);
        q.cursor = a.cursor;
    }
    usage_client_free(client);
    return e;
}

/* Every record was acknowledged: a pull that comes back empty has seen it. */
static enum err compare(struct outside *r, struct diag *d)
{
    struct rows rows = {.row = NULL};
    struct truth truth = {.account = NULL};
    enum err e = rows_init(&rows);
    if (e == OK)
        e = truth_init(&truth, r->options->customers);
    for (size_t i = 0; e == OK && i < r->options->lanes_count; i++)
        truth_merge(&truth, &r->lane[i].stock->truth);
    if (e == OK)
        e = pull(r, &rows, d);
    if (e == OK)
        e = result_compare(r->result, &truth, &rows);
    truth_done(&truth);
    rows_done(&rows);
    return e;
}

/* --- all of it --- */

static enum err open_lanes(struct outside *r, struct diag *d)
{
    struct poster_events events = {on_answered, r};
    enum err e = OK;
    for (size_t i = 0; e == OK && i < r->options->lanes_count; i++) {
        r->lane[i] = r->options->lane[i];
        e = lane_open(&r->lane[i], &r->daemon, &events, d);
    }
    return e;
}

static enum err start(struct outside *r, struct diag *d)
{
    static const char *const KIND[STOCK_KINDS] = {"asterisk_csv", "hep", "freeswitch_json"};
    const struct outside_options *o = r->options;
    const char *kind[OUTSIDE_LANES_MAX];
    struct daemon_options options = {.place = o->place,
                                     .feed_kind = kind,
                                     .feeds_count = o->lanes_count,
                                     .port_offset = o->port_offset,
                                     .workers = o->workers,
                                     .cpnid = o->cpnid,
                                     .npa_path = o->npa_path};
    for (size_t i = 0; i < o->lanes_count; i++)
        kind[i] = KIND[o->lane[i].stock->kind];
    return daemon_start(&options, &r->daemon, d);
}

static enum err prepare(struct outside *r, struct diag *d)
{
    struct ask ask = {.link = NULL};
    enum err e = start(r, d);
    if (e != OK)
        return e;
    diag_set(d, OK, "the directory cannot be imported", 0);
    e = vault_link_connect(r->daemon.socket, ask_frame, &ask, &ask.link);
    if (e == OK)
        e = ask_import(&ask, r->options->customers);
    if (e == OK)
        e = ask_consumer(&ask, &r->key);
    vault_link_free(ask.link);
    if (e == OK)
        e = watch_open(&r->watch, r->daemon.socket);
    return e == OK ? open_lanes(r, d) : e;
}

static void sum_lanes(struct outside *r)
{
    struct result *out = r->result;
    out->items = out->bytes = out->sent_items = 0;
    for (size_t i = 0; i < r->options->lanes_count; i++) {
        const struct lane *l = &r->lane[i];
        out->items += l->stock->items_count;
        out->bytes += l->stock->bytes;
        out->sent_items += l->next;
        if (l->poster)
            out->answers_503 += poster_refused(l->poster);
    }
}

static enum err read_back(struct outside *r, struct diag *d)
{
    struct ask ask = {.link = NULL};
    struct readback_options o = {.customers = r->options->customers, .reads = r->options->reads};
    diag_set(d, OK, "calls cannot be read back", 0);
    enum err e = o.reads ? vault_link_connect(r->daemon.socket, ask_frame, &ask, &ask.link) : OK;
    if (e == OK && o.reads)
        e = readback_run(&ask, &o, &r->result->readback);
    vault_link_free(ask.link);
    return e;
}

static enum err slow_down(struct outside *r, struct diag *d)
{
    const struct outside_options *o = r->options;
    struct throttle_options t = {.root = THROTTLE_ROOT,
                                 .dir = o->place->state,
                                 .bytes_per_s = o->disk_bytes_per_s,
                                 .pid = r->pid + 1,
                                 .pids_count = r->result->processes_count - 1};
    return t.bytes_per_s ? throttle_begin(&t, &r->throttle, d) : OK;
}

static enum err measure(struct outside *r, struct diag *d)
{
    struct result_process before[RESULT_PROCESSES_MAX];
    find_processes(r);
    enum err e = slow_down(r, d);
    if (e != OK)
        return e;
    sample(r, before);
    diag_set(d, OK, "the daemon went away", 0);
    e = drive(r);
    charge(r, before);
    sum_lanes(r);
    r->result->durable = r->arrivals.settled;
    r->result->latency = r->arrivals.latency;
    if (e == OK)
        e = read_metrics(r);
    if (e == OK)
        e = read_back(r, d);
    return e == OK ? compare(r, d) : e;
}

enum err outside_run(const struct outside_options *o, struct result *out, struct diag *d)
{
    struct outside *r = calloc(1, sizeof *r);
    if (!r)
        return ERR_NOMEM;
    r->options = o;
    r->result = out;
    r->answered = o->lanes_count == 1 && o->lane[0].way == LANE_HTTP;
    for (size_t i = 0; i < o->lanes_count; i++) {
        r->lane[i].fd = -1;
        r->records += o->lane[i].stock->records;
    }
    enum err e = arrivals_init(&r->arrivals, r->records);
    if (e == OK)
        e = prepare(r, d);
    if (e == OK)
        e = measure(r, d);
    for (size_t i = 0; i < o->lanes_count; i++)
        lane_close(&r->lane[i]);
    watch_close(&r->watch);
    if (r->daemon.pid > 0) {
        enum err stopped = daemon_stop(&r->daemon);
        if (e == OK && stopped != OK)
            e = diag_set(d, stopped, "cpnid did not end cleanly", 0);
    }
    throttle_end(&r->throttle);
    out->disk_bytes = process_tree_bytes(o->place->state);
    arrivals_done(&r->arrivals);
    key_file_wipe(&r->key);
    free(r);
    return e;
}
