/* Proves: time and allocations go to the stage in which they fall, and stages nest. */
#include "bench/stage.h"

#include <criterion/criterion.h>
#include <stdlib.h>

#include "bench/heap.h"
#include "bench/pace.h"

static void *volatile sink;

static void spend(unsigned ms, unsigned allocations)
{
    for (unsigned i = 0; i < allocations; i++) {
        sink = malloc(100);
        free(sink);
    }
    uint64_t until = pace_now_us() + ms * 1000;
    while (pace_now_us() < until)
        ;
}

Test(stage, costs_fall_where_they_belong)
{
    struct stages s;
    stage_begin(&s);
    cr_expect_eq(stage_enter(&s, STAGE_READ), STAGE_BENCH);
    spend(1, 3);
    enum stage before = stage_enter(&s, STAGE_SEAL);
    spend(20, 5);
    stage_enter(&s, before);
    spend(1, 1);
    stage_enter(&s, STAGE_BENCH);
    cr_expect_eq(before, STAGE_READ);
    cr_expect_gt(s.cost[STAGE_READ].cycles, 0u);
    cr_expect_gt(s.cost[STAGE_SEAL].cycles, 0u);
    cr_expect_eq(s.cost[STAGE_COMMIT].cycles, 0u);
    if (heap_counts()) {
        cr_expect_eq(s.cost[STAGE_READ].allocations, 4u);
        cr_expect_eq(s.cost[STAGE_SEAL].allocations, 5u);
        cr_expect_eq(s.cost[STAGE_SEAL].allocated_bytes, 500u);
    }
}

Test(stage, every_stage_has_a_name)
{
    for (unsigned i = 0; i < STAGE_COUNT; i++)
        cr_expect(STAGE_NAME[i] && STAGE_NAME[i][0]);
    cr_expect(stage_cycle_unit()[0]);
}
