#include "ingest/load.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ingest/pipe/cdr_feed.h"
#include "ingest/pipe/hep_feed.h"
#include "ingest/pipe/uplink.h"
#include "ingest/source/capture.h"
#include "proto/core/instant.h"
#include "proto/frame/csv.h"

enum {
    BLOCK_BYTES = 256 * 1024,
    ROOM_BYTES = HTTP_BODY_BYTES_MAX + BLOCK_BYTES,
    PACKETS_A_READ = 1000,
    TICK_US = US_PER_S /* of capture time */
};

struct load {
    struct load_options options;
    struct uplink_feed hello;
    struct vault_link *link; /* borrowed, while a file is loaded */
    struct uplink *uplink;
    struct pipe pipe;
    struct npa_table npa;
    struct pipe_feed feed;
    struct cdr_scratch *scratch;
    struct hep_feed *hep;   /* of a capture */
    struct clock_ops clock; /* wall: ours; monotonic: that of the capture */
    uint64_t capture_us;    /* time of the newest packet */
    uint64_t ticked_us;     /* when the dialogs' timers ran last */
    enum err failed;        /* of the vault */
    const char *unit;
    uint64_t number; /* of the item in work; 0 = one behind those that are done */
    uint64_t bytes_read;
    uint64_t rejected, ignored;
    size_t held;
    uint8_t room[ROOM_BYTES];
};

/* --- the vault --- */

static void on_welcome(void *arg, size_t feed, uint16_t id, enum feed_kind kind,
                       struct reader *cursors)
{
    struct load *l = arg;
    (void)feed, (void)cursors; /* a file that is loaded by hand has no cursor */
    l->feed.id = id;
    l->feed.kind = kind;
}

static void on_live(void *arg, struct span key, struct span value)
{
    (void)arg, (void)key, (void)value; /* the workers' dialogs are none of ours */
}

void load_frame(void *arg, const struct frame *f)
{
    uplink_frame(((struct load *)arg)->uplink, f);
}

/* Sends what can be sent and waits until something happens. A link without a descriptor gives
 * its answers when it is asked. */
static enum err converse(struct load *l)
{
    enum err e = uplink_turn(l->uplink);
    int fd = l->link->ops->fd(l->link);
    struct pollfd p = {fd, (short)(POLLIN | (uplink_blocked(l->uplink) ? POLLOUT : 0)), 0};
    if (e == OK && fd >= 0 && poll(&p, 1, -1) < 0 && errno != EINTR)
        e = ERR_NET;
    if (e == OK)
        e = l->link->ops->receive(l->link);
    return e;
}

static bool wait_for_room(void *arg)
{
    struct load *l = arg;
    while (l->failed == OK && !outlet_room(uplink_outlet(l->uplink)))
        l->failed = converse(l);
    return l->failed == OK;
}

static enum err say_hello(struct load *l, struct diag *d)
{
    enum err e = OK;
    uplink_attach(l->uplink, l->link);
    while (e == OK && !uplink_ready(l->uplink))
        e = converse(l);
    if (e == ERR_SHUTDOWN || e == ERR_NET)
        return diag_set(d, ERR_DENIED, "the daemon closed the connection: may this user ingest?",
                        0);
    if (e == OK && l->feed.id == 0)
        return diag_set(d, ERR_NOTFOUND, "the daemon has no feed of that name", 0);
    return e;
}

/* Until everything is durable. */
static enum err settle(struct load *l)
{
    outlet_close_batch(uplink_outlet(l->uplink));
    while (l->failed == OK && !outlet_idle(uplink_outlet(l->uplink)))
        l->failed = converse(l);
    return l->failed;
}

/* --- setting up --- */

static int64_t clock_wall(void *arg)
{
    (void)arg;
    return clock_wall_us(&CLOCK_SYSTEM);
}

static uint64_t clock_capture(void *arg)
{
    return ((const struct load *)arg)->capture_us;
}

static void on_refused(void *arg, const struct pipe_feed *f, enum metric id, enum reason reason,
                       const struct diag *d)
{
    struct load *l = arg;
    (void)f;
    if (id == METRIC_IGNORED) {
        l->ignored++;
        return;
    }
    l->rejected++;
    uint64_t number = l->number ? l->number : l->pipe.records + l->rejected;
    struct load_problem problem = {l->unit, number, reason_label(reason), d->what, d->at};
    if (l->options.problem)
        l->options.problem(l->options.arg, &problem);
}

static enum err make_uplink(struct load *l)
{
    struct uplink_options o = {
        .feed = &l->hello, .feeds_count = 1, .events = {on_welcome, on_live, l}};
    if (getrandom(&o.first_id, sizeof o.first_id, 0) != sizeof o.first_id)
        return ERR_NOMEM;
    l->hello = (struct uplink_feed){span_str(l->options.feed.name), l->options.feed.kind};
    return uplink_new(&o, &l->uplink);
}

