#include "ingest/intake.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ingest/pipe/cdr_feed.h"
#include "ingest/pipe/hep_feed.h"
#include "ingest/source/follow.h"
#include "ingest/source/http.h"
#include "ingest/source/tcp.h"
#include "ingest/source/udp.h"

enum {
    LINGER_MS = 1000,       /* a rotated file that has been quiet for so long is done */
    HTTP_WAIT_MS = 10000,   /* for a receipt; the sender's session waits, so not for ever */
    HEAD_BYTES = 32 * 1024, /* of a file: more than a title line has */
};

enum { SOURCE_UDP, SOURCE_TCP, SOURCE_FILE, SOURCES_A_FEED };

/* The key of a file feed's cursor. One file a feed, so one cursor. */
static const struct span FILE_CURSOR = SPAN_LIT("file");

struct intake_feed {
    struct intake *intake;
    struct pipe_feed feed;
    struct hep_feed *hep;                  /* kind hep */
    struct source *source[SOURCES_A_FEED]; /* NULL = none */
    uint64_t connections;
    enum tail_event trouble; /* of the file, as last logged; 0 = none */
    size_t cursor_bytes;
    uint8_t cursor[CURSOR_BYTES_MAX];
};

struct intake {
    struct intake_options options;
    struct cdr_scratch *scratch;
    struct http *http;
    bool starved; /* somebody was told ERR_FULL, and is to be resumed */
    bool paused, paused_lossy;
    bool reading;  /* between intake_open() and intake_stop() */
    bool draining; /* from there to intake_close(): what UDP had received */
    size_t feeds_count;
    struct intake_feed feed[FEEDS_MAX];
};

/* --- feeds --- */

static size_t hep_feeds_count(const struct ingestd_options *conf)
{
    size_t n = 0;
    for (size_t i = 0; i < conf->feeds_count; i++)
        n += conf->feed[i].kind == FEED_HEP;
    return n;
}

static enum err feed_hep(struct intake_feed *f)
{
    struct intake *in = f->intake;
    const struct ingestd_options *conf = in->options.conf;
    size_t dialogs = conf->dialogs_max ? conf->dialogs_max : DIALOGS_MAX_DEFAULT;
    struct hep_feed_options o = {
        .limits = {.dialogs_max = dialogs / hep_feeds_count(conf),
                   .checkpoint_ms = conf->checkpoint_ms},
        .seed = in->options.seed,
        .worker = conf->worker,
    };
    return hep_feed_new(in->options.pipe, &f->feed, &o, &f->hep);
}

static enum err feed_init(struct intake *in, size_t i, struct diag *d)
{
    const struct ingest_feed *conf = &in->options.conf->feed[i];
    struct intake_feed *f = &in->feed[i];
    f->intake = in;
    enum err e = pipe_feed_init(&f->feed, conf, (unsigned)i, in->options.npa, d);
    if (e == OK && conf->kind == FEED_HEP)
        e = feed_hep(f);
    return e;
}

enum err intake_new(const struct intake_options *options, struct intake **out, struct diag *d)
{
    struct intake *in = calloc(1, sizeof *in);
    if (!in)
        return diag_set(d, ERR_NOMEM, "memory", 0);
    in->options = *options;
    in->feeds_count = options->conf->feeds_count;
    enum err e = cdr_scratch_new(&in->scratch);
    for (size_t i = 0; e == OK && i < in->feeds_count; i++) {
        e = feed_init(in, i, d);
        d->at = i;
    }
    if (e != OK) {
        intake_free(in);
        return e;
    }
    *out = in;
    return OK;
}

struct intake *intake_free(struct intake *in)
{
    if (!in)
        return NULL;
    for (size_t i = 0; i < in->feeds_count; i++) {
        for (size_t s = 0; s < SOURCES_A_FEED; s++)
            source_free(in->feed[i].source[s]);
        hep_feed_free(in->feed[i].hep);
    }
    if (in->http)
        source_free(http_source(in->http));
    cdr_scratch_free(in->scratch);
    free(in);
    return NULL;
}

