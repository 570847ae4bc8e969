/* Proves: the largest rate that holds is found from below and from above, within the promised part
 * of it; nothing over the maximum is tried; a rate that never holds is 0; errors end the search. */
#include "bench/ramp.h"

#include <criterion/criterion.h>

struct machine {
    uint64_t holds_upto, most_tried;
    unsigned tries, fail_at;
};

static enum err holds(void *arg, uint64_t rate, bool *out_holds, struct diag *d)
{
    struct machine *m = arg;
    (void)d;
    m->tries++;
    m->most_tried = rate > m->most_tried ? rate : m->most_tried;
    *out_holds = rate <= m->holds_upto;
    return m->tries == m->fail_at ? ERR_NET : OK;
}

Test(ramp, the_largest_rate_is_found)
{
    static const struct {
        uint64_t first, max, truth;
    } ROWS[] = {{1000, 1000000, 250000},
                {1000, 1000000, 999},
                {1000, 1000000, 70},
                {1000, 100000, 500000},
                {1000, 100000, 99999},
                {50000, 4000000, 50000},
                {1, 10, 3}};
    for (size_t r = 0; r < sizeof ROWS / sizeof ROWS[0]; r++) {
        struct machine m = {.holds_upto = ROWS[r].truth};
        struct ramp ramp = {ROWS[r].first, ROWS[r].max, 4, holds, &m};
        uint64_t found, best = ROWS[r].truth < ROWS[r].max ? ROWS[r].truth : ROWS[r].max;
        cr_assert_eq(ramp_find(&ramp, &found, NULL), OK);
        cr_expect(found <= best && found >= best - best / 8, "row %zu: %llu", r,
                  (unsigned long long)found);
        cr_expect_leq(m.most_tried, ROWS[r].max);
        cr_expect_leq(m.tries, 30u);
    }
}

Test(ramp, nothing_holds)
{
    struct machine m = {.holds_upto = 0};
    struct ramp ramp = {1000, 100000, 4, holds, &m};
    uint64_t found = 1;
    cr_assert_eq(ramp_find(&ramp, &found, NULL), OK);
    cr_expect_eq(found, 0u);
}

Test(ramp, errors_end_it)
{
    for (unsigned at = 1; at < 6; at++) {
        struct machine m = {.holds_upto = 3000, .fail_at = at};
        struct ramp ramp = {1000, 100000, 4, holds, &m};
        uint64_t found = 5;
        cr_expect_eq(ramp_find(&ramp, &found, NULL), ERR_NET);
        cr_expect(found == 5 && m.tries == at);
    }
}
