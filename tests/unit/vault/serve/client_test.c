/* Proves: a client that does not read delays nobody and loses nothing up to the limit; frames
 * leave whole and in order; what is not a frame closes the client. */
#include <criterion/criterion.h>

#include <sys/socket.h>
#include <unistd.h>

#include "tests/lib/vault_fixture.h"
#include "vault/serve/client.h"

static struct fix f;
static int ours;
static struct client *client;
static uint8_t room[WIRE_FRAME_BYTES_MAX];

static void setup(void)
{
    struct peer all = fix_peer_all();
    int fds[2];
    fix_init(&f, &all);
    cr_assert_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, fds), 0);
    ours = fds[0];
    cr_assert_eq(client_new(f.vault, fds[1], &all, &client), OK);
}

static void teardown(void)
{
    cr_expect_null(client_free(client));
    close(ours);
    fix_done(&f);
}

TestSuite(client, .init = setup, .fini = teardown);

static ssize_t read_frame(struct frame *out)
{
    size_t used;
    ssize_t n = recv(ours, room, sizeof room, MSG_DONTWAIT);
    if (n > 0)
        cr_assert_eq(frame_next(span_of(room, (size_t)n), out, &used, NULL), OK);
    return n;
}

Test(client, many_frames_wait_in_order_for_a_slow_reader)
{
    enum { FRAMES = 2000 };
    static uint8_t payload[4000];
    for (uint32_t i = 0; i < FRAMES; i++) {
        struct frame out = {FRAME_ROW, i, span_of(payload, sizeof payload)};
        client_send(client, &out);
    }
    cr_expect_gt(client->queued_bytes, 0, "the socket does not take 8 MB");
    cr_expect_not(client->closed);
    for (uint32_t i = 0; i < FRAMES; i++) {
        struct frame in;
        while (read_frame(&in) < 0)
            client_write(client);
        cr_assert_eq(in.id, i);
        cr_assert_eq(in.payload.n, sizeof payload);
    }
    client_write(client);
    cr_expect_eq(client->queued_bytes, 0);
    cr_expect_null(client->first);
}

Test(client, beyond_the_limit_the_client_is_closed_and_not_the_vault)
{
    static uint8_t payload[WIRE_FRAME_BYTES_MAX - FRAME_HEAD_BYTES];
    struct frame out = {FRAME_ROW, 1, span_of(payload, sizeof payload)};
    for (size_t i = 0; i < CLIENT_QUEUE_BYTES_MAX / sizeof payload + 16 && !client->closed; i++)
        client_send(client, &out);
    cr_expect(client->closed);
    cr_expect_leq(client->queued_bytes, (size_t)CLIENT_QUEUE_BYTES_MAX);
}

/* Who asks and does not read is not asked what else he wants. */
Test(client, unread_answers_stop_the_reading)
{
    uint8_t bytes[256];
    struct buf b = buf_of(bytes + FRAME_HEAD_BYTES, sizeof bytes - FRAME_HEAD_BYTES);
    control_put_verb(&b, "fields list");
    frame_head(bytes, FRAME_REQUEST, 7, b.n);
    size_t n = FRAME_HEAD_BYTES + b.n, most = 0;
    for (unsigned sent = 0; sent < 500;) {
        if (send(ours, bytes, n, MSG_DONTWAIT) < 0)
            break; /* our own requests wait, too */
        sent++;
        cr_assert_eq(client_read(client, room, sizeof room), OK);
        most = client->queued_bytes > most ? client->queued_bytes : most;
    }
    cr_expect_gt(most, 0);
    cr_expect_lt(most, (size_t)1 << 20, "%zu bytes wait", most);
    cr_expect_not(client->closed);
}

Test(client, what_is_no_frame_closes)
{
    static const char *const BAD[] = {"x", "not a frame at all"};
    for (size_t i = 0; i < 2; i++) {
        client->closed = false;
        cr_assert_gt(send(ours, BAD[i], strlen(BAD[i]), 0), 0);
        cr_expect_eq(client_read(client, room, sizeof room), OK);
        cr_expect(client->closed, "%s", BAD[i]);
    }
    uint8_t head[FRAME_HEAD_BYTES];
    client->closed = false;
    frame_head(head, FRAME_RECEIPT, 1, 0); /* a frame, but not one that a client may send */
    cr_assert_gt(send(ours, head, sizeof head, 0), 0);
    cr_expect_eq(client_read(client, room, sizeof room), OK);
    cr_expect(client->closed);
}

Test(client, a_request_is_answered_and_a_hang_up_seen)
{
    uint8_t bytes[256];
    struct buf b = buf_of(bytes + FRAME_HEAD_BYTES, sizeof bytes - FRAME_HEAD_BYTES);
    struct frame in;
    control_put_verb(&b, "status");
    frame_head(bytes, FRAME_REQUEST, 7, b.n);
    cr_assert_gt(send(ours, bytes, FRAME_HEAD_BYTES + b.n, 0), 0);
    cr_expect_eq(client_read(client, room, sizeof room), OK);
    enum frame_type last = FRAME_REQUEST;
    while (read_frame(&in) > 0) {
        last = in.type;
        cr_expect_eq(in.id, 7);
    }
    cr_expect_eq(last, FRAME_END);
    shutdown(ours, SHUT_RDWR);
    cr_expect_eq(client_read(client, room, sizeof room), OK);
    cr_expect(client->closed);
}
