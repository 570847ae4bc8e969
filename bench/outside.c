#include "bench/outside.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bench/arrivals.h"
#include "bench/ask.h"
#include "bench/daemon.h"
#include "bench/http_client.h"
#include "bench/pace.h"
#include "bench/process.h"
#include "bench/sender.h"
#include "bench/watch.h"
#include "ingest/forward/usage_client.h"
#include "proto/core/instant.h"
#include "proto/core/metric.h"

enum {
    ITEMS_A_TURN = 512,
    DATAGRAMS_A_CALL = 64,
    HTTP_CONNECTIONS = 64,
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
    int fd;                /* file or socket; -1 = HTTP */
    struct poster *poster; /* HTTP */
    size_t next;           /* item to be sent */
    pid_t pid[RESULT_PROCESSES_MAX];
};

/* --- senders: how many of the items were taken --- */

static size_t give_file(struct outside *r, size_t to)
{
    struct span bytes = stock_items(r->options->stock, r->next, to);
    return sender_write(r->fd, bytes) == OK ? to - r->next : 0;
}

static size_t give_udp(struct outside *r, size_t to)
{
    struct mmsghdr message[DATAGRAMS_A_CALL];
    struct iovec part[DATAGRAMS_A_CALL];
    size_t n = 0;
    for (; n < DATAGRAMS_A_CALL && r->next + n < to; n++) {
        struct span item = stock_item(r->options->stock, r->next + n);
        part[n] = (struct iovec){(void *)(uintptr_t)item.p, item.n};
        message[n] = (struct mmsghdr){.msg_hdr = {.msg_iov = &part[n], .msg_iovlen = 1}};
    }
    int sent = sendmmsg(r->fd, message, (unsigned)n, 0);
    return sent > 0 ? (size_t)sent : 0;
}

/* What the socket takes now; an item that was begun is finished, waiting if need be. */
static size_t give_tcp(struct outside *r, size_t to)
{
    const struct stock *s = r->options->stock;
    struct span bytes = stock_items(s, r->next, to);
    ssize_t n = send(r->fd, bytes.p, bytes.n, MSG_DONTWAIT | MSG_NOSIGNAL);
    size_t end = s->item[r->next].at + (n > 0 ? (size_t)n : 0), i = r->next;
    while (i < to && s->item[i].at + s->item[i].bytes <= end)
        i++;
    if (i == to || s->item[i].at == end)
        return i - r->next;
    struct span rest = span_from(stock_item(s, i), end - s->item[i].at);
    return sender_put(r->fd, rest) == OK ? i + 1 - r->next : i - r->next;
}

static size_t give_http(struct outside *r, size_t to)
{
    size_t i = r->next;
    while (i < to && poster_put(r->poster, i, stock_item(r->options->stock, i)))
        i++;
    return i - r->next;
}

static size_t (*const GIVE[])(struct outside *r, size_t to) = {[OUTSIDE_FILE] = give_file,
                                                               [OUTSIDE_UDP] = give_udp,
                                                               [OUTSIDE_TCP] = give_tcp,
                                                               [OUTSIDE_HTTP] = give_http};

static void on_answered(void *arg, size_t item, unsigned status, uint64_t now_us)
{
    struct outside *r = arg;
    if (status == STATUS_STORED)
        arrivals_settle_one(&r->arrivals, item, now_us);
    else
        r->result->malformed++;
}

static enum err open_sender(struct outside *r, struct diag *d)
{
    char to[32];
    struct poster_events events = {on_answered, r};
    r->fd = -1;
    snprintf(to, sizeof to, "127.0.0.1:%u", r->daemon.hep_port);
    switch (r->options->way) {
    case OUTSIDE_FILE:
        r->fd = open(r->daemon.file, O_WRONLY | O_APPEND | O_CLOEXEC);
        return r->fd >= 0 ? OK : diag_set(d, ERR_STORE, "the feed's file cannot be written", 0);
    case OUTSIDE_UDP:
    case OUTSIDE_TCP:
        return sender_connect(to, r->options->way == OUTSIDE_TCP, &r->fd, d);
    case OUTSIDE_HTTP:
        diag_set(d, ERR_NET, "HTTP connections", 0);
        return poster_new(r->daemon.http_port, HTTP_CONNECTIONS, &events, &r->poster);
    }
    return ERR_SYNTAX;
}

static void close_sender(struct outside *r)
{
    if (r->fd >= 0)
        close(r->fd);
    r->poster = poster_free(r->poster);
}

/* --- the run --- */

/* Items that are due now, a burst at most. */
static size_t due(const struct outside *r, uint64_t start_us, uint64_t now_us)
{
    size_t to = r->next + ITEMS_A_TURN, all = r->options->stock->items_count;
    if (to > all)
        to = all;
    while (r->options->rate && to > r->next &&
           pace_due_us(start_us, to - 1, r->options->rate) > now_us)
        to--;
    return to;
}

