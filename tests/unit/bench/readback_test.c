/* Proves: months are read back, with as many calls as the customers have, each read behind an audit
 * line; and a user who may not is refused. */
#include "bench/readback.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/lib/vault_fixture.h"

static struct fix f;

static void setup(void)
{
    struct peer all = fix_peer_all();
    fix_init(&f, &all);
}

static void teardown(void)
{
    fix_done(&f);
}

TestSuite(readback, .init = setup, .fini = teardown);

static void fill(struct ask *ask)
{
    enum { CALLS = 12 };
    uint16_t feed = fix_hello(&f, "pbx", 1);
    char number[POPULATION_NUMBER_BYTES];
    cr_assert_eq(ask_import(ask, 1), OK);
    population_number(0, number);
    for (int64_t i = 0; i < CALLS; i++) {
        struct record r;
        char dedup[8];
        snprintf(dedup, sizeof dedup, "d%d", (int)i);
        fix_call(&r, feed, number, "+13105550100", INT64_C(1795154400000000) + i * 1000000, dedup);
        fix_add(&f, &r);
    }
    cr_assert_eq(fix_commit(&f).accepted, (uint32_t)CALLS);
}

Test(readback, every_call_comes_back)
{
    struct ask ask = {.link = NULL};
    struct readback_options o = {.customers = 1, .reads = 3};
    struct readback *r = calloc(1, sizeof *r);
    cr_assert_eq(vault_link_local(f.vault, &f.peer, ask_frame, &ask, &ask.link), OK);
    fill(&ask);
    cr_assert_eq(readback_run(&ask, &o, r), OK);
    cr_expect_eq(r->reads, 3u);
    cr_expect_eq(r->rows, 36u);
    cr_expect_eq(r->latency.count, 3u);
    struct vault_totals t;
    vault_totals(f.vault, &t);
    cr_expect_eq(t.disclosures, 3u);
    vault_link_free(ask.link);
    free(r);
}

Test(readback, who_may_not_is_refused)
{
    struct ask ask = {.link = NULL};
    struct readback_options o = {.customers = 1, .reads = 1};
    struct readback *r = calloc(1, sizeof *r);
    struct peer nobody = {.uid = 7};
    cr_assert_eq(vault_link_local(f.vault, &nobody, ask_frame, &ask, &ask.link), OK);
    cr_expect_eq(readback_run(&ask, &o, r), ERR_DENIED);
    vault_link_free(ask.link);
    free(r);
}
