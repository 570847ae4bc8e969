#include "bench/ramp.h"

enum { SMALLEST = 64 };

/* The largest rate that held and the smallest that did not; 0 = there is none yet. */
struct bounds {
    uint64_t good, bad;
};

static enum err try(const struct ramp *r, uint64_t rate, struct bounds *b, struct diag *d)
{
    bool holds = false;
    enum err e = r->holds(r->arg, rate, &holds, d);
    if (e == OK && holds)
        b->good = rate;
    else if (e == OK)
        b->bad = rate;
    return e;
}

/* Up from the first rate; down from it when that was too much already. */
static enum err enclose(const struct ramp *r, struct bounds *b, struct diag *d)
{
    enum err e = try(r, r->first, b, d);
    while (e == OK && !b->bad && b->good < r->max)
        e = try(r, b->good <= r->max / 2 ? b->good * 2 : r->max, b, d);
    while (e == OK && !b->good && b->bad / 2 >= r->first / SMALLEST && b->bad / 2 > 0)
        e = try(r, b->bad / 2, b, d);
    return e;
}

enum err ramp_find(const struct ramp *r, uint64_t *out, struct diag *d)
{
    struct bounds b = {0, 0};
    enum err e = enclose(r, &b, d);
    for (unsigned i = 0; e == OK && b.good && b.bad && i < r->halvings; i++)
        e = try(r, b.good + (b.bad - b.good) / 2, &b, d);
    if (e == OK)
        *out = b.good;
    return e;
}