static enum err init(struct load *l, struct diag *d)
{
    size_t line;
    l->clock = (struct clock_ops){clock_wall, clock_capture, l};
    enum err e = l->options.npa.n ? npa_load(l->options.npa, &l->npa, &line, d) : OK;
    if (e == OK)
        e = make_uplink(l);
    if (e == OK)
        e = pipe_init(&l->pipe, uplink_outlet(l->uplink), &l->clock, NULL);
    if (e == OK)
        e = cdr_scratch_new(&l->scratch);
    if (e == OK)
        e = pipe_feed_init(&l->feed, &l->options.feed, 0, &l->npa, d);
    l->pipe.refused = on_refused;
    l->pipe.refused_arg = l;
    l->pipe.wait = wait_for_room;
    l->pipe.wait_arg = l;
    return e;
}

enum err load_new(const struct load_options *options, struct load **out, struct diag *d)
{
    struct load *l = calloc(1, sizeof *l);
    diag_set(d, ERR_NOMEM, "out of memory", 0);
    if (!l)
        return ERR_NOMEM;
    l->options = *options;
    enum err e = init(l, d);
    if (e != OK) {
        load_free(l);
        return e;
    }
    *out = l;
    return OK;
}

struct load *load_free(struct load *l)
{
    if (!l)
        return NULL;
    hep_feed_free(l->hep);
    cdr_scratch_free(l->scratch);
    pipe_done(&l->pipe);
    uplink_free(l->uplink);
    explicit_bzero(l->room, sizeof l->room);
    free(l);
    return NULL;
}

static void progress(const struct load *l, uint64_t bytes, uint64_t total)
{
    if (l->options.progress)
        l->options.progress(l->options.arg, bytes, total);
}

/* --- captures --- */

static enum err on_traffic(void *arg, const struct traffic_item *item)
{
    struct load *l = arg;
    uint64_t t_us = item->t_us > 0 ? (uint64_t)item->t_us : 0;
    if (t_us > l->capture_us)
        l->capture_us = t_us;
    if (l->capture_us - l->ticked_us >= TICK_US) {
        hep_feed_tick(l->hep);
        l->ticked_us = l->capture_us;
    }
    hep_feed_traffic(l->hep, item);
    return l->failed;
}

static enum err read_capture(struct load *l, struct capture *c, struct diag *d)
{
    enum err e = OK;
    while (e == OK) {
        e = capture_read(c, 1, on_traffic, l, d);
        struct capture_progress now = capture_progress(c);
        l->number = now.packets + 1;
        if (now.packets % PACKETS_A_READ == 0)
            progress(l, now.bytes, now.total);
    }
    return e == ERR_NOTFOUND ? OK : e; /* the end of the file */
}

static enum err load_capture(struct load *l, const char *path, struct diag *d)
{
    struct capture *c = NULL;
    struct hep_feed_options o = {.worker = 0};
    if (getrandom(&o.seed, sizeof o.seed, 0) != sizeof o.seed)
        return ERR_NOMEM;
    l->unit = "packet";
    l->number = 1;
    enum err e = capture_open(path, &c, d);
    if (e == OK)
        e = hep_feed_new(&l->pipe, &l->feed, &o, &l->hep);
    if (e == OK)
        e = read_capture(l, c, d);
    capture_free(c);
    if (l->hep && l->failed == OK) /* what was read before a damage counts */
        hep_feed_finish(l->hep);
    return l->failed != OK ? l->failed : e;
}

/* --- lines and documents --- */

static size_t count_lines(struct span s)
{
    size_t n = 0;
    for (size_t i = 0; i < s.n; i++)
        n += s.p[i] == '\n';
    return n;
}

/* The records that are held whole. */
static enum err take_lines(struct load *l, bool at_end)
{
    size_t at = 0, used = 0;
    enum err e = OK;
    while (e == OK && at < l->held) {
        struct span in = span_of(l->room + at, l->held - at);
        e = cdr_feed_line(&l->pipe, &l->feed, l->scratch, in, at_end, &used);
        if (e == ERR_LIMIT) { /* over LINE_BYTES_MAX */
            pipe_refuse(&l->pipe, &l->feed, METRIC_MALFORMED, REASON_OVERSIZE, NULL);
            used = span_find(in, '\n') < in.n ? span_find(in, '\n') + 1 : in.n;
            e = OK;
        }
        if (e == OK) {
            l->number += count_lines(span_sub(in, 0, used));
            at += used;
        }
    }
    memmove(l->room, l->room + at, l->held - at);
    l->held -= at;
    return e == ERR_MORE ? OK : e;
}

