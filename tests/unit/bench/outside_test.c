/* Proves: a daemon of one's own is started and stopped, and a run against it of every kind of
 * sender loses nothing and ends in the generator's totals. Skipped, and said so, where cpnid was
 * not built. */
#include "bench/outside.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define CPNID CPNI_BINARY_DIR "/ingest/cpnid"
enum { RECORDS = 1000, CUSTOMERS = 60 };

/* Each test has ports of its own, below those that the kernel hands out: others run beside it. */
static void run(enum stock_kind kind, enum outside_way way)
{
    struct calls_options calls = {.seed = 3, .count = RECORDS, .customers = CUSTOMERS};
    struct result *r = calloc(1, sizeof *r);
    struct stock stock;
    struct place place;
    struct diag d = {.what = ""};
    if (access(CPNID, X_OK) != 0) {
        fprintf(stderr, "skipped: no %s\n", CPNID);
        free(r);
        return;
    }
    cr_assert_eq(stock_init(&stock, kind, &calls, 100), OK);
    cr_assert_eq(place_new(NULL, false, &place, &d), OK, "%s", d.what);
    struct outside_options o = {.place = &place,
                                .stock = &stock,
                                .way = way,
                                .customers = CUSTOMERS,
                                .rate = 5000,
                                .port_offset = (uint16_t)(10000 + 37 * (getpid() % 350)),
                                .workers = 1,
                                .cpnid = CPNID,
                                .npa_path = CPNI_SOURCE_DIR "/deploy/npa.csv"};
    *r = (struct result){.records = stock.records, .items = stock.items_count};
    cr_assert_eq(outside_run(&o, r, &d), OK, "%s", d.what);
    cr_expect(result_passed(r), "durable %llu, drops %llu, differ %llu",
              (unsigned long long)r->durable, (unsigned long long)r->kernel_drops,
              (unsigned long long)r->accounts_that_differ);
    cr_expect_eq(r->received, r->items);
    cr_expect_eq(r->latency.count, (uint64_t)RECORDS);
    cr_expect_geq(r->processes_count, 5u, "ourselves, the parent and its roles");
    place_done(&place);
    stock_done(&stock);
    free(r);
}

Test(outside, csv, .timeout = 120)
{
    run(STOCK_CSV, OUTSIDE_FILE);
}

Test(outside, hep_udp, .timeout = 120)
{
    run(STOCK_HEP, OUTSIDE_UDP);
}

Test(outside, hep_tcp, .timeout = 120)
{
    run(STOCK_HEP, OUTSIDE_TCP);
}

Test(outside, json, .timeout = 120)
{
    run(STOCK_JSON, OUTSIDE_HTTP);
}
