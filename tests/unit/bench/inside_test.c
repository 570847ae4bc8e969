/* Proves: a run in one process of every kind of input makes every record durable and the totals
 * are those of the generator, at full speed and in an open loop; and a truth that is off by one
 * call is found. */
#include "bench/inside.h"

#include <criterion/criterion.h>
#include <stdlib.h>

enum { RECORDS = 1000, CUSTOMERS = 60 };

static struct result *run(enum stock_kind kind, uint64_t rate, unsigned spoil)
{
    struct calls_options calls = {.seed = 3, .count = RECORDS, .customers = CUSTOMERS};
    struct result *r = calloc(1, sizeof *r);
    struct stock stock;
    struct place place;
    struct diag d = {.what = ""};
    cr_assert_eq(stock_init(&stock, kind, &calls, 100), OK);
    stock_make(&stock, STOCK_ALL);
    cr_assert_eq(place_new(NULL, false, &place, &d), OK, "%s", d.what);
    stock.truth.account[0].attempts += spoil;
    struct inside_options o = {
        .place = &place, .stock = &stock, .customers = CUSTOMERS, .pace = {.rate = rate}};
    *r = (struct result){.records = stock.records, .items = stock.items_count};
    cr_assert_eq(inside_run(&o, r, &d), OK, "%s", d.what);
    place_done(&place);
    stock_done(&stock);
    return r;
}

Test(inside, every_kind_is_counted_right, .timeout = 120)
{
    for (unsigned kind = 0; kind < STOCK_KINDS; kind++) {
        struct result *r = run((enum stock_kind)kind, 0, 0);
        cr_expect(result_passed(r), "kind %u", kind);
        cr_expect_eq(r->durable, (uint64_t)RECORDS);
        cr_expect_gt(r->expected.duration_ms, 0u);
        cr_expect_eq(r->expected.duration_ms, r->pulled.duration_ms);
        cr_expect_eq(r->expected.attempts, r->pulled.attempts);
        cr_expect_eq(r->pulled.incomplete, 0u);
        cr_expect_eq(r->latency.count, (uint64_t)RECORDS);
        cr_expect_gt(r->disk_bytes, RECORDS * UINT64_C(100));
        for (unsigned stage = 0; stage < STAGE_COUNT; stage++)
            cr_expect_gt(r->stages.cost[stage].cycles, 0u, "%s", STAGE_NAME[stage]);
        free(r);
    }
}

Test(inside, an_open_loop_keeps_its_rate, .timeout = 60)
{
    struct result *r = run(STOCK_CSV, 2000, 0);
    cr_expect(result_passed(r));
    cr_expect_geq(r->wall_us, 490000u, "1000 lines at 2000 a second");
    free(r);
}

Test(inside, a_wrong_total_fails, .timeout = 60)
{
    struct result *r = run(STOCK_CSV, 0, 1);
    cr_expect_eq(r->accounts_that_differ, 1u);
    cr_expect_not(result_passed(r));
    free(r);
}