void intake_welcome(struct intake *in, size_t feed, uint16_t id, struct reader *cursors)
{
    struct intake_feed *f = &in->feed[feed];
    f->feed.id = id;
    while (!in->reading && reader_more(cursors)) { /* later, ours are newer */
        struct span key = reader_lv(cursors);
        struct span value = reader_lv(cursors);
        if (!reader_ok(cursors) || !span_eq(key, FILE_CURSOR) || value.n > sizeof f->cursor)
            continue;
        memcpy(f->cursor, value.p, value.n);
        f->cursor_bytes = value.n;
    }
}

void intake_live(struct intake *in, struct span key, struct span value)
{
    uint16_t feed_id;
    unsigned worker;
    /* Fewer workers than there were: those left share the dialogs of the others. */
    if (!hep_live_key(key, &feed_id, &worker) ||
        worker % in->options.conf->workers != in->options.conf->worker)
        return;
    for (size_t i = 0; i < in->feeds_count; i++)
        if (in->feed[i].feed.id == feed_id && in->feed[i].hep)
            hep_feed_restore(in->feed[i].hep, key, value);
}

/* --- what sources give --- */

static enum err starved(struct intake *in)
{
    in->starved = true;
    return ERR_FULL;
}

/* TCP can wait, so it does as soon as the batches in flight do. */
static enum err take_stream_frame(void *arg, struct span frame)
{
    struct intake_feed *f = arg;
    if (!outlet_room(f->intake->options.pipe->outlet))
        return starved(f->intake);
    hep_feed_frame(f->hep, frame);
    return OK;
}

/* UDP cannot: dialogs absorb what comes until the queue is half full. */
static enum err take_datagram(void *arg, struct span datagram)
{
    struct intake_feed *f = arg;
    if (outlet_crowded(f->intake->options.pipe->outlet))
        return starved(f->intake);
    hep_feed_frame(f->hep, datagram);
    return OK;
}

static void on_kernel_drops(void *arg, uint64_t datagrams)
{
    struct intake_feed *f = arg;
    metric_add_at(f->intake->options.pipe->metrics, METRIC_KERNEL_DROPS, f->feed.index,
                  (enum reason)0, datagrams);
}

static void count_connection(struct intake_feed *f, bool opened)
{
    f->connections += opened ? 1 : (uint64_t)-1;
    metric_set_at(f->intake->options.pipe->metrics, METRIC_CONNECTIONS, f->feed.index,
                  f->connections);
}

static void on_tcp_event(void *arg, enum tcp_event event, const struct diag *d)
{
    struct intake_feed *f = arg;
    struct pipe *p = f->intake->options.pipe;
    switch (event) {
    case TCP_OPENED:
    case TCP_CLOSED:
        count_connection(f, event == TCP_OPENED);
        break;
    case TCP_REFUSED:
        pipe_refuse(p, &f->feed, METRIC_SHED, REASON_CONNECTIONS_FULL, d);
        break;
    case TCP_IDLE:
        pipe_refuse(p, &f->feed, METRIC_IGNORED, REASON_IDLE, d);
        break;
    case TCP_FRAMING:
    case TCP_CUT:
        pipe_refuse(p, &f->feed, METRIC_MALFORMED, REASON_FRAME, d);
        break;
    case TCP_COMPRESSION:
        pipe_refuse(p, &f->feed, METRIC_MALFORMED, REASON_COMPRESSION, d);
        break;
    }
}

static enum err take_line(void *arg, struct span in, bool at_end, size_t *used)
{
    struct intake_feed *f = arg;
    f->trouble = (enum tail_event)0;
    enum err e =
        cdr_feed_line(f->intake->options.pipe, &f->feed, f->intake->scratch, in, at_end, used);
    return e == ERR_FULL ? starved(f->intake) : e;
}

static void on_cursor(void *arg, struct span value)
{
    struct intake_feed *f = arg;
    struct pipe *p = f->intake->options.pipe;
    /* Behind a record there is room for its cursor. Should it be lost all the same, a successor
     * reads on from an earlier one, which does no harm. */
    if (outlet_cursor(p->outlet, f->feed.id, FILE_CURSOR, value, clock_mono_us(p->clock)) != OK)
        starved(f->intake);
}

/* Every look at it counts, but one line says it until something was read. */
static bool is_news(struct intake_feed *f, enum tail_event event)
{
    if (event < TAIL_FAILED)
        return true;
    metric_inc_at(f->intake->options.pipe->metrics, METRIC_FILE_UNREADABLE, f->feed.index);
    bool news = f->trouble != event;
    f->trouble = event;
    return news;
}

