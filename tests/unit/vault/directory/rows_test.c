/* Proves: rows come back as put, only from their own place, and only in their own version; names
 * of any length make rows of one length. */
#include <criterion/criterion.h>

#include "tests/lib/vault_rig.h"
#include "vault/directory/rows.h"

static struct vault_rig rig;
static struct rows rows;

static void init(void)
{
    rig_init(&rig);
    rows = (struct rows){rig.store, rig.keys};
}

static void done(void)
{
    rig_done(&rig);
}

TestSuite(rows, .init = init, .fini = done);

static void put(const uint8_t *plain, size_t n)
{
    cr_assert_eq(rows_put(&rows, store_begin(rig.store), FAMILY_DIRECTORY, span_str("key"),
                          span_of(plain, n)),
                 OK);
    rig_commit(&rig);
}

Test(rows, come_back_from_their_place_only)
{
    static const uint8_t PLAIN[] = {ROW_VERSION, 'a', 'b', 'c'};
    uint8_t room[64], sealed_room[ROW_BYTES_MAX];
    struct buf b = buf_of(room, sizeof room), sealed = buf_of(sealed_room, sizeof sealed_room);
    put(PLAIN, sizeof PLAIN);
    cr_assert_eq(rows_get(&rows, FAMILY_DIRECTORY, span_str("key"), &b), OK);
    cr_expect(span_is(buf_span(&b), "abc"));
    cr_assert_eq(store_get(rig.store, FAMILY_DIRECTORY, span_str("key"), &sealed), OK);
    cr_expect_eq(rows_open(&rows, FAMILY_DIRECTORY, span_str("kez"), buf_span(&sealed), &b),
                 ERR_FORGED);
    cr_expect_eq(rows_open(&rows, FAMILY_CUSTOMERS, span_str("key"), buf_span(&sealed), &b),
                 ERR_FORGED);
    cr_expect_eq(rows_get(&rows, FAMILY_CUSTOMERS, span_str("key"), &b), ERR_NOTFOUND);
}

Test(rows, other_versions_are_refused)
{
    static const uint8_t PLAIN[] = {ROW_VERSION + 1, 'a'};
    uint8_t room[64];
    struct buf b = buf_of(room, sizeof room), none = buf_of(room, 0);
    put(PLAIN, sizeof PLAIN);
    cr_expect_eq(rows_get(&rows, FAMILY_DIRECTORY, span_str("key"), &b), ERR_VERSION);
    put(PLAIN, 0);
    cr_expect_eq(rows_get(&rows, FAMILY_DIRECTORY, span_str("key"), &b), ERR_VERSION);
    static const uint8_t GOOD[] = {ROW_VERSION, 'a'};
    put(GOOD, sizeof GOOD);
    cr_expect_eq(rows_get(&rows, FAMILY_DIRECTORY, span_str("key"), &none), ERR_LIMIT);
}

Test(rows, overlong_values_are_not_ours)
{
    uint8_t room[4 * ROW_BYTES_MAX] = {0};
    struct buf b = buf_of(room, sizeof room);
    rig_write(&rig, FAMILY_DIRECTORY, span_str("key"), span_of(room, sizeof room));
    cr_expect_eq(rows_get(&rows, FAMILY_DIRECTORY, span_str("key"), &b), ERR_FORGED);
}

Test(rows, names_and_ordinals)
{
    static const char *const IDS[] = {"a",
                                      "a customer with a name of sixty-four bytes, none less."};
    static const enum family F[] = {FAMILY_CUSTOMERS, FAMILY_ACCOUNTS};
    uint64_t next = 0, ordinal = 0;
    size_t lengths[2] = {0};
    for (size_t f = 0; f < 2; f++) {
        cr_expect_eq(name_next(&rows, F[f], &next), OK);
        cr_expect_eq(next, 1);
        for (uint64_t i = 0; i < 2; i++) {
            uint8_t tag[TAG_BYTES], key[ROW_KEY_BYTES_MAX], room[ROW_BYTES_MAX];
            struct buf b = buf_of(room, sizeof room);
            struct name_row row = {NAME_UNASSIGNED, 5, span_str(IDS[i])}, got;
            name_tag(&rows, F[f], row.id, tag);
            cr_expect_eq(name_find(&rows, F[f], tag, &ordinal), ERR_NOTFOUND);
            struct txn *t = store_begin(rig.store);
            cr_assert_eq(name_put(&rows, t, F[f], 7 + i, tag, &row), OK);
            cr_assert_eq(name_next_put(&rows, t, F[f], 8 + i), OK);
            rig_commit(&rig);
            cr_expect_eq(name_find(&rows, F[f], tag, &ordinal), OK);
            cr_expect_eq(ordinal, 7 + i);
            cr_assert_eq(name_row_get(&rows, F[f], 7 + i, &b, &got), OK);
            cr_expect_eq(got.flags, NAME_UNASSIGNED);
            cr_expect_eq(got.created_us, 5);
            cr_expect(span_is(got.id, IDS[i]));
            buf_reset(&b);
            cr_assert_eq(store_get(rig.store, F[f], name_key(7 + i, key), &b), OK);
            lengths[i] = b.n;
        }
        cr_expect_eq(lengths[0], lengths[1]);
        cr_expect_eq(name_next(&rows, F[f], &next), OK);
        cr_expect_eq(next, 9);
    }
}

Test(rows, keys_of_names)
{
    uint8_t key[ROW_KEY_BYTES_MAX];
    uint64_t ordinal = 0;
    cr_expect(name_key_ordinal(name_key(513, key), &ordinal));
    cr_expect_eq(ordinal, 513);
    cr_expect_not(name_key_ordinal(span_str("n"), &ordinal));
    cr_expect_not(name_key_ordinal(span_str("o\0\0"), &ordinal));
    cr_expect_not(name_key_ordinal(SPAN_EMPTY, &ordinal));
}

Test(rows, entries_and_counts)
{
    uint8_t tag[TAG_BYTES] = {1, 2, 3}, room[ROW_BYTES_MAX];
    struct buf sealed = buf_of(room, sizeof room);
    struct entry_row row = {ENTRY_RANGE, 8, {12, 34}}, got;
    uint32_t counts[ENTRY_KIND_COUNT] = {1, 2, 3, 4, 5, 6}, back[ENTRY_KIND_COUNT];
    cr_expect_eq(counts_get(&rows, 12, back), OK);
    cr_expect_eq(back[0], 0);
    struct txn *t = store_begin(rig.store);
    cr_assert_eq(entry_row_put(&rows, t, tag, &row), OK);
    cr_assert_eq(counts_put(&rows, t, 12, counts), OK);
    rig_commit(&rig);
    cr_assert_eq(store_get(rig.store, FAMILY_DIRECTORY, span_of(tag, sizeof tag), &sealed), OK);
    cr_assert_eq(entry_row_open(&rows, span_of(tag, sizeof tag), buf_span(&sealed), &got), OK);
    cr_expect_eq(got.kind, ENTRY_RANGE);
    cr_expect_eq(got.prefix_bytes, 8);
    cr_expect_eq(got.owner.customer, 12);
    cr_expect_eq(got.owner.account, 34);
    cr_expect_eq(entry_row_open(&rows, span_str("short"), buf_span(&sealed), &got), ERR_FORGED);
    cr_expect_eq(counts_get(&rows, 12, back), OK);
    cr_expect_arr_eq(back, counts, sizeof counts);
}
