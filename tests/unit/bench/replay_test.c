/* Proves: the HEP frames of a capture arrive as they were captured, by UDP and TCP, at the
 * capture's own speed when asked; what is no HEP is skipped and counted; nobody to send to, no
 * capture, no address are errors. */
#include "bench/replay.h"

#include <criterion/criterion.h>

#include "bench/pace.h"
#include "ingest/source/capture.h"
#include "tests/unit/bench/listener.h"

#define CAPTURE CPNI_SOURCE_DIR "/deploy/sample/kamailio-hep.pcap"

struct expected {
    unsigned frames;
    size_t bytes;
    int64_t first_us, last_us;
    uint8_t all[256 * 1024];
};
static struct expected want;

static enum err note(void *arg, const struct traffic_item *item)
{
    struct expected *e = arg;
    cr_assert(e->bytes + item->payload.n <= sizeof e->all);
    memcpy(e->all + e->bytes, item->payload.p, item->payload.n);
    e->bytes += item->payload.n;
    e->first_us = e->frames++ ? e->first_us : item->t_us;
    e->last_us = item->t_us;
    return OK;
}

static void setup(void)
{
    struct capture *c;
    enum err e = OK;
    cr_assert_eq(capture_open(CAPTURE, &c, NULL), OK);
    while (e == OK)
        e = capture_read(c, 100, note, &want, NULL);
    capture_free(c);
    cr_assert_gt(want.frames, 100u);
}

TestSuite(replay, .init = setup);

static struct replay to(const struct listener *l, bool tcp)
{
    return (struct replay){.file = CAPTURE, .to = l->place, .tcp = tcp};
}

Test(replay, datagrams_are_the_frames)
{
    struct listener l = listen_on(SOCK_DGRAM);
    struct replay r = to(&l, false);
    struct replay_counts n;
    uint8_t room[2048];
    int buffer = 1 << 20;
    size_t at = 0;
    setsockopt(l.fd, SOL_SOCKET, SO_RCVBUF, &buffer, sizeof buffer);
    cr_assert_eq(replay_run(&r, &n, NULL), OK);
    cr_expect_eq(n.sent, want.frames);
    cr_expect_eq(n.bytes, want.bytes);
    cr_expect_eq(n.skipped, 0u);
    for (unsigned i = 0; i < want.frames; i++) {
        ssize_t got = recv(l.fd, room, sizeof room, 0);
        cr_assert_gt(got, 0);
        cr_assert_eq(memcmp(room, want.all + at, (size_t)got), 0, "datagram %u", i);
        at += (size_t)got;
    }
    cr_expect_eq(at, want.bytes);
    close(l.fd);
}

Test(replay, a_stream_is_the_frames)
{
    static uint8_t room[sizeof want.all];
    struct listener l = listen_on(SOCK_STREAM);
    struct replay r = to(&l, true);
    struct replay_counts n;
    cr_assert_eq(replay_run(&r, &n, NULL), OK);
    int peer = accept(l.fd, NULL, NULL);
    cr_expect_eq(recv(peer, room, want.bytes, MSG_WAITALL), (ssize_t)want.bytes);
    cr_expect_eq(memcmp(room, want.all, want.bytes), 0);
    close(peer);
    close(l.fd);
}

Test(replay, speed_keeps_the_captures_time)
{
    struct listener l = listen_on(SOCK_DGRAM);
    struct replay r = to(&l, false);
    struct replay_counts n;
    int64_t span_us = want.last_us - want.first_us;
    r.speed = (double)span_us / 200000;
    uint64_t before = pace_now_us();
    cr_assert_eq(replay_run(&r, &n, NULL), OK);
    cr_expect_geq(pace_now_us() - before, 199000u);
    close(l.fd);
}

Test(replay, refusals)
{
    struct listener l = listen_on(SOCK_DGRAM);
    struct replay r = to(&l, false);
    struct replay_counts n;
    struct diag d = {.what = NULL};
    close(l.fd);
    cr_expect_eq(replay_run(&r, &n, &d), ERR_NET);
    cr_expect_not_null(d.what);
    r.to = "nowhere";
    cr_expect_eq(replay_run(&r, &n, &d), ERR_SYNTAX);
    r = to(&l, false);
    r.file = CPNI_SOURCE_DIR "/deploy/sample/Master.csv";
    cr_expect_eq(replay_run(&r, &n, &d), ERR_SYNTAX);
    r.file = "/nonexistent";
    cr_expect_eq(replay_run(&r, &n, &d), ERR_NOTFOUND);
}
