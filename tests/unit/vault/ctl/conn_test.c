/* A request and its answer: rows and progress reach the caller, frames of other requests do
 * not, a caller's refusal ends it, and a daemon that goes away is told. */
#include <criterion/criterion.h>
#include <sys/socket.h>
#include <unistd.h>

#include "vault/ctl/conn.h"

struct heard {
    int columns, rows;
    uint64_t done, total;
    bool refuse_rows;
};

static bool on_columns(void *arg, struct span payload)
{
    (void)payload;
    ((struct heard *)arg)->columns++;
    return true;
}

static bool on_row(void *arg, struct span payload)
{
    struct heard *h = arg;
    (void)payload;
    h->rows++;
    return !h->refuse_rows;
}

static void on_progress(void *arg, uint64_t done, uint64_t total)
{
    struct heard *h = arg;
    h->done = done;
    h->total = total;
}

/* The daemon's frames are in the socket before the request is sent: their ids are known. */
struct wire {
    struct ctl ctl;
    struct conn conn;
    int daemon;
    FILE *null;
};

static void wire_init(struct wire *w)
{
    int fd[2];
    *w = (struct wire){.null = fopen("/dev/null", "w")};
    w->ctl = (struct ctl){w->null, w->null, "", FORMAT_TABLE};
    cr_assert_eq(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, fd), 0);
    w->daemon = fd[1];
    cr_assert_eq(vault_link_remote(fd[0], conn_frame, &w->conn, &w->conn.link), OK);
}

static void wire_done(struct wire *w)
{
    conn_close(&w->conn);
    if (w->daemon >= 0)
        close(w->daemon);
    fclose(w->null);
}

static void say(struct wire *w, enum frame_type type, uint32_t id, struct span payload)
{
    uint8_t frame[512];
    frame_head(frame, type, id, payload.n);
    if (payload.n)
        memcpy(frame + FRAME_HEAD_BYTES, payload.p, payload.n);
    cr_assert_gt(send(w->daemon, frame, FRAME_HEAD_BYTES + payload.n, 0), 0);
}

static void say_end(struct wire *w, uint32_t id, int status, const char *text)
{
    uint8_t room[256];
    struct buf b = buf_of(room, sizeof room);
    control_put_end(&b, (enum control_status)status, text);
    say(w, FRAME_END, id, buf_span(&b));
}

static enum control_status ask(struct wire *w, struct heard *h)
{
    struct conn_ops ops = {on_columns, on_row, on_progress, h};
    return conn_ask(&w->ctl, &w->conn, span_str("x"), &ops);
}

Test(conn, an_answer_reaches_the_caller)
{
    struct wire w;
    struct heard h = {0};
    wire_init(&w);
    say(&w, FRAME_GREETING, 0, SPAN_EMPTY);
    say(&w, FRAME_COLUMNS, 1, SPAN_EMPTY);
    say(&w, FRAME_ROW, 9, SPAN_EMPTY); /* of another request */
    say(&w, FRAME_ROW, 1, SPAN_EMPTY);
    say(&w, FRAME_PROGRESS, 1, span_str("\x05\x0a"));
    say(&w, FRAME_ROW, 1, SPAN_EMPTY);
    say_end(&w, 1, CONTROL_DONE, "");
    cr_expect_eq(ask(&w, &h), CONTROL_DONE);
    cr_expect(h.columns == 1 && h.rows == 2 && h.done == 5 && h.total == 10);
    wire_done(&w);
}

Test(conn, every_status_is_given_and_an_unknown_one_is_a_failure)
{
    for (int status = 0; status <= CONTROL_INTEGRITY + 1; status++) {
        struct wire w;
        struct heard h = {0};
        wire_init(&w);
        say_end(&w, 1, status, "because");
        cr_expect_eq((int)ask(&w, &h), status <= CONTROL_INTEGRITY ? status : CONTROL_FAILED);
        wire_done(&w);
    }
}

Test(conn, a_row_that_is_not_understood_ends_it)
{
    struct wire w;
    struct heard h = {.refuse_rows = true};
    wire_init(&w);
    say(&w, FRAME_ROW, 1, SPAN_EMPTY);
    say(&w, FRAME_ROW, 1, SPAN_EMPTY);
    say_end(&w, 1, CONTROL_DONE, "");
    cr_expect_eq(ask(&w, &h), CONTROL_FAILED);
    cr_expect_eq(h.rows, 1);
    wire_done(&w);
}

Test(conn, a_daemon_that_goes_away_is_unreachable)
{
    struct wire w;
    struct heard h = {0};
    wire_init(&w);
    say(&w, FRAME_ROW, 1, SPAN_EMPTY);
    close(w.daemon);
    w.daemon = -1;
    cr_expect_eq(ask(&w, &h), CONTROL_UNREACHABLE);
    wire_done(&w);
}

Test(conn, nobody_at_the_socket_is_unreachable)
{
    FILE *null = fopen("/dev/null", "w");
    struct ctl c = {null, null, "/nonexistent/control.sock", FORMAT_TABLE};
    struct conn n;
    cr_expect_eq(conn_open(&c, &n), CONTROL_UNREACHABLE);
    fclose(null);
}
