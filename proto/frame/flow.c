#include "proto/frame/flow.h"

#include <stdlib.h>

/* A flow is looked for in one set only, picked by a hash of its ends: no chains to follow. */
enum { SET_FLOWS = 16, SETS = FLOWS_MAX / SET_FLOWS };

/* A segment whose number is further away than this belongs to another connection with the same
 * ports, of which the capture does not show the beginning. */
enum { WINDOW_BYTES = 1024 * 1024 };

struct ahead { /* a segment behind a gap */
    struct ahead *next;
    uint32_t seq;
    size_t n;
    uint8_t bytes[];
};

struct slot {
    struct flow flow;
    bool used;
    bool gap;   /* tell the reader so with the next bytes */
    bool begun; /* its SYN was seen, with this number: */
    uint32_t syn_seq;
    uint32_t next_seq; /* of the first byte that has not come */
    int64_t t_us;      /* of its last packet */
    int64_t gap_us;    /* since when `ahead` waits */
    struct ahead *ahead;
    size_t ahead_bytes, ahead_count;
    uint8_t *bytes; /* owned: in order, unread */
    size_t n, cap;
};

struct flows {
    struct slot slot[SETS][SET_FLOWS];
    size_t total_bytes; /* of all `bytes` and `ahead` */
    struct flows_counts counts;
};

/* Who reads, handed through. */
struct sink {
    flow_reader *read;
    void *arg;
};

enum err flows_new(struct flows **out)
{
    *out = calloc(1, sizeof **out);
    return *out ? OK : ERR_NOMEM;
}

static void free_ahead(struct flows *fs, struct slot *s)
{
    struct ahead *a = s->ahead;
    s->ahead = a->next;
    s->ahead_bytes -= a->n;
    s->ahead_count--;
    fs->total_bytes -= a->n;
    explicit_bzero(a->bytes, a->n);
    free(a);
}

static void free_bytes(struct flows *fs, struct slot *s)
{
    if (s->bytes)
        explicit_bzero(s->bytes, s->cap);
    free(s->bytes);
    fs->total_bytes -= s->cap;
    s->bytes = NULL;
    s->n = s->cap = 0;
}

struct flows *flows_free(struct flows *fs)
{
    for (size_t i = 0; fs && i < FLOWS_MAX; i++) {
        struct slot *s = &fs->slot[i / SET_FLOWS][i % SET_FLOWS];
        while (s->ahead)
            free_ahead(fs, s);
        free_bytes(fs, s);
    }
    free(fs);
    return NULL;
}

/* Room for n bytes in order; false: a limit is reached or there is no memory. */
static bool grow(struct flows *fs, struct slot *s, size_t n)
{
    size_t cap = s->cap ? s->cap : 2048;
    while (cap < n)
        cap *= 2;
    if (cap == s->cap)
        return true;
    if (cap > FLOW_BYTES_MAX || cap - s->cap > FLOW_TOTAL_BYTES_MAX - fs->total_bytes)
        return false;
    uint8_t *bytes = malloc(cap);
    if (!bytes)
        return false;
    if (s->n)
        memcpy(bytes, s->bytes, s->n);
    size_t unread = s->n;
    free_bytes(fs, s);
    s->bytes = bytes;
    s->n = unread;
    s->cap = cap;
    fs->total_bytes += cap;
    return true;
}

static void lose_unread(struct flows *fs, struct slot *s)
{
    fs->counts.bytes_lost += s->n;
    free_bytes(fs, s);
    s->gap = true;
}

/* What the reader left of `all`, which is either the slot's own bytes or a packet's. */
static void keep_unread(struct flows *fs, struct slot *s, struct span all, size_t used)
{
    struct span left = span_from(all, used);
    if (left.n == 0) {
        free_bytes(fs, s);
    } else if (s->n) {
        memmove(s->bytes, left.p, left.n);
        s->n = left.n;
    } else if (grow(fs, s, left.n)) {
        memcpy(s->bytes, left.p, left.n);
        s->n = left.n;
    } else {
        fs->counts.bytes_lost += left.n;
        s->gap = true;
    }
}

/* The bytes at next_seq. */
static void deliver(struct flows *fs, struct slot *s, struct span data, const struct sink *to)
{
    s->next_seq += (uint32_t)data.n;
    if (s->n && !grow(fs, s, s->n + data.n))
        lose_unread(fs, s);
    struct span all = data;
    if (s->n) {
        memcpy(s->bytes + s->n, data.p, data.n);
        s->n += data.n;
        all = span_of(s->bytes, s->n);
    }
    bool gap = s->gap;
    s->gap = false;
    keep_unread(fs, s, all, to->read(to->arg, &s->flow, all, gap));
}

/* Segments ahead that have become next, or that are old by now. */
static void drain(struct flows *fs, struct slot *s, const struct sink *to)
{
    while (s->ahead && (int32_t)(s->ahead->seq - s->next_seq) <= 0) {
        struct ahead *a = s->ahead;
        size_t old = s->next_seq - a->seq;
        if (old < a->n)
            deliver(fs, s, span_of(a->bytes + old, a->n - old), to);
        free_ahead(fs, s);
    }
}

/* Gives the missing bytes up and goes on behind them. */
static void jump(struct flows *fs, struct slot *s, const struct sink *to)
{
    fs->counts.bytes_lost += s->ahead->seq - s->next_seq;
    lose_unread(fs, s);
    s->next_seq = s->ahead->seq;
    s->gap_us = s->t_us;
    drain(fs, s, to);
}

