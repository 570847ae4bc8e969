#include "bench/rows.h"

#include <stdlib.h>

enum { CAP_FIRST = 1024 };

struct rows_row {
    uint64_t key; /* hash of what names the row; 0 = free */
    uint32_t revision, customer;
    struct tally tally;
};

/* FNV-1a, 64 bits: two of a million rows fall together once in forty million runs. */
static uint64_t hash(uint64_t h, struct span s)
{
    for (size_t i = 0; i < s.n; i++)
        h = (h ^ s.p[i]) * UINT64_C(0x100000001b3);
    return (h ^ 0xff) * UINT64_C(0x100000001b3); /* no byte of a text: the texts stay apart */
}

static uint64_t key_of(const struct pull_row *row)
{
    const struct span PART[] = {row->account,
                                row->service,
                                row->direction,
                                row->call_type,
                                row->juris,
                                row->rate_band,
                                span_of(&row->period_start_s, sizeof row->period_start_s),
                                span_of(&row->period_s, sizeof row->period_s)};
    uint64_t h = UINT64_C(0xcbf29ce484222325);
    for (size_t i = 0; i < sizeof PART / sizeof PART[0]; i++)
        h = hash(h, PART[i]);
    return h ? h : 1;
}

static struct rows_row *find(const struct rows *r, uint64_t key)
{
    size_t i = (size_t)key & (r->cap - 1);
    while (r->row[i].key && r->row[i].key != key)
        i = (i + 1) & (r->cap - 1);
    return &r->row[i];
}

enum err rows_init(struct rows *r)
{
    *r = (struct rows){.cap = CAP_FIRST};
    r->row = calloc(r->cap, sizeof *r->row);
    return r->row ? OK : ERR_NOMEM;
}

void rows_done(struct rows *r)
{
    free(r->row);
    *r = (struct rows){0};
}

static enum err grow(struct rows *r)
{
    struct rows wider = {r->count, r->cap * 2, calloc(r->cap * 2, sizeof *r->row)};
    if (!wider.row)
        return ERR_NOMEM;
    for (size_t i = 0; i < r->cap; i++)
        if (r->row[i].key)
            *find(&wider, r->row[i].key) = r->row[i];
    free(r->row);
    *r = wider;
    return OK;
}

enum err rows_take(struct rows *r, const struct pull_row *row)
{
    uint64_t key = key_of(row);
    if (r->count * 2 >= r->cap && grow(r) != OK)
        return ERR_NOMEM;
    struct rows_row *at = find(r, key);
    if (at->key && at->revision >= row->revision)
        return OK;
    r->count += at->key == 0;
    *at = (struct rows_row){.key = key, .revision = row->revision};
    at->customer = truth_row(row, &at->tally);
    return OK;
}

void rows_sum(const struct rows *r, struct truth *out)
{
    for (size_t i = 0; i < r->cap; i++)
        if (r->row[i].key)
            truth_add(out, r->row[i].customer, &r->row[i].tally);
}
