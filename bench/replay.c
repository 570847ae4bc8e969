#include "bench/replay.h"

#include "bench/pace.h"
#include "bench/sender.h"
#include "ingest/source/capture.h"
#include "proto/frame/hep.h"

enum { PACKETS_A_READ = 256, SPEED_MAX = 1000000 };

static const struct option_row ROWS[] = {
    {"to", OPTION_TEXT, "HOST:PORT", offsetof(struct replay, to), 0, 0,
     "where cpnid listens for HEP (default 127.0.0.1:9060)"},
    {"tcp", OPTION_FLAG, NULL, offsetof(struct replay, tcp), 0, 0, "by TCP instead of UDP"},
    {"speed", OPTION_REAL, "X", offsetof(struct replay, speed), 0, SPEED_MAX,
     "X times as fast as captured (default: bursts that a default socket buffer holds)"},
};
const struct option_table REPLAY_OPTIONS = {.row = ROWS,
                                            .count = sizeof ROWS / sizeof ROWS[0],
                                            .operand = "FILE",
                                            .operand_member = offsetof(struct replay, file)};

struct replaying {
    const struct replay *options;
    struct replay_counts *counts;
    int fd;
    uint64_t start_us; /* monotonic */
    int64_t first_us;  /* of the capture; 0 = nothing was sent yet */
};

/* Bursts with pauses, or the capture's own time. */
static void wait_for_turn(struct replaying *r, int64_t t_us)
{
    if (r->options->speed == 0) {
        if (!r->options->tcp && r->counts->sent % SENDER_BURST == SENDER_BURST - 1)
            pace_pause_us(1000);
        return;
    }
    if (r->first_us == 0)
        r->first_us = t_us;
    double offset_us = (double)(t_us - r->first_us) / r->options->speed;
    if (offset_us > 0)
        pace_until_us(r->start_us + (uint64_t)offset_us);
}

/* Versions 1 and 2 have no length and live in datagrams only (hep.h). */
static bool may_send(const struct replaying *r, const struct traffic_item *item)
{
    return item->kind == TRAFFIC_HEP && (!r->options->tcp || hep_shape(item->payload) == HEP_V3);
}

static enum err on_item(void *arg, const struct traffic_item *item)
{
    struct replaying *r = arg;
    if (!may_send(r, item)) {
        r->counts->skipped++;
        return OK;
    }
    wait_for_turn(r, item->t_us);
    enum err e = sender_put(r->fd, item->payload);
    if (e == OK) {
        r->counts->sent++;
        r->counts->bytes += item->payload.n;
    }
    return e;
}

static enum err send_all(struct replaying *r, struct capture *c, struct diag *d)
{
    enum err e = OK;
    while (e == OK)
        e = capture_read(c, PACKETS_A_READ, on_item, r, d);
    r->counts->packets = capture_progress(c).packets;
    return e == ERR_NOTFOUND ? OK : e; /* the end of the file */
}

/* Of a datagram to nobody one hears when the next is sent, or at the end. */
static enum err send_capture(struct replaying *r, struct capture *c, struct diag *d)
{
    enum err e = sender_connect(r->options->to, r->options->tcp, &r->fd, d);
    if (e != OK)
        return e;
    e = send_all(r, c, d);
    enum err closed = sender_close(r->fd);
    e = e == OK ? closed : e;
    return e == ERR_NET ? diag_set(d, e, "nobody listens there, or the connection is gone", 0) : e;
}

enum err replay_run(const struct replay *r, struct replay_counts *out, struct diag *d)
{
    struct replaying work = {.options = r, .counts = out, .start_us = pace_now_us()};
    struct capture *c = NULL;
    *out = (struct replay_counts){0};
    enum err e = capture_open(r->file, &c, d);
    if (e == OK)
        e = send_capture(&work, c, d);
    capture_free(c);
    return e;
}
