#include "tests/lib/control_fake.h"

#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "proto/core/check.h"
#include "proto/wire/frame.h"
#include "vault/ctl/ctl.h"

enum { WORDS_MAX = 32 };

static void say(int fd, enum frame_type type, uint32_t id, struct span payload)
{
    uint8_t frame[WIRE_FRAME_BYTES_MAX];
    frame_head(frame, type, id, payload.n);
    if (payload.n)
        memcpy(frame + FRAME_HEAD_BYTES, payload.p, payload.n);
    send(fd, frame, FRAME_HEAD_BYTES + payload.n, MSG_NOSIGNAL);
}

static void note(struct control_fake *f, struct span s)
{
    for (size_t i = 0; i < s.n; i++)
        buf_u8(&f->asked, s.p[i] >= 0x20 && s.p[i] < 0x7f ? s.p[i] : '.');
}

static void write_down(struct control_fake *f, const struct control_request *q)
{
    note(f, q->verb);
    for (size_t i = 0; i < q->args_count; i++) {
        bool rows = span_is(q->arg[i].name, "rows");
        buf_str(&f->asked, " ");
        note(f, q->arg[i].name);
        buf_str(&f->asked, "=");
        note(f, rows ? SPAN_EMPTY : q->arg[i].value);
        if (rows)
            buf_put(&f->rows, q->arg[i].value);
    }
    buf_str(&f->asked, "\n");
}

static void answer(int fd, uint32_t id, const struct control_answer *a)
{
    uint8_t room[8192];
    struct buf b = buf_of(room, sizeof room);
    size_t columns = 0;
    while (columns < FAKE_CELLS && a->column[columns].name) {
        control_put_column(&b, a->column[columns].kind, a->column[columns].name);
        columns++;
    }
    if (columns)
        say(fd, FRAME_COLUMNS, id, buf_span(&b));
    for (size_t r = 0; r < FAKE_ROWS && a->row[r][0].n; r++) {
        buf_reset(&b);
        for (size_t i = 0; i < columns; i++)
            buf_lv(&b, a->row[r][i]);
        say(fd, FRAME_ROW, id, buf_span(&b));
    }
    buf_reset(&b);
    control_put_end(&b, a->status, a->text ? a->text : "");
    say(fd, FRAME_END, id, buf_span(&b));
}

/* False: the client is to be left. */
static bool handle(struct control_fake *f, int fd, struct span in)
{
    struct frame frame;
    struct control_request q;
    size_t used;
    CHECK(frame_next(in, &frame, &used, NULL) == OK);
    CHECK(control_request_decode(frame.payload, &q, NULL) == OK);
    write_down(f, &q);
    for (size_t i = 0; i < f->answers_count; i++) {
        if (!span_is(q.verb, f->answer[i].verb))
            continue;
        if (f->answer[i].vanish)
            return false;
        answer(fd, frame.id, &f->answer[i]);
        return true;
    }
    answer(fd, frame.id, &(struct control_answer){.status = CONTROL_USAGE, .text = "no such verb"});
    return true;
}

static void *serve(void *arg)
{
    struct control_fake *f = arg;
    for (int fd; (fd = accept(f->listener, NULL, NULL)) >= 0; close(fd)) {
        uint8_t in[WIRE_FRAME_BYTES_MAX];
        say(fd, FRAME_GREETING, 0, SPAN_EMPTY); /* as the vault greets every client */
        for (ssize_t n; (n = recv(fd, in, sizeof in, 0)) > 0;)
            if (!handle(f, fd, span_of(in, (size_t)n)))
                break;
    }
    return NULL;
}

void control_fake_start(struct control_fake *f, const struct control_answer *a, size_t n)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    f->answer = a;
    f->answers_count = n;
    f->asked = buf_of(f->asked_bytes, sizeof f->asked_bytes - 1);
    f->rows = buf_of(f->rows_bytes, sizeof f->rows_bytes);
    snprintf(f->dir, sizeof f->dir, "/tmp/cpni-ctl-XXXXXX");
    CHECK(mkdtemp(f->dir) != NULL);
    snprintf(f->path, sizeof f->path, "%s/control.sock", f->dir);
    snprintf(address.sun_path, sizeof address.sun_path, "%s", f->path);
    f->listener = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    CHECK(bind(f->listener, (struct sockaddr *)&address, sizeof address) == 0);
    CHECK(listen(f->listener, 4) == 0);
    CHECK(pthread_create(&f->thread, NULL, serve, f) == 0);
}

void control_fake_stop(struct control_fake *f)
{
    shutdown(f->listener, SHUT_RDWR);
    pthread_join(f->thread, NULL);
    close(f->listener);
    unlink(f->path);
    rmdir(f->dir);
    f->asked_bytes[f->asked.n] = 0;
}

struct ctl_result ctl_result_of(const char *socket_path, const char *const *words)
{
    struct ctl_result r = {0};
    char *argv[WORDS_MAX] = {(char *)(uintptr_t) "cpnictl"};
    size_t out_bytes, err_bytes;
    int argc = 1;
    if (socket_path) {
        argv[argc++] = (char *)(uintptr_t) "--socket";
        argv[argc++] = (char *)(uintptr_t)socket_path;
    }
    for (; *words; words++) {
        CHECK(argc < WORDS_MAX - 1);
        argv[argc++] = (char *)(uintptr_t)*words;
    }
    FILE *out = open_memstream(&r.out, &out_bytes), *err = open_memstream(&r.err, &err_bytes);
    CHECK(out && err);
    r.status = ctl_run(argc, argv, out, err);
    fclose(out);
    fclose(err);
    return r;
}

void ctl_result_free(struct ctl_result *r)
{
    free(r->out);
    free(r->err);
}
