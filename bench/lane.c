#include "bench/lane.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bench/sender.h"

enum { ITEMS_A_TURN = 512, DATAGRAMS_A_CALL = 64, HTTP_CONNECTIONS = 64 };

/* --- senders: how many of the items were taken --- */

static size_t give_file(struct lane *l, size_t to)
{
    struct span bytes = stock_items(l->stock, l->next, to);
    return sender_write(l->fd, bytes) == OK ? to - l->next : 0;
}

static size_t give_udp(struct lane *l, size_t to)
{
    struct mmsghdr message[DATAGRAMS_A_CALL];
    struct iovec part[DATAGRAMS_A_CALL];
    size_t n = 0;
    for (; n < DATAGRAMS_A_CALL && l->next + n < to; n++) {
        struct span item = stock_item(l->stock, l->next + n);
        part[n] = (struct iovec){(void *)(uintptr_t)item.p, item.n};
        message[n] = (struct mmsghdr){.msg_hdr = {.msg_iov = &part[n], .msg_iovlen = 1}};
    }
    int sent = sendmmsg(l->fd, message, (unsigned)n, 0);
    return sent > 0 ? (size_t)sent : 0;
}

/* What the socket takes now; an item that was begun is finished, waiting if need be. */
static size_t give_tcp(struct lane *l, size_t to)
{
    const struct stock *s = l->stock;
    struct span bytes = stock_items(s, l->next, to);
    ssize_t n = send(l->fd, bytes.p, bytes.n, MSG_DONTWAIT | MSG_NOSIGNAL);
    size_t end = s->item[l->next].at + (n > 0 ? (size_t)n : 0), i = l->next;
    while (i < to && s->item[i].at + s->item[i].bytes <= end)
        i++;
    if (i == to || s->item[i].at == end)
        return i - l->next;
    struct span rest = span_from(stock_item(s, i), end - s->item[i].at);
    return sender_put(l->fd, rest) == OK ? i + 1 - l->next : i - l->next;
}

static size_t give_http(struct lane *l, size_t to)
{
    size_t i = l->next;
    while (i < to && poster_put(l->poster, i, stock_item(l->stock, i)))
        i++;
    return i - l->next;
}

static size_t (*const GIVE[LANE_WAYS])(struct lane *l, size_t to) = {
    [LANE_FILE] = give_file, [LANE_UDP] = give_udp, [LANE_TCP] = give_tcp, [LANE_HTTP] = give_http};

/* --- the lane --- */

enum err lane_open(struct lane *l, const struct daemon *dm, const struct poster_events *events,
                   struct diag *d)
{
    char to[32];
    l->live = !stock_whole(l->stock);
    l->fd = -1;
    snprintf(to, sizeof to, "127.0.0.1:%u", dm->hep_port);
    switch (l->way) {
    case LANE_FILE:
        l->fd = open(dm->file, O_WRONLY | O_APPEND | O_CLOEXEC);
        return l->fd >= 0 ? OK : diag_set(d, ERR_STORE, "the feed's file cannot be written", 0);
    case LANE_UDP:
    case LANE_TCP:
        return sender_connect(to, l->way == LANE_TCP, &l->fd, d);
    case LANE_HTTP:
        diag_set(d, ERR_NET, "HTTP connections", 0);
        return poster_new(dm->http_port, HTTP_CONNECTIONS, events, &l->poster);
    case LANE_WAYS:
        break;
    }
    return ERR_SYNTAX;
}

void lane_close(struct lane *l)
{
    if (l->fd >= 0)
        close(l->fd);
    l->fd = -1;
    l->poster = poster_free(l->poster);
}

/* Items that are due now. */
static size_t due(const struct lane *l, uint64_t now_us)
{
    size_t to = l->next + ITEMS_A_TURN, all = l->stock->items_count;
    if (to > all)
        to = all;
    while (to > l->next && pace_due_us(&l->pace, to - 1) > now_us)
        to--;
    return to;
}

/* A document is looked at until it has been answered: those behind it stay, too. */
static void renew(struct lane *l)
{
    enum { ANSWERS_OPEN = 16 * HTTP_CONNECTIONS };
    stock_make(l->stock, l->next + ITEMS_A_TURN);
    if (l->next > ANSWERS_OPEN)
        stock_forget(l->stock, l->next - ANSWERS_OPEN);
}

size_t lane_send(struct lane *l, uint64_t now_us)
{
    if (l->live)
        renew(l);
    size_t to = due(l, now_us);
    size_t taken = to > l->next ? GIVE[l->way](l, to) : 0;
    l->next += taken;
    return taken;
}

bool lane_sent_all(const struct lane *l)
{
    return stock_whole(l->stock) && l->next == l->stock->items_count;
}