/* The flow is over: what waits is read, what cannot be read is lost. */
static void retire(struct flows *fs, struct slot *s, const struct sink *to)
{
    while (s->ahead)
        jump(fs, s, to);
    lose_unread(fs, s);
    s->used = false;
}

static void wait_ahead(struct flows *fs, struct slot *s, uint32_t seq, struct span data)
{
    struct ahead **at = &s->ahead;
    while (*at && (int32_t)((*at)->seq - seq) < 0)
        at = &(*at)->next;
    if (*at && (*at)->seq == seq && (*at)->n >= data.n)
        return; /* sent twice, or seen twice */
    struct ahead *a = NULL;
    if (data.n <= FLOW_TOTAL_BYTES_MAX - fs->total_bytes)
        a = malloc(sizeof *a + data.n);
    if (!a) {
        fs->counts.bytes_lost += data.n;
        return;
    }
    *a = (struct ahead){.next = *at, .seq = seq, .n = data.n};
    memcpy(a->bytes, data.p, data.n);
    if (!s->ahead)
        s->gap_us = s->t_us;
    *at = a;
    s->ahead_bytes += data.n;
    s->ahead_count++;
    fs->total_bytes += data.n;
}

static bool waited_enough(const struct slot *s)
{
    return s->ahead &&
           (s->ahead_bytes > FLOW_AHEAD_BYTES_MAX || s->ahead_count > FLOW_AHEAD_SEGMENTS_MAX ||
            s->t_us - s->gap_us > FLOW_GAP_US);
}

static void arrive(struct flows *fs, struct slot *s, uint32_t seq, struct span data,
                   const struct sink *to)
{
    int32_t ahead = (int32_t)(seq - s->next_seq);
    if (ahead > 0) {
        wait_ahead(fs, s, seq, data);
    } else if ((size_t) - (int64_t)ahead < data.n) { /* the rest is new; the first copy counts */
        deliver(fs, s, span_from(data, (size_t) - (int64_t)ahead), to);
        drain(fs, s, to);
    }
    while (waited_enough(s))
        jump(fs, s, to);
}

/* FNV-1a of both ends. Collisions cost an eviction, no more. */
static size_t set_of(const struct packet *p)
{
    uint64_t h = UINT64_C(14695981039346656037);
    const struct endpoint *ends[] = {&p->src, &p->dst};
    for (size_t e = 0; e < 2; e++) {
        for (size_t i = 0; i < sizeof ends[e]->ip; i++)
            h = (h ^ ends[e]->ip[i]) * UINT64_C(1099511628211);
        h = (h ^ ends[e]->port) * UINT64_C(1099511628211);
    }
    return (h ^ h >> 32) % SETS;
}

static struct slot *find(struct flows *fs, const struct packet *p)
{
    struct slot *set = fs->slot[set_of(p)];
    for (size_t i = 0; i < SET_FLOWS; i++)
        if (set[i].used && endpoint_eq(&set[i].flow.src, &p->src) &&
            endpoint_eq(&set[i].flow.dst, &p->dst))
            return &set[i];
    return NULL;
}

/* A free slot, or that of the flow that was quiet for longest. */
static struct slot *claim(struct flows *fs, const struct packet *p, const struct sink *to)
{
    struct slot *set = fs->slot[set_of(p)], *s = &set[0];
    for (size_t i = 1; i < SET_FLOWS && s->used; i++)
        if (!set[i].used || set[i].t_us < s->t_us)
            s = &set[i];
    if (s->used) {
        fs->counts.evicted++;
        retire(fs, s, to);
    }
    return s;
}

static void begin(struct slot *s, const struct packet *p)
{
    *s = (struct slot){.flow = {.src = p->src, .dst = p->dst},
                       .used = true,
                       .gap = !p->tcp.syn,
                       .begun = p->tcp.syn,
                       .syn_seq = p->tcp.seq,
                       .next_seq = p->tcp.seq + p->tcp.syn};
}

/* Is this packet of another connection than the one in the slot? A SYN may be sent, or
 * captured, twice. */
static bool is_other_connection(const struct slot *s, const struct packet *p)
{
    if (p->tcp.syn)
        return !s->begun || s->syn_seq != p->tcp.seq;
    int32_t away = (int32_t)(p->tcp.seq - s->next_seq);
    return p->payload.n && (away > WINDOW_BYTES || away < -WINDOW_BYTES);
}

void flows_put(struct flows *fs, const struct packet *p, int64_t t_us, flow_reader *read, void *arg)
{
    struct sink to = {read, arg};
    struct slot *s = find(fs, p);
    if (!s && p->payload.n == 0 && !p->tcp.syn)
        return; /* a bare ACK says nothing about the other direction's bytes */
    if (s && is_other_connection(s, p)) {
        retire(fs, s, &to);
        begin(s, p);
    } else if (!s) {
        s = claim(fs, p, &to);
        begin(s, p);
    }
    s->t_us = t_us;
    if (p->payload.n) /* RFC 9293 3.4: a SYN takes one number, before the bytes */
        arrive(fs, s, p->tcp.seq + p->tcp.syn, p->payload, &to);
}

void flows_finish(struct flows *fs, flow_reader *read, void *arg)
{
    struct sink to = {read, arg};
    for (size_t i = 0; i < FLOWS_MAX; i++) {
        struct slot *s = &fs->slot[i / SET_FLOWS][i % SET_FLOWS];
        if (s->used)
            retire(fs, s, &to);
    }
}

struct flows_counts flows_counts(const struct flows *fs)
{
    return fs->counts;
}
