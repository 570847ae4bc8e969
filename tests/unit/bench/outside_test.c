/* Proves: a daemon of one's own is started and stopped, and a run against it of every kind of
 * sender, and of several at once, loses nothing and ends in the generator's totals. Skipped, and
 * said so, where cpnid was not built. */
#include "bench/outside.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define CPNID CPNI_BINARY_DIR "/ingest/cpnid"
enum { RECORDS = 1000, CUSTOMERS = 60 };

static const struct feed {
    enum stock_kind kind;
    enum lane_way way;
} CSV = {STOCK_CSV, LANE_FILE}, HEP_UDP = {STOCK_HEP, LANE_UDP}, HEP_TCP = {STOCK_HEP, LANE_TCP},
  JSON = {STOCK_JSON, LANE_HTTP};

static struct stock stock[OUTSIDE_LANES_MAX];

static struct outside_options options_of(const struct place *place, const struct feed *feed,
                                         size_t feeds_count)
{
    /* Each test has ports of its own, below those that the kernel hands out: others run beside it.
     */
    struct outside_options o = {.place = place,
                                .lanes_count = feeds_count,
                                .customers = CUSTOMERS,
                                .reads = 5,
                                .port_offset = (uint16_t)(10000 + 37 * (getpid() % 350)),
                                .workers = 1,
                                .cpnid = CPNID,
                                .npa_path = CPNI_SOURCE_DIR "/deploy/npa.csv"};
    for (size_t i = 0; i < feeds_count; i++) {
        struct calls_options calls = {.seed = 3 + i, .count = RECORDS, .customers = CUSTOMERS};
        cr_assert_eq(stock_init(&stock[i], feed[i].kind, &calls, 100), OK);
        if (i == 0) /* the others are made while they are sent */
            stock_make(&stock[i], STOCK_ALL);
        o.lane[i] = (struct lane){.stock = &stock[i], .way = feed[i].way, .pace = {.rate = 5000}};
    }
    return o;
}

static void check(const struct result *r, size_t feeds_count)
{
    cr_expect(result_passed(r), "durable %llu, drops %llu, differ %llu",
              (unsigned long long)r->durable, (unsigned long long)r->kernel_drops,
              (unsigned long long)r->accounts_that_differ);
    cr_expect_eq(r->received, r->items);
    cr_expect_eq(r->latency.count, (uint64_t)RECORDS * feeds_count);
    cr_expect_geq(r->processes_count, 5u, "ourselves, the parent and its roles");
    cr_expect_eq(r->readback.reads, 5u);
    cr_expect_gt(r->readback.rows, 5u);
    cr_expect_geq(r->timeline.count, 1u);
    cr_expect_gt(r->timeline.moment[0].rss_kib, 1024u);
}

static void run(const struct feed *feed, size_t feeds_count)
{
    struct result *r = calloc(1, sizeof *r);
    struct place place;
    struct diag d = {.what = ""};
    if (access(CPNID, X_OK) != 0) {
        fprintf(stderr, "skipped: no %s\n", CPNID);
        free(r);
        return;
    }
    cr_assert_eq(place_new(NULL, false, &place, &d), OK, "%s", d.what);
    struct outside_options o = options_of(&place, feed, feeds_count);
    *r = (struct result){.records = RECORDS * feeds_count};
    cr_assert_eq(outside_run(&o, r, &d), OK, "%s", d.what);
    check(r, feeds_count);
    place_done(&place);
    for (size_t i = 0; i < feeds_count; i++)
        stock_done(&stock[i]);
    free(r);
}

Test(outside, csv, .timeout = 120)
{
    run(&CSV, 1);
}

Test(outside, hep_udp, .timeout = 120)
{
    run(&HEP_UDP, 1);
}

Test(outside, hep_tcp, .timeout = 120)
{
    run(&HEP_TCP, 1);
}

Test(outside, json, .timeout = 120)
{
    run(&JSON, 1);
}

Test(outside, mixed, .timeout = 120)
{
    const struct feed feed[] = {CSV, HEP_TCP, JSON};
    run(feed, 3);
}