static void on_tail_event(void *arg, enum tail_event event, uint64_t offset)
{
    static const char *const NAME[] = {[TAIL_ROTATED] = "rotated",
                                       [TAIL_TRUNCATED] = "truncated",
                                       [TAIL_SKIPPED] = "line over the limit",
                                       [TAIL_LOST] = "unread records are gone or compressed",
                                       [TAIL_FAILED] = "cannot be read",
                                       [TAIL_DENIED] = "no permission to read it",
                                       [TAIL_NO_FILE] = "not a regular file"};
    struct intake_feed *f = arg;
    struct diag d = {NAME[event], (size_t)offset};
    if (event == TAIL_SKIPPED)
        pipe_refuse(f->intake->options.pipe, &f->feed, METRIC_MALFORMED, REASON_OVERSIZE, &d);
    else if (is_news(f, event))
        refusal_log_event(f->intake->options.log, event >= TAIL_LOST ? "error" : "info", "file",
                          f->feed.conf->name, d.what, d.at);
}

/* --- HTTP --- */

/* "/cdr/NAME"; "/cdr/freeswitch" is the first feed of that kind unless one has the name. */
static struct intake_feed *feed_of_path(struct intake *in, struct span path)
{
    static const struct span ROOT = SPAN_LIT("/cdr/");
    struct intake_feed *first = NULL;
    if (!span_starts(path, ROOT))
        return NULL;
    struct span name = span_from(path, ROOT.n);
    for (size_t i = 0; i < in->feeds_count; i++) {
        struct intake_feed *f = &in->feed[i];
        if (!cdr_feed_posts(&f->feed))
            continue;
        if (span_is(name, f->feed.conf->name))
            return f;
        if (!first && f->feed.kind == FEED_FREESWITCH_JSON)
            first = f;
    }
    return span_is(name, "freeswitch") ? first : NULL;
}

static struct http_answer answer(unsigned status, const char *text)
{
    struct http_answer a = {.status = status};
    snprintf(a.text, sizeof a.text, "%s\n", text);
    return a;
}

static struct http_answer on_route(void *arg, struct span path)
{
    struct intake *in = arg;
    const struct intake_feed *f = feed_of_path(in, path);
    if (!f)
        return answer(404, "no feed of that name takes documents");
    if (f->feed.id == 0 || !in->options.vault_ready(in->options.arg))
        return answer(503, "the vault is away, send again");
    if (!pipe_room(in->options.pipe))
        return answer(503, "no room now, send again");
    return answer(0, "");
}

/* What the sender is told once the accepted ones are durable. */
static struct http_answer verdict(const struct cdr_posted *posted)
{
    struct http_answer a = answer(200, "stored");
    if (posted->refused == 0)
        return a;
    a.status = 400;
    snprintf(a.text, sizeof a.text, "%u of %u documents refused; the first at byte %zu: %s\n",
             posted->refused, posted->refused + posted->accepted, posted->first.at,
             posted->first.what);
    return a;
}

static struct http_answer on_post(void *arg, struct span path, struct span body)
{
    struct intake *in = arg;
    struct intake_feed *f = feed_of_path(in, path);
    struct cdr_posted posted;
    struct http_answer a = on_route(in, path); /* the vault may have gone meanwhile */
    if (!f || a.status)
        return a;
    enum err e = cdr_feed_body(in->options.pipe, &f->feed, in->scratch, body, &posted);
    if (e == ERR_FULL)
        return answer(503, "no room now, send again");
    if (e == ERR_VERSION)
        return answer(415, "XML is not read, send JSON");
    if (e != OK)
        posted.refused++;
    a = verdict(&posted);
    if (posted.accepted)
        a.ticket = outlet_seq(in->options.pipe->outlet);
    return a;
}

static void on_answered(void *arg, unsigned status)
{
    static const struct {
        unsigned status;
        enum reason reason;
    } REASONS[] = {{200, REASON_STORED},
                   {400, REASON_JSON},
                   {404, REASON_NO_FEED},
                   {413, REASON_OVERSIZE},
                   {503, REASON_UNAVAILABLE}};
    struct intake *in = arg;
    enum reason reason = REASON_PROTOCOL;
    for (size_t i = 0; i < sizeof REASONS / sizeof REASONS[0]; i++)
        if (REASONS[i].status == status)
            reason = REASONS[i].reason;
    metric_inc_reason(in->options.pipe->metrics, METRIC_HTTP_ANSWERS, 0, reason);
}

