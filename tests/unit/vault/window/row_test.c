/* Proves: a window row and the state come back as they were put; their length tells nothing of
 * the totals; changed or moved ones do not open. */
#include <criterion/criterion.h>

#include "tests/lib/vault_rig.h"
#include "vault/window/row.h"

static struct vault_rig rig;
static uint8_t tag[WINDOW_TAG_BYTES], other_tag[WINDOW_TAG_BYTES];
static struct window_row row;

static void put(const uint8_t at[static WINDOW_TAG_BYTES], const struct window_row *r)
{
    cr_assert_eq(window_put(rig.keys, store_begin(rig.store), at, r), OK);
    rig_commit(&rig);
}

static void init(void)
{
    uint8_t code[USAGE_KEY_BYTES];
    rig_init(&rig);
    row = (struct window_row){.position = 77, .revision = 3};
    row.key = (struct usage_key){.account = 9, .period_s = 86400, .period_start_s = 1699920000};
    row.totals = (struct usage_totals){.attempts = 5, .answered = 4, .duration_ms = 123456};
    usage_key_encode(&row.key, code);
    window_tag(rig.keys, code, tag);
    code[USAGE_KEY_BYTES - 1] ^= 1;
    window_tag(rig.keys, code, other_tag);
    put(tag, &row);
}

static void done(void)
{
    rig_done(&rig);
}

TestSuite(window_row, .init = init, .fini = done);

static size_t stored_bytes(void)
{
    uint8_t room[1024];
    struct buf value = buf_of(room, sizeof room);
    cr_assert_eq(store_get(rig.store, FAMILY_USAGE, span_of(tag, sizeof tag), &value), OK);
    return value.n;
}

Test(window_row, comes_back)
{
    struct window_row got = {0};
    cr_assert_eq(window_get(rig.store, rig.keys, tag, &got), OK);
    cr_expect_eq(got.position, 77);
    cr_expect_eq(got.revision, 3);
    cr_expect_eq(got.key.account, 9);
    cr_expect_eq(got.key.period_start_s, 1699920000);
    cr_expect_arr_eq(&got.totals, &row.totals, sizeof got.totals);
    cr_expect_eq(window_get(rig.store, rig.keys, other_tag, &got), ERR_NOTFOUND);
}

Test(window_row, the_greatest_totals_fit)
{
    struct window_row got = {0};
    memset(&row.totals, 0xff, sizeof row.totals);
    put(tag, &row);
    cr_assert_eq(window_get(rig.store, rig.keys, tag, &got), OK);
    cr_expect_arr_eq(&got.totals, &row.totals, sizeof got.totals);
}

Test(window_row, length_does_not_follow_the_totals)
{
    size_t before = stored_bytes();
    row.totals.attempts = row.totals.answered = 100000;
    row.totals.duration_ms *= 100000;
    put(tag, &row);
    cr_expect_eq(stored_bytes(), before);
}

Test(window_row, every_byte_counts)
{
    struct window_row got = {0};
    for (size_t at = 0, n = stored_bytes(); at < n; at++) {
        rig_flip(&rig, FAMILY_USAGE, span_of(tag, sizeof tag), at, 0x10);
        cr_expect_neq(window_get(rig.store, rig.keys, tag, &got), OK, "byte %zu", at);
        rig_flip(&rig, FAMILY_USAGE, span_of(tag, sizeof tag), at, 0x10);
    }
    cr_expect_eq(window_get(rig.store, rig.keys, tag, &got), OK);
}

Test(window_row, another_place_does_not_open)
{
    uint8_t room[1024];
    struct buf value = buf_of(room, sizeof room);
    struct window_row got = {0};
    cr_assert_eq(store_get(rig.store, FAMILY_USAGE, span_of(tag, sizeof tag), &value), OK);
    rig_write(&rig, FAMILY_USAGE, span_of(other_tag, sizeof other_tag), buf_span(&value));
    cr_expect_eq(window_get(rig.store, rig.keys, other_tag, &got), ERR_FORGED);
}

Test(window_row, state)
{
    struct window_state got = {9, 9};
    cr_expect_eq(window_state_get(rig.store, rig.keys, &got), OK);
    cr_expect_eq(got.included, 0);
    cr_expect_eq(got.position, 0);
    struct window_state want = {123456789012345, 42};
    cr_assert_eq(window_state_put(rig.keys, store_begin(rig.store), &want), OK);
    rig_commit(&rig);
    cr_expect_eq(window_state_get(rig.store, rig.keys, &got), OK);
    cr_expect_eq(got.included, want.included);
    cr_expect_eq(got.position, want.position);
}
