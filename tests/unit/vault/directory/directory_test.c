/* Proves: the directory is the same after a restart; unassigned customers are made once a feed,
 * with a key that can be used in the batch that makes them; ids come back from their sealed rows;
 * a row that was changed, moved or written by another version is refused, never guessed at. */
#include <criterion/criterion.h>
#include <stdio.h>

#include "tests/lib/directory_rig.h"

static struct directory_rig rig;

static void init(void)
{
    directory_rig_init(&rig);
}

static void done(void)
{
    directory_rig_done(&rig);
}

TestSuite(directory, .init = init, .fini = done);

static struct owner unassigned(const char *feed)
{
    struct owner owner = {0};
    cr_assert_eq(
        directory_unassigned(rig.directory, store_begin(rig.vault.store), span_str(feed), &owner),
        OK);
    rig_commit(&rig.vault);
    return owner;
}

Test(directory, one_unassigned_customer_a_feed)
{
    struct owner hep = unassigned("hep"), csv = unassigned("asterisk"), again = unassigned("hep");
    cr_expect_neq(hep.customer, csv.customer);
    cr_expect_eq(hep.customer, again.customer);
    cr_expect_eq(hep.account, csv.account, "one account for all");
    cr_expect_eq(rig_customer(&rig, "unassigned:hep"), hep.customer);
    directory_rig_reopen(&rig);
    again = unassigned("asterisk");
    cr_expect_eq(again.customer, csv.customer);
    cr_expect_eq(again.account, csv.account);
    cr_expect_eq(directory_stats(rig.directory).customers, 2);
    cr_expect_eq(directory_stats(rig.directory).accounts, 1);
}

Test(directory, its_key_is_there_before_the_commit)
{
    uint8_t before[WRAPPED_KEY_BYTES], after[WRAPPED_KEY_BYTES];
    struct owner owner;
    cr_assert_eq(
        directory_unassigned(rig.directory, store_begin(rig.vault.store), span_str("hep"), &owner),
        OK);
    cr_expect_eq(directory_load_key(rig.directory, owner.customer, before), OK);
    cr_expect_eq(directory_load_key(rig.directory, owner.customer + 1, after), ERR_NOTFOUND);
    rig_commit(&rig.vault);
    cr_expect_eq(directory_load_key(rig.directory, owner.customer, after), OK);
    cr_expect_arr_eq(before, after, sizeof before);
}

/* I8: what is erased on the disk is not served from memory. */
Test(directory, an_erased_key_is_gone)
{
    static const uint8_t FIRST[8] = {0, 0, 0, 0, 0, 0, 0, 1};
    uint8_t wrapped[WRAPPED_KEY_BYTES];
    struct owner owner = unassigned("hep");
    cr_assert_eq(owner.customer, 1);
    rig_delete(&rig.vault, FAMILY_KEYS, span_of(FIRST, sizeof FIRST));
    cr_expect_eq(directory_load_key(rig.directory, 1, wrapped), ERR_NOTFOUND);
    rig_write(&rig.vault, FAMILY_KEYS, span_of(FIRST, sizeof FIRST), span_str("short"));
    cr_expect_eq(directory_load_key(rig.directory, 1, wrapped), ERR_FORGED);
}

Test(directory, feeds_have_limits)
{
    struct owner owner;
    struct txn *t = store_begin(rig.vault.store);
    for (unsigned i = 0; i < FEEDS_MAX; i++) {
        char feed[32];
        snprintf(feed, sizeof feed, "feed-%u", i);
        cr_assert_eq(directory_unassigned(rig.directory, t, span_str(feed), &owner), OK);
    }
    cr_expect_eq(owner.customer, FEEDS_MAX);
    cr_expect_eq(directory_unassigned(rig.directory, t, span_str("one-more"), &owner), ERR_LIMIT);
    cr_expect_eq(directory_unassigned(rig.directory, t, span_str("feed-3"), &owner), OK);
    cr_expect_eq(owner.customer, 4);
    cr_expect_eq(directory_unassigned(rig.directory, t, SPAN_EMPTY, &owner), ERR_LIMIT);
    static const char LONG[] = "a-feed-name-of-more-than-32-bytes";
    cr_expect_eq(directory_unassigned(rig.directory, t, span_str(LONG), &owner), ERR_LIMIT);
    rig_commit(&rig.vault);
}

static void expect_id(enum err e, const struct buf *b, const char *want)
{
    cr_expect_eq(e, OK);
    cr_expect(span_is(buf_span(b), want), "%s", want);
}

Test(directory, ids_come_back)
{
    char room[CUSTOMER_ID_BYTES_MAX], longest[CUSTOMER_ID_BYTES_MAX + 1];
    struct buf b = buf_of(room, sizeof room);
    memset(longest, 'c', CUSTOMER_ID_BYTES_MAX);
    longest[CUSTOMER_ID_BYTES_MAX] = '\0';
    rig_import_one(&rig, "acme", "acme-1", ENTRY_NUMBER, "+12125550100");
    rig_import_one(&rig, longest, "x", ENTRY_NUMBER, "+12125550101");
    expect_id(directory_customer_id(rig.directory, 1, &b), &b, "acme");
    buf_reset(&b);
    expect_id(directory_account_id(rig.directory, 1, &b), &b, "acme-1");
    buf_reset(&b);
    expect_id(directory_customer_id(rig.directory, 2, &b), &b, longest);
    cr_expect_eq(directory_customer_id(rig.directory, 1, &b), ERR_LIMIT, "no room");
    buf_reset(&b);
    cr_expect_eq(directory_customer_id(rig.directory, 3, &b), ERR_NOTFOUND);
    cr_expect_eq(directory_account_id(rig.directory, 0, &b), ERR_NOTFOUND);
}

