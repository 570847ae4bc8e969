#include "bench/result.h"

enum err result_compare(struct result *r, const struct truth *expected, const struct rows *pulled)
{
    struct truth sum;
    enum err e = truth_init(&sum, expected->customers);
    if (e != OK)
        return e;
    rows_sum(pulled, &sum);
    r->expected = expected->total;
    r->pulled = sum.total;
    r->accounts_that_differ = truth_differences(expected, &sum);
    r->totals_equal = r->accounts_that_differ == 0;
    truth_done(&sum);
    return OK;
}

bool result_passed(const struct result *r)
{
    return r->totals_equal && r->durable == r->records && r->sent_items == r->items &&
           r->kernel_drops == 0 && r->shed == 0 && r->malformed == 0;
}