/* --- opening --- */

static enum err open_udp(struct intake_feed *f)
{
    struct udp_options o = {f->feed.conf->udp_fd, take_datagram, on_kernel_drops, f};
    return udp_new(f->intake->options.loop, &o, &f->source[SOURCE_UDP]);
}

static enum err open_tcp(struct intake_feed *f)
{
    const struct ingestd_options *conf = f->intake->options.conf;
    struct tcp_options o = {.fd = f->feed.conf->tcp_fd,
                            .connections_max = conf->tcp_connections_max,
                            .idle_s = conf->tcp_idle_s,
                            .take = take_stream_frame,
                            .event = on_tcp_event,
                            .arg = f};
    return tcp_new(f->intake->options.loop, &o, &f->source[SOURCE_TCP]);
}

/* Who goes on in the midst of a file has not seen its title line. */
static void look_at_head(struct intake_feed *f)
{
    uint8_t head[HEAD_BYTES];
    const struct ingest_feed *conf = f->feed.conf;
    struct stat st;
    int fd = openat(conf->dir_fd, conf->file_name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW);
    if (fd < 0)
        return;
    ssize_t n = fstat(fd, &st) == 0 && S_ISREG(st.st_mode) ? pread(fd, head, sizeof head, 0) : 0;
    close(fd);
    cdr_feed_head(&f->feed, f->intake->scratch, span_of(head, n > 0 ? (size_t)n : 0));
}

static enum err open_file(struct intake_feed *f)
{
    const struct ingest_feed *conf = f->feed.conf;
    struct follow_options o = {
        .tail = {.dir_fd = conf->dir_fd,
                 .file_name = conf->file_name,
                 .linger_ms = LINGER_MS,
                 .clock = f->intake->options.pipe->clock,
                 .ops = {take_line, on_cursor, on_tail_event, f}},
        .dir_path = conf->dir_path,
        .poll_ms = f->intake->options.conf->file_poll_ms,
    };
    if (f->feed.map.has_title)
        look_at_head(f);
    return follow_new(f->intake->options.loop, &o, span_of(f->cursor, f->cursor_bytes),
                      &f->source[SOURCE_FILE]);
}

static enum err open_feed(struct intake_feed *f)
{
    const struct ingest_feed *conf = f->feed.conf;
    enum err e = OK;
    if (f->hep && conf->udp_fd >= 0)
        e = open_udp(f);
    if (e == OK && f->hep && conf->tcp_fd >= 0)
        e = open_tcp(f);
    if (e == OK && !f->hep && conf->dir_fd >= 0)
        e = open_file(f);
    return e;
}

static enum err open_http(struct intake *in)
{
    const struct ingestd_options *conf = in->options.conf;
    struct http_options o = {.fd = conf->http_fd,
                             .connections_max = conf->http_connections_max,
                             .body_bytes_max = conf->http_body_bytes_max,
                             .idle_s = conf->http_idle_s,
                             .wait_ms = HTTP_WAIT_MS,
                             .retry_after_s = conf->retry_after_s,
                             .route = on_route,
                             .post = on_post,
                             .answered = on_answered,
                             .arg = in};
    return http_new(in->options.loop, &o, &in->http);
}

enum err intake_open(struct intake *in, struct diag *d)
{
    in->reading = true;
    for (size_t i = 0; i < in->feeds_count; i++) {
        struct intake_feed *f = &in->feed[i];
        if (f->feed.id == 0) {
            refusal_log_event(in->options.log, "error", "feed", f->feed.conf->name,
                              "not known to the vault: too many feeds", i);
            continue;
        }
        enum err e = open_feed(f);
        if (e != OK)
            return diag_set(d, e, "a source cannot be opened", i);
    }
    if (in->options.conf->http_fd >= 0 && open_http(in) != OK)
        return diag_set(d, ERR_NET, "HTTP cannot be served", 0);
    return OK;
}

/* --- turns --- */

typedef void source_fn(struct source *s);

