/* The link to a vault in another process: frames cross whole and in order, a full socket
 * says so and loses nothing, and whatever is not one frame a datagram ends the link. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "vault/vault.h"

struct heard {
    size_t count;
    enum frame_type type;
    uint32_t id;
    size_t bytes;
    uint8_t first;
};

static void hear(void *arg, const struct frame *f)
{
    struct heard *h = arg;
    h->count++;
    h->type = f->type;
    h->id = f->id;
    h->bytes = f->payload.n;
    h->first = f->payload.n ? f->payload.p[0] : 0;
}

struct pair {
    struct vault_link *a;
    int b;
    struct heard heard;
};

static void pair_init(struct pair *p)
{
    int fd[2];
    *p = (struct pair){0};
    cr_assert_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fd), 0);
    cr_assert_eq(vault_link_remote(fd[0], hear, &p->heard, &p->a), OK);
    cr_assert_eq(p->a->ops->fd(p->a), fd[0]);
    p->b = fd[1];
}

static void pair_done(struct pair *p)
{
    vault_link_free(p->a);
    close(p->b);
}

Test(remote, a_frame_sent_is_the_frame_received)
{
    static const size_t BYTES[] = {0, 1, 4096, WIRE_FRAME_BYTES_MAX - FRAME_HEAD_BYTES};
    static uint8_t payload[WIRE_FRAME_BYTES_MAX];
    int fd[2];
    struct heard got = {0}, none = {0};
    struct vault_link *a, *b;
    cr_assert_eq(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, fd), 0);
    cr_assert_eq(vault_link_remote(fd[0], hear, &none, &a), OK);
    cr_assert_eq(vault_link_remote(fd[1], hear, &got, &b), OK);
    payload[0] = 0x5a;
    for (uint32_t i = 0; i < sizeof BYTES / sizeof BYTES[0]; i++) {
        cr_assert_eq(vault_send(a, FRAME_BATCH, i, span_of(payload, BYTES[i])), OK);
        cr_assert_eq(b->ops->receive(b), OK);
        cr_expect_eq(got.count, i + 1);
        cr_expect_eq(got.type, FRAME_BATCH);
        cr_expect_eq(got.id, i);
        cr_expect_eq(got.bytes, BYTES[i]);
        cr_expect_eq(got.first, BYTES[i] ? 0x5a : 0);
    }
    cr_expect_eq(none.count, 0);
    vault_link_free(a);
    vault_link_free(b);
}

Test(remote, a_frame_over_the_limit_is_not_sent)
{
    static uint8_t payload[WIRE_FRAME_BYTES_MAX];
    struct pair p;
    pair_init(&p);
    size_t over = WIRE_FRAME_BYTES_MAX - FRAME_HEAD_BYTES + 1;
    cr_expect_eq(vault_send(p.a, FRAME_BATCH, 1, span_of(payload, over)), ERR_LIMIT);
    cr_expect_eq(recv(p.b, payload, sizeof payload, MSG_DONTWAIT), -1);
    pair_done(&p);
}

Test(remote, a_full_socket_says_so_and_goes_on_when_read)
{
    static uint8_t payload[8192];
    struct pair p;
    pair_init(&p);
    uint32_t sent = 0;
    enum err e;
    while ((e = vault_send(p.a, FRAME_BATCH, sent, span_of(payload, sizeof payload))) == OK)
        cr_assert_lt(++sent, 100000);
    cr_assert_eq(e, ERR_FULL);
    for (uint32_t i = 0; i < sent; i++) { /* all of them are there, in order */
        uint8_t in[WIRE_FRAME_BYTES_MAX];
        ssize_t n = recv(p.b, in, sizeof in, MSG_DONTWAIT);
        cr_assert_eq(n, FRAME_HEAD_BYTES + (ssize_t)sizeof payload);
        cr_assert_eq(in[11], (uint8_t)i);
    }
    cr_expect_eq(vault_send(p.a, FRAME_BATCH, sent, SPAN_EMPTY), OK);
    pair_done(&p);
}