static void note_arrivals(struct outside *r, size_t taken, uint64_t start_us, uint64_t now_us)
{
    for (; taken > 0; taken--, r->next++)
        if (r->options->stock->item[r->next].ends)
            arrivals_add(&r->arrivals, r->options->rate
                                           ? pace_due_us(start_us, r->next, r->options->rate)
                                           : now_us);
}

static enum err hear(struct outside *r, bool busy)
{
    uint64_t wait_us = busy ? 0 : PAUSE_US;
    if (r->poster)
        return poster_turn(r->poster, wait_us);
    if (wait_us)
        pace_pause_us(wait_us);
    enum err e = watch_turn(&r->watch, pace_now_us());
    arrivals_settle(&r->arrivals, r->watch.durable, pace_now_us());
    return e;
}

static enum err drive(struct outside *r)
{
    uint64_t start_us = pace_now_us(), now = start_us, moved_us = start_us;
    enum err e = OK;
    while (e == OK && r->arrivals.settled < r->options->stock->records &&
           now - moved_us < STALL_US) {
        size_t settled = r->arrivals.settled, to = due(r, start_us, now);
        size_t taken = to > r->next ? GIVE[r->options->way](r, to) : 0;
        note_arrivals(r, taken, start_us, now);
        e = hear(r, taken > 0);
        now = pace_now_us();
        if (taken || r->arrivals.settled != settled)
            moved_us = now;
    }
    r->result->wall_us = moved_us - start_us;
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
    enum { SELF = 1 };
    r->pid[0] = getpid();
    r->result->processes_count =
        SELF + process_family(r->daemon.pid, r->pid + SELF, RESULT_PROCESSES_MAX - SELF);
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
    enum err e = rows_init(&rows);
    if (e == OK)
        e = pull(r, &rows, d);
    if (e == OK)
        e = result_compare(r->result, &r->options->stock->truth, &rows);
    rows_done(&rows);
    return e;
}

/* --- all of it --- */

static enum err prepare(struct outside *r, struct diag *d)
{
    static const char *const KIND[STOCK_KINDS] = {"asterisk_csv", "hep", "freeswitch_json"};
    const struct outside_options *o = r->options;
    struct daemon_options options = {.place = o->place,
                                     .feed_kind = KIND[o->stock->kind],
                                     .port_offset = o->port_offset,
                                     .workers = o->workers,
                                     .cpnid = o->cpnid,
                                     .npa_path = o->npa_path};
    struct ask ask = {.link = NULL};
    enum err e = daemon_start(&options, &r->daemon, d);
    if (e != OK)
        return e;
    diag_set(d, OK, "the directory cannot be imported", 0);
    e = vault_link_connect(r->daemon.socket, ask_frame, &ask, &ask.link);
    if (e == OK)
        e = ask_import(&ask, o->customers);
    if (e == OK)
        e = ask_consumer(&ask, &r->key);
    vault_link_free(ask.link);
    if (e == OK)
        e = watch_open(&r->watch, r->daemon.socket);
    return e == OK ? open_sender(r, d) : e;
}

static enum err measure(struct outside *r, struct diag *d)
{
    struct result_process before[RESULT_PROCESSES_MAX];
    find_processes(r);
    sample(r, before);
    diag_set(d, OK, "the daemon went away", 0);
    enum err e = drive(r);
    charge(r, before);
    r->result->sent_items = r->next;
    r->result->durable = r->arrivals.settled;
    r->result->latency = r->arrivals.latency;
    if (r->poster)
        r->result->answers_503 = poster_refused(r->poster);
    if (e == OK)
        e = read_metrics(r);
    return e == OK ? compare(r, d) : e;
}

enum err outside_run(const struct outside_options *o, struct result *out, struct diag *d)
{
    struct outside *r = calloc(1, sizeof *r);
    if (!r)
        return ERR_NOMEM;
    r->options = o;
    r->result = out;
    r->fd = -1;
    enum err e = arrivals_init(&r->arrivals, o->stock->records);
    if (e == OK)
        e = prepare(r, d);
    if (e == OK)
        e = measure(r, d);
    close_sender(r);
    watch_close(&r->watch);
    if (r->daemon.pid > 0) {
        enum err stopped = daemon_stop(&r->daemon);
        if (e == OK && stopped != OK)
            e = diag_set(d, stopped, "cpnid did not end cleanly", 0);
    }
    out->disk_bytes = process_tree_bytes(o->place->state);
    arrivals_done(&r->arrivals);
    key_file_wipe(&r->key);
    free(r);
    return e;
}