/* ERR_NOTFOUND: the file has ended. */
static enum err read_block(struct load *l, int fd)
{
    size_t left = sizeof l->room - l->held;
    ssize_t n = read(fd, l->room + l->held, left < BLOCK_BYTES ? left : BLOCK_BYTES);
    if (n < 0)
        return errno == EINTR ? OK : ERR_STORE;
    l->held += (size_t)n;
    l->bytes_read += (uint64_t)n;
    return n == 0 ? ERR_NOTFOUND : OK;
}

static enum err load_lines(struct load *l, int fd, uint64_t total)
{
    enum err e = OK;
    l->unit = "line";
    l->number = 1;
    while (e == OK) {
        e = take_lines(l, false);
        if (e == OK)
            e = read_block(l, fd);
        progress(l, l->bytes_read, total);
    }
    if (e == ERR_NOTFOUND)
        e = take_lines(l, true);
    return e;
}

/* A file that is no longer than a body that may be posted is read like one: documents may have
 * line ends inside. */
static enum err load_body(struct load *l, int fd)
{
    struct cdr_posted posted;
    enum err e = OK;
    l->unit = "document";
    l->number = 0;
    while (e == OK && l->held <= HTTP_BODY_BYTES_MAX)
        e = read_block(l, fd);
    if (e != ERR_NOTFOUND)
        return e == OK ? ERR_LIMIT : e;
    e = cdr_feed_body(&l->pipe, &l->feed, l->scratch, span_of(l->room, l->held), &posted);
    return e == ERR_SYNTAX || e == ERR_NOTFOUND ? OK : e; /* told as a problem */
}

static enum err load_text(struct load *l, int fd, uint64_t total)
{
    if (cdr_feed_posts(&l->feed) && total <= HTTP_BODY_BYTES_MAX)
        return load_body(l, fd);
    return load_lines(l, fd, total);
}

/* --- the file --- */

/* A mapped feed may hold any text. */
static bool fits(const struct load *l, enum feed_kind kind)
{
    return kind == l->feed.kind || (l->feed.kind == FEED_MAPPED && kind != FEED_HEP);
}

static enum feed_kind kind_of(struct span head)
{
    static const struct span CAPTURES[] = {
        SPAN_LIT("\xa1\xb2\xc3\xd4"), SPAN_LIT("\xd4\xc3\xb2\xa1"), SPAN_LIT("\xa1\xb2\x3c\x4d"),
        SPAN_LIT("\x4d\x3c\xb2\xa1"), SPAN_LIT("\x0a\x0d\x0d\x0a")};
    for (size_t i = 0; i < sizeof CAPTURES / sizeof CAPTURES[0]; i++)
        if (span_starts(head, CAPTURES[i]))
            return FEED_HEP;
    struct span text = span_trim(span_from(head, csv_mark_bytes(head)));
    bool json = text.n > 0 && (text.p[0] == '{' || text.p[0] == '[');
    return json ? FEED_FREESWITCH_JSON : FEED_ASTERISK_CSV;
}

static enum err load_open(struct load *l, int fd, const char *path, struct diag *d)
{
    struct stat st;
    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
        return diag_set(d, ERR_NOTFOUND, "not a regular file", 0);
    l->held = 0;
    enum err e = read_block(l, fd);
    if (e == ERR_NOTFOUND)
        return OK; /* an empty file has nothing wrong in it */
    if (e != OK)
        return diag_set(d, e, "the file cannot be read", 0);
    struct span head = span_of(l->room, l->held);
    if (!fits(l, kind_of(head)))
        return diag_set(d, ERR_CONFLICT, "the file is not of the kind of the feed", 0);
    if (l->feed.kind == FEED_MAPPED && l->feed.map.rules_count == 0)
        return diag_set(d, ERR_CONFLICT, "a mapped feed wants its map", 0);
    if (l->feed.kind == FEED_HEP)
        return load_capture(l, path, d);
    size_t mark = csv_mark_bytes(head);
    memmove(l->room, l->room + mark, l->held - mark);
    l->held -= mark;
    return load_text(l, fd, (uint64_t)st.st_size);
}

enum err load_file(struct load *l, struct vault_link *link, const char *path,
                   struct load_result *out, struct diag *d)
{
    diag_set(d, OK, "", 0);
    *out = (struct load_result){0};
    l->link = link;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return diag_set(d, ERR_NOTFOUND, "the file cannot be opened", 0);
    enum err e = say_hello(l, d);
    if (e == OK) {
        e = load_open(l, fd, path, d);
        enum err settled = settle(l);
        e = settled != OK ? diag_set(d, settled, "the daemon went away or refused", 0) : e;
    }
    close(fd);
    const struct outlet_counts *c = outlet_counts(uplink_outlet(l->uplink));
    *out = (struct load_result){.read = l->pipe.records + l->rejected,
                                .accepted = c->accepted,
                                .duplicate = c->duplicate,
                                .rejected = l->rejected + c->refused,
                                .ignored = l->ignored};
    return e;
}