struct list {
    size_t count, stop_at;
    uint64_t customer[8];
    char id[8][CUSTOMER_ID_BYTES_MAX + 1];
    bool unassigned[8];
    uint32_t numbers[8];
};

static bool list_step(void *arg, const struct customer_info *c)
{
    struct list *l = arg;
    memcpy(l->id[l->count], c->customer_id.p, c->customer_id.n);
    l->customer[l->count] = c->customer;
    l->unassigned[l->count] = c->unassigned;
    l->numbers[l->count] = c->entries[ENTRY_NUMBER];
    cr_expect_eq(c->created_us, c->unassigned ? 0 : 1700000000000000);
    return ++l->count != l->stop_at;
}

Test(directory, lists_in_order_of_ordinals)
{
    struct list all = {0}, page = {.stop_at = 1};
    rig_import_one(&rig, "zenith", "z", ENTRY_NUMBER, "+12125550100");
    unassigned("hep");
    rig_import_one(&rig, "acme", "a", ENTRY_NUMBER, "+12125550101");
    rig_import_one(&rig, "acme", "a", ENTRY_NUMBER, "+12125550102");
    cr_expect_eq(directory_customers(rig.directory, 1, list_step, &all), OK);
    cr_assert_eq(all.count, 3);
    cr_expect_str_eq(all.id[0], "zenith");
    cr_expect_str_eq(all.id[1], "unassigned:hep");
    cr_expect_str_eq(all.id[2], "acme");
    cr_expect_eq(all.customer[2], 3);
    cr_expect(all.unassigned[1] && !all.unassigned[0] && !all.unassigned[2]);
    cr_expect_eq(all.numbers[0], 1);
    cr_expect_eq(all.numbers[2], 2);
    cr_expect_eq(directory_customers(rig.directory, 2, list_step, &page), OK);
    cr_expect_eq(page.count, 1);
    cr_expect_eq(page.customer[0], 2);
    page.count = page.stop_at = 0;
    cr_expect_eq(directory_customers(rig.directory, 4, list_step, &page), OK);
    cr_expect_eq(page.count, 0);
}

static bool keep_key(void *arg, struct span key, struct span value)
{
    struct buf *b = arg;
    (void)value;
    buf_reset(b);
    buf_put(b, key);
    return true;
}

static enum err try_open(void)
{
    struct directory *other = NULL;
    struct diag d = {NULL, 0};
    enum err e = directory_open(rig.vault.store, rig.vault.keys, &other, &d);
    if (e != OK)
        cr_expect_str_eq(d.what, "the customer directory cannot be read");
    directory_close(other);
    return e;
}

Test(directory, changed_entries_are_refused_at_open)
{
    uint8_t room[64], value_room[256], moved[16] = {7};
    struct buf key = buf_of(room, sizeof room), value = buf_of(value_room, sizeof value_room);
    rig_import_one(&rig, "acme", "a", ENTRY_NUMBER, "+12125550100");
    cr_assert_eq(store_walk(rig.vault.store, FAMILY_DIRECTORY, SPAN_EMPTY, keep_key, &key), OK);
    cr_assert_eq(store_get(rig.vault.store, FAMILY_DIRECTORY, buf_span(&key), &value), OK);
    for (size_t at = 0; at < value.n; at++) {
        rig_flip(&rig.vault, FAMILY_DIRECTORY, buf_span(&key), at, 0x01);
        cr_expect_neq(try_open(), OK, "byte %zu", at);
        rig_flip(&rig.vault, FAMILY_DIRECTORY, buf_span(&key), at, 0x01);
    }
    cr_expect_eq(try_open(), OK);
    /* The number's row under another number's tag. */
    rig_write(&rig.vault, FAMILY_DIRECTORY, span_of(moved, sizeof moved), buf_span(&value));
    cr_expect_eq(try_open(), ERR_FORGED);
}

Test(directory, changed_names_are_refused)
{
    static const uint8_t FIRST[] = {'o', 0, 0, 0, 0, 0, 0, 0, 1};
    uint8_t room[64];
    struct buf b = buf_of(room, sizeof room);
    struct list all = {0};
    rig_import_one(&rig, "acme", "a", ENTRY_NUMBER, "+12125550100");
    rig_flip(&rig.vault, FAMILY_CUSTOMERS, span_of(FIRST, sizeof FIRST), 50, 1);
    cr_expect_eq(directory_customer_id(rig.directory, 1, &b), ERR_FORGED);
    cr_expect_eq(directory_customers(rig.directory, 1, list_step, &all), ERR_FORGED);
    cr_expect_eq(all.count, 0);
    rig_flip(&rig.vault, FAMILY_CUSTOMERS, span_str("n"), 30, 1);
    cr_expect_eq(try_open(), ERR_FORGED);
}
