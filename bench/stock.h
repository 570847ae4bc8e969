/* stock.h - the input of a run. Usually it is made before the run begins: the generator's time is
 * not the program's, and the sender has nothing to do but send. A run that is longer than the
 * memory makes it while it sends, some items ahead, and gives back what was sent. */
#ifndef CPNI_BENCH_STOCK_H
#define CPNI_BENCH_STOCK_H

#include "bench/calls.h"
#include "bench/truth.h"

enum stock_kind { STOCK_CSV, STOCK_HEP, STOCK_JSON, STOCK_KINDS };

struct stock_item { /* a line, a frame, a document */
    size_t at;
    uint32_t bytes;
    bool ends; /* a record comes of it */
};

struct stock {
    enum stock_kind kind;
    uint64_t records; /* in the end */
    uint32_t open_calls;
    uint64_t turn, turns; /* made, and to make */
    struct calls calls;   /* owned */
    size_t items_count, bytes;
    struct stock_item *item; /* owned, as are the bytes */
    uint8_t *room;
    size_t room_bytes, item_bytes;
    size_t forgotten_bytes;
    struct truth truth; /* of the calls that were begun */
};

/* HEP: the messages of up to open_calls calls lie between each other, as those of a busy proxy do;
 * CSV and JSON have a record an item. ERR_NOMEM. Nothing is made yet. */
MUST_CHECK enum err stock_init(struct stock *s, enum stock_kind kind,
                               const struct calls_options *options, uint32_t open_calls);
void stock_done(struct stock *s);

/* Makes more until there are so many items, or all. Touches as much memory as they are long. */
void stock_make(struct stock *s, size_t items);
#define STOCK_ALL SIZE_MAX
static inline bool stock_whole(const struct stock *s)
{
    return s->turn == s->turns;
}
/* Items before this one are not looked at any more. */
void stock_forget(struct stock *s, size_t item);

static inline struct span stock_item(const struct stock *s, size_t i)
{
    return span_of(s->room + s->item[i].at, s->item[i].bytes);
}

/* Adjacent items as they lie in memory: for streams and files. */
static inline struct span stock_items(const struct stock *s, size_t from, size_t to)
{
    size_t begin = from < s->items_count ? s->item[from].at : s->bytes;
    size_t end = to < s->items_count ? s->item[to].at : s->bytes;
    return span_of(s->room + begin, end - begin);
}

#endif