static void each_source(struct intake *in, bool lossy, source_fn *fn)
{
    for (size_t i = 0; i < in->feeds_count; i++)
        for (size_t s = 0; s < SOURCES_A_FEED; s++)
            if (in->feed[i].source[s] && in->feed[i].source[s]->lossy == lossy)
                fn(in->feed[i].source[s]);
    if (in->http && !lossy)
        fn(http_source(in->http));
}

static void show_paused(struct intake *in)
{
    for (size_t i = 0; i < in->feeds_count; i++)
        for (size_t s = 0; s < SOURCES_A_FEED; s++)
            if (in->feed[i].source[s])
                metric_set_at(in->options.pipe->metrics, METRIC_PAUSED, (unsigned)i,
                              in->feed[i].source[s]->lossy ? in->paused_lossy : in->paused);
}

/* One kind of source, by whether there is room for it. */
static void regulate(struct intake *in, bool lossy, bool room, bool again, bool *paused)
{
    if (room && (*paused || again))
        each_source(in, lossy, source_resume);
    else if (!room && !*paused)
        each_source(in, lossy, source_pause);
    if (*paused != !room) {
        *paused = !room;
        show_paused(in);
    }
}

void intake_turn(struct intake *in)
{
    const struct outlet *o = in->options.pipe->outlet;
    bool again = in->starved; /* some stopped by themselves, on ERR_FULL */
    if (!in->reading && !in->draining)
        return;
    in->starved = false; /* before: a resumed source may be told ERR_FULL again */
    regulate(in, true, !outlet_crowded(o), again, &in->paused_lossy);
    if (in->reading)
        regulate(in, false, outlet_room(o), again, &in->paused);
    in->starved |= again && !outlet_room(o);
}

size_t intake_waiting(const struct intake *in)
{
    return in->http ? http_waiting(in->http) : 0;
}

void intake_settle(struct intake *in, uint64_t durable)
{
    if (in->http)
        http_settle(in->http, durable);
}

void intake_tick(struct intake *in)
{
    uint64_t live = 0;
    for (size_t i = 0; i < in->feeds_count; i++) {
        struct hep_feed *hep = in->feed[i].hep;
        if (!hep)
            continue;
        hep_feed_tick(hep);
        live += hep_feed_live(hep);
    }
    metric_set(in->options.pipe->metrics, METRIC_DIALOGS, live);
}

void intake_show_behind(const struct intake *in)
{
    for (size_t i = 0; i < in->feeds_count; i++) {
        struct source *file = in->feed[i].source[SOURCE_FILE];
        if (file)
            metric_set_at(in->options.pipe->metrics, METRIC_BEHIND_BYTES, (unsigned)i,
                          follow_behind_bytes(file));
    }
}

bool intake_dirty(const struct intake *in)
{
    for (size_t i = 0; i < in->feeds_count; i++)
        if (in->feed[i].hep && hep_feed_dirty(in->feed[i].hep))
            return true;
    return false;
}

void intake_checkpoint(struct intake *in, bool all)
{
    for (size_t i = 0; i < in->feeds_count; i++)
        if (in->feed[i].hep && in->feed[i].feed.id)
            hep_feed_checkpoint(in->feed[i].hep, all);
}

/* --- the end --- */

static void stop_feed(struct intake_feed *f)
{
    for (size_t s = 0; s < SOURCES_A_FEED; s++)
        if (f->source[s] && s != SOURCE_UDP)
            source_stop(f->source[s]);
    if (f->source[SOURCE_UDP]) /* the others' senders see that nobody reads; this one's do not */
        udp_drain(f->source[SOURCE_UDP]);
}

void intake_stop(struct intake *in)
{
    if (!in->reading)
        return;
    in->reading = false;
    in->draining = true;
    for (size_t i = 0; i < in->feeds_count; i++)
        stop_feed(&in->feed[i]);
    if (in->http)
        source_pause(http_source(in->http));
}

bool intake_dry(const struct intake *in)
{
    for (size_t i = 0; i < in->feeds_count; i++)
        if (in->feed[i].source[SOURCE_UDP] && !udp_dry(in->feed[i].source[SOURCE_UDP]))
            return false;
    return true;
}

void intake_give_up(struct intake *in)
{
    in->draining = false;
    each_source(in, true, source_stop);
}

void intake_close(struct intake *in)
{
    in->reading = false;
    intake_give_up(in);
    each_source(in, false, source_stop);
}
