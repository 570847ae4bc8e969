/* Proves: verify finds what is wrong, and only then: a changed seal, a total that is not the
 * sum of its records. */
#include <criterion/criterion.h>

#include "proto/core/instant.h"
#include "tests/lib/vault_fixture.h"
#include "vault/state.h"

static struct fix f;
static const int64_t T0 = 1795219200 * (int64_t)US_PER_S;

static void setup(void)
{
    struct peer all = fix_peer_all();
    fix_init(&f, &all);
    uint16_t feed = fix_hello(&f, "asterisk", FEED_ASTERISK_CSV);
    for (int i = 0; i < 5; i++) {
        struct record r;
        char key[2] = {(char)('a' + i), 0};
        fix_call(&r, feed, "+12125550101", "+12125550102", T0 + i, key);
        fix_add(&f, &r);
    }
    cr_assert_eq(fix_commit(&f).accepted, 5);
}

static void teardown(void)
{
    fix_done(&f);
}

TestSuite(verify, .init = setup, .fini = teardown);

static const char *bad(const char *check)
{
    for (size_t i = 0; i < fix_rows(&f); i++)
        if (strcmp(fix_cell(&f, i, "check"), check) == 0)
            return fix_cell(&f, i, "bad");
    return "missing";
}

Test(verify, a_sound_vault_is_sound)
{
    cr_expect_eq(fix_ask(&f, "verify", "deep", "1", NULL), CONTROL_DONE);
    cr_expect_str_eq(bad("record seals"), "0");
    cr_expect_str_eq(bad("usage recomputed from records"), "0");
    cr_expect_str_eq(bad("audit chain"), "0");
}

static bool first_row(void *arg, uint32_t month, uint64_t seq, struct span value)
{
    struct buf *copy = arg;
    (void)month;
    buf_put(copy, value);
    return seq != 1;
}

Test(verify, one_changed_bit_is_found_by_deep)
{
    uint8_t bytes[4096];
    struct buf b = buf_of(bytes, sizeof bytes);
    cr_assert_eq(store_walk_records(f.vault->store, 1, first_row, &b), OK);
    bytes[b.n / 2] ^= 1;
    uint64_t seq = store_next_seq(f.vault->store);
    cr_assert_eq(txn_record(vault_txn(f.vault), 202611, seq, buf_span(&b)), OK);
    cr_assert_eq(vault_flush(f.vault), OK);
    cr_expect_eq(fix_ask(&f, "verify", NULL), CONTROL_DONE, "the shallow levels open no record");
    cr_expect_eq(fix_ask(&f, "verify", "deep", "1", NULL), CONTROL_INTEGRITY);
    cr_expect_str_eq(bad("record seals"), "1");
}

Test(verify, a_total_that_no_record_explains_is_found)
{
    struct usage_key key = {.account = 1, .period_s = 86400, .period_start_s = 0};
    struct usage_totals one = {.attempts = 1};
    cr_assert_eq(windows_add(f.vault->windows, &key, 1000, &one), OK);
    cr_expect_eq(fix_ask(&f, "verify", "deep", "1", NULL), CONTROL_INTEGRITY);
    cr_expect_str_eq(bad("usage recomputed from records"), "1");
    cr_expect_str_eq(bad("record seals"), "0");
}

/* The outbox is not sealed: a row that points where it should not must be told. */
Test(verify, an_outbox_that_lies_is_found)
{
    static const uint8_t POSITION[8] = {0, 0, 0, 0, 0, 0, 0, 1}, NO_TAG[16];
    cr_expect_eq(fix_ask(&f, "verify", "deep", "1", NULL), CONTROL_DONE);
    txn_put(vault_txn(f.vault), FAMILY_OUTBOX, span_of(POSITION, sizeof POSITION),
            span_of(NO_TAG, sizeof NO_TAG));
    cr_assert_eq(vault_flush(f.vault), OK);
    cr_expect_eq(fix_ask(&f, "verify", "deep", "1", NULL), CONTROL_INTEGRITY);
    cr_expect_str_neq(bad("usage recomputed from records"), "0");
}
