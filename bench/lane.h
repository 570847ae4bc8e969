/* lane.h - one sender of a run: its input, its own pace, and its way into the daemon. */
#ifndef CPNI_BENCH_LANE_H
#define CPNI_BENCH_LANE_H

#include "bench/daemon.h"
#include "bench/http_client.h"
#include "bench/pace.h"
#include "bench/stock.h"

enum lane_way { LANE_FILE, LANE_UDP, LANE_TCP, LANE_HTTP, LANE_WAYS };

struct lane {
    struct stock *stock; /* borrowed; what is sent is forgotten, if it was not whole at first */
    enum lane_way way;
    struct pace pace;
    /* of lane.c */
    bool live;
    int fd;                /* file or socket; -1 = HTTP */
    struct poster *poster; /* HTTP */
    size_t next;           /* item to be sent */
};

/* events: of HTTP, whoever answers. ERR_NET, ERR_STORE, ERR_NOMEM: d->what. */
MUST_CHECK enum err lane_open(struct lane *l, const struct daemon *dm,
                              const struct poster_events *events, struct diag *d);
void lane_close(struct lane *l);

/* Sends what is due, a burst at most, and as much as is taken. Gives how many items, from the
 * l->next of before on. */
size_t lane_send(struct lane *l, uint64_t now_us);
bool lane_sent_all(const struct lane *l);

#endif