Test(remote, the_end_of_the_peer_is_told_and_kills_nobody)
{
    struct pair p;
    pair_init(&p);
    close(p.b);
    cr_expect_eq(p.a->ops->receive(p.a), ERR_SHUTDOWN);
    cr_expect_eq(vault_send(p.a, FRAME_BATCH, 1, SPAN_EMPTY), ERR_SHUTDOWN); /* no SIGPIPE */
    vault_link_free(p.a);
}

static size_t head(uint8_t *out, size_t payload_bytes)
{
    frame_head(out, FRAME_GREETING, 7, payload_bytes);
    return FRAME_HEAD_BYTES;
}

Test(remote, what_is_not_one_frame_ends_the_link)
{
    static uint8_t big[2 * WIRE_FRAME_BYTES_MAX];
    uint8_t whole[FRAME_HEAD_BYTES], other_version[FRAME_HEAD_BYTES];
    uint8_t two[2 * FRAME_HEAD_BYTES], promised[FRAME_HEAD_BYTES];
    head(whole, 0);
    head(other_version, 0);
    other_version[4] = 2;
    head(two, 0);
    head(two + FRAME_HEAD_BYTES, 0);
    head(promised, 10);
    head(big, WIRE_FRAME_BYTES_MAX - FRAME_HEAD_BYTES); /* whole in what is read of it */
    const struct {
        const char *name;
        const void *p;
        size_t n;
        enum err want;
    } ROW[] = {
        {"a whole frame", whole, sizeof whole, OK},
        {"half a head", whole, 5, ERR_SYNTAX},
        {"another version", other_version, sizeof other_version, ERR_SYNTAX},
        {"two frames in one datagram", two, sizeof two, ERR_SYNTAX},
        {"less payload than promised", promised, sizeof promised, ERR_SYNTAX},
        {"a datagram over the limit", big, WIRE_FRAME_BYTES_MAX + 1, ERR_SYNTAX},
    };
    for (size_t i = 0; i < sizeof ROW / sizeof ROW[0]; i++) {
        struct pair p;
        pair_init(&p);
        cr_assert_eq(send(p.b, ROW[i].p, ROW[i].n, 0), (ssize_t)ROW[i].n, "%s", ROW[i].name);
        cr_expect_eq(p.a->ops->receive(p.a), ROW[i].want, "%s", ROW[i].name);
        cr_expect_eq(p.heard.count, ROW[i].want == OK, "%s", ROW[i].name);
        pair_done(&p);
    }
}

Test(remote, connects_by_path_or_says_unreachable)
{
    char dir[] = "/tmp/cpni-remote-XXXXXX";
    cr_assert_not_null(mkdtemp(dir));
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    cr_assert_lt(snprintf(a.sun_path, sizeof a.sun_path, "%s/control.sock", dir),
                 (int)sizeof a.sun_path);
    struct heard heard = {0};
    struct vault_link *l = NULL;
    cr_expect_eq(vault_link_connect(a.sun_path, hear, &heard, &l), ERR_NET);

    int listener = socket(AF_UNIX, SOCK_SEQPACKET, 0);
    cr_assert_eq(bind(listener, (struct sockaddr *)&a, sizeof a), 0);
    cr_assert_eq(listen(listener, 1), 0);
    cr_assert_eq(vault_link_connect(a.sun_path, hear, &heard, &l), OK);
    int peer = accept(listener, NULL, NULL);
    cr_assert_geq(peer, 0);
    uint8_t frame[FRAME_HEAD_BYTES];
    cr_assert_eq(send(peer, frame, head(frame, 0), 0), FRAME_HEAD_BYTES);
    cr_expect_eq(l->ops->receive(l), OK);
    cr_expect_eq(heard.count, 1);
    vault_link_free(l);
    close(peer);
    close(listener);
    unlink(a.sun_path);
    rmdir(dir);
}

Test(remote, a_path_too_long_for_a_socket_is_unreachable)
{
    char path[200];
    memset(path, 'x', sizeof path - 1);
    path[sizeof path - 1] = 0;
    struct vault_link *l = NULL;
    cr_expect_eq(vault_link_connect(path, hear, NULL, &l), ERR_NET);
    cr_expect_null(vault_link_free(NULL));
}
