#include "bench/stock.h"

#include <sys/mman.h>

#include "bench/generate.h"

/* What an item may take, and how many items a call may make. */
static const struct {
    size_t bytes_max, items_max;
} KIND[STOCK_KINDS] = {[STOCK_CSV] = {GENERATE_CSV_BYTES_MAX, 1},
                       [STOCK_HEP] = {GENERATE_HEP_BYTES_MAX, GENERATE_STEPS_MAX},
                       [STOCK_JSON] = {GENERATE_JSON_BYTES_MAX, 1}};

/* Address space for the worst case; the kernel gives pages as they are written. */
static void *reserve(size_t bytes)
{
    void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
                   -1, 0);
    return p == MAP_FAILED ? NULL : p;
}

static void add(struct stock *s, const struct bench_call *call, unsigned step)
{
    struct buf b = buf_of(s->room + s->bytes, s->room_bytes - s->bytes);
    bool ends = true;
    if (s->kind == STOCK_CSV) {
        generate_csv(call, &b);
    } else if (s->kind == STOCK_JSON) {
        generate_json(call, &b);
    } else {
        generate_hep(call, step, &b);
        ends = generate_ends(call, step);
    }
    s->item[s->items_count++] = (struct stock_item){s->bytes, (uint32_t)b.n, ends};
    s->bytes += b.n;
}

/* The n-th message of a call comes lag[n] turns behind its first: each turn begins a call, and goes
 * on with those that began some turns ago. */
static void add_messages(struct stock *s, uint64_t turn)
{
    const uint32_t w = s->open_calls;
    const uint32_t lag[GENERATE_STEPS_MAX] = {0, 0, w / 8, w / 4, w / 4, w, w};
    struct bench_call call;
    for (unsigned step = 0; step < GENERATE_STEPS_MAX; step++) {
        uint64_t i = turn - lag[step];
        if (turn < lag[step] || i >= s->records)
            continue;
        calls_make(&s->calls, i, &call);
        if (step < generate_steps(&call))
            add(s, &call, step);
    }
}

static void make_turn(struct stock *s)
{
    uint64_t turn = s->turn++;
    struct bench_call call;
    if (turn < s->records) {
        calls_make(&s->calls, turn, &call);
        truth_add_call(&s->truth, &call);
        if (s->kind != STOCK_HEP)
            add(s, &call, 0);
    }
    if (s->kind == STOCK_HEP)
        add_messages(s, turn);
}

void stock_make(struct stock *s, size_t items)
{
    while (s->items_count < items && s->turn < s->turns)
        make_turn(s);
}

/* Now and then, and whole pages. */
void stock_forget(struct stock *s, size_t item)
{
    enum { PAGE = 4096, PAGES = 1024 };
    size_t upto = item < s->items_count ? s->item[item].at : s->bytes;
    upto -= upto % PAGE;
    if (upto < s->forgotten_bytes + (size_t)PAGE * PAGES)
        return;
    madvise(s->room + s->forgotten_bytes, upto - s->forgotten_bytes, MADV_DONTNEED);
    s->forgotten_bytes = upto;
}

enum err stock_init(struct stock *s, enum stock_kind kind, const struct calls_options *options,
                    uint32_t open_calls)
{
    struct calls_options o = *options;
    o.whole_seconds = kind == STOCK_CSV;
    *s = (struct stock){.kind = kind, .records = o.count, .open_calls = open_calls};
    s->turns = o.count + (kind == STOCK_HEP ? open_calls : 0);
    s->room_bytes = o.count * KIND[kind].items_max * KIND[kind].bytes_max;
    s->item_bytes = o.count * KIND[kind].items_max * sizeof s->item[0];
    s->room = reserve(s->room_bytes);
    s->item = reserve(s->item_bytes);
    enum err e = s->room && s->item ? truth_init(&s->truth, o.customers) : ERR_NOMEM;
    if (e == OK)
        e = calls_init(&s->calls, &o);
    if (e != OK)
        stock_done(s);
    return e;
}

void stock_done(struct stock *s)
{
    truth_done(&s->truth);
    calls_done(&s->calls);
    if (s->room)
        munmap(s->room, s->room_bytes);
    if (s->item)
        munmap(s->item, s->item_bytes);
    *s = (struct stock){.kind = s->kind};
}
