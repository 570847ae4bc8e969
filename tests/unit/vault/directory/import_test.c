/* Proves: an import is all or nothing, idempotent, and names the line of everything it refuses;
 * what conflicts, with the directory or within the file, is refused unless it is to be moved; new
 * customers get keys that open; counts by kind follow; 100,000 rows take memory in proportion. */
#include <criterion/criterion.h>
#include <stdio.h>

#include "tests/lib/directory_rig.h"

static struct directory_rig rig;
static struct import_counts counts;

static void init(void)
{
    directory_rig_init(&rig);
}

static void done(void)
{
    directory_rig_done(&rig);
}

TestSuite(import, .init = init, .fini = done);

struct row {
    const char *customer, *account;
    enum entry_kind kind;
    const char *value;
};

static enum err import_rows(const struct row *row, size_t n, bool move)
{
    rig_import_begin(&rig, move);
    for (size_t i = 0; i < n; i++) {
        enum err e =
            rig_import_row(&rig, i + 2, row[i].customer, row[i].account, row[i].kind, row[i].value);
        cr_assert(e == OK || e == ERR_SYNTAX || e == ERR_CONFLICT);
    }
    return rig_import_end(&rig, &counts);
}

static void expect_counts(struct import_counts want)
{
    cr_expect_eq(counts.rows, want.rows, "rows");
    cr_expect_eq(counts.added, want.added, "added");
    cr_expect_eq(counts.changed, want.changed, "changed");
    cr_expect_eq(counts.unchanged, want.unchanged, "unchanged");
    cr_expect_eq(counts.conflicting, want.conflicting, "conflicting");
    cr_expect_eq(counts.invalid, want.invalid, "invalid");
}

static uint64_t owner_of(const char *number)
{
    struct call c = {.called_tn = span_str(number)};
    struct owners o;
    directory_resolve(rig.directory, &c, &o);
    return o.terminating.customer;
}

static const struct row GOOD[] = {
    {"acme", "acme-1", ENTRY_NUMBER, "+12125550100"},
    {"acme", "acme-1", ENTRY_RANGE, "+12125550110-+12125550129"},
    {"acme", "acme-2", ENTRY_DOMAIN, "pbx.acme.example"},
    {"zenith", "zenith", ENTRY_NUMBER, "+12125550150"},
    {"zenith", "zenith", ENTRY_NUMBER, "+12125550150"}, /* the same again */
};
enum { GOOD_COUNT = sizeof GOOD / sizeof GOOD[0] };

static void import_good(void)
{
    cr_assert_eq(import_rows(GOOD, GOOD_COUNT, false), OK);
}

Test(import, adds)
{
    import_good();
    expect_counts((struct import_counts){.rows = 5, .added = 4, .unchanged = 1});
    cr_expect_eq(rig.problems, 0);
    cr_expect_eq(rig_customer(&rig, "acme"), 1, "ordinals follow the file");
    cr_expect_eq(rig_customer(&rig, "zenith"), 2);
    cr_expect_eq(owner_of("+12125550100"), 1);
    cr_expect_eq(owner_of("+12125550117"), 1);
    cr_expect_eq(owner_of("+12125550150"), 2);
    cr_expect_eq(owner_of("+12125550151"), 0);
    struct directory_stats s = directory_stats(rig.directory);
    cr_expect_eq(s.customers, 2);
    cr_expect_eq(s.accounts, 3);
    cr_expect_eq(s.entries, 5, "two prefixes of the range among them");
}

Test(import, twice_changes_nothing)
{
    import_good();
    size_t rows = rig_rows(&rig.vault, FAMILY_CUSTOMERS) + rig_rows(&rig.vault, FAMILY_DIRECTORY);
    import_good();
    expect_counts((struct import_counts){.rows = 5, .unchanged = 5});
    cr_expect_eq(rig_rows(&rig.vault, FAMILY_CUSTOMERS) + rig_rows(&rig.vault, FAMILY_DIRECTORY),
                 rows);
    directory_rig_reopen(&rig);
    import_good();
    expect_counts((struct import_counts){.rows = 5, .unchanged = 5});
}

static void expect_untouched(void)
{
    static const enum family FAMILIES_USED[] = {FAMILY_KEYS, FAMILY_CUSTOMERS, FAMILY_ACCOUNTS,
                                                FAMILY_DIRECTORY};
    for (size_t i = 0; i < 4; i++)
        cr_expect_eq(rig_rows(&rig.vault, FAMILIES_USED[i]), 0);
    cr_expect_eq(directory_stats(rig.directory).customers, 0);
    cr_expect_eq(directory_stats(rig.directory).entries, 0);
    cr_expect_eq(owner_of("+12125550100"), 0);
}

Test(import, nothing_is_visible_before_the_commit)
{
    rig_import_begin(&rig, false);
    for (size_t i = 0; i < GOOD_COUNT; i++)
        cr_assert_eq(
            rig_import_row(&rig, i, GOOD[i].customer, GOOD[i].account, GOOD[i].kind, GOOD[i].value),
            OK);
    expect_untouched();
    rig.import = directory_import_free(rig.import);
    expect_untouched();
}

/* One bad row anywhere, and none of the good ones is done. */
Test(import, refused_rows_are_named)
{
    static const struct {
        struct row row;
        const char *what;
        bool conflict;
    } BAD[] = {
        {{"", "a", ENTRY_NUMBER, "1"}, "customer_id or account_id is empty", false},
        {{"c", "", ENTRY_NUMBER, "1"}, "customer_id or account_id is empty", false},
        {{"c\n", "a", ENTRY_NUMBER, "1"},
         "customer_id or account_id has control characters",
         false},
        {{"unassigned:hep", "a", ENTRY_NUMBER, "1"},
         "customer_id or account_id is reserved for calls of nobody",
         false},
        {{"c", "unassigned", ENTRY_NUMBER, "1"},
         "customer_id or account_id is reserved for calls of nobody",
         false},
        {{"0123456789012345678901234567890123456789012345678901234567890123x", "a", ENTRY_NUMBER,
          "1"},
         "customer_id or account_id is too long",
         false},
        {{"c", "a", ENTRY_NUMBER, ""}, "value is empty", false},
        {{"c", "a", ENTRY_NUMBER, "abc"}, "number is not digits", false},
        {{"c", "a", ENTRY_RANGE, "9-1"},
         "range is not a prefix, nor A-B with equally many digits and A <= B",
         false},
        {{"c", "a", ENTRY_ADDRESS, "300.1.1.1"}, "address is not an IPv4 or IPv6 address", false},
        {{"other", "acme-1", ENTRY_NUMBER, "+12125550100"},
         "leads to another customer or account already",
         true},
        {{"acme", "other", ENTRY_NUMBER, "+12125550100"},
         "leads to another customer or account already",
         true},
        {{"other", "x", ENTRY_RANGE, "+12125550100-+12125550129"}, /* its second prefix is taken */
         "leads to another customer or account already",
         true},
    };
    for (size_t i = 0; i < sizeof BAD / sizeof BAD[0]; i++) {
        struct row rows[GOOD_COUNT + 2];
        memcpy(rows, GOOD, sizeof GOOD);
        rows[GOOD_COUNT] = BAD[i].row;
        rows[GOOD_COUNT + 1] = (struct row){"last", "last", ENTRY_NUMBER, "+12125550199"};
        cr_expect_eq(import_rows(rows, GOOD_COUNT + 2, false), ERR_CONFLICT);
        expect_counts((struct import_counts){.rows = GOOD_COUNT + 2,
                                             .added = 5,
                                             .unchanged = 1,
                                             .conflicting = BAD[i].conflict,
                                             .invalid = !BAD[i].conflict});
        cr_expect_eq(rig.problems, 1);
        cr_expect_eq(rig.problem.line, GOOD_COUNT + 2, "row %zu", i);
        cr_expect_str_eq(rig.problem.what, BAD[i].what);
        expect_untouched();
    }
}

Test(import, conflicts_with_what_is_there)
{
    static const struct row OTHER[] = {{"other", "x", ENTRY_NUMBER, "+12125550111"}, /* exact */
                                       {"other", "x", ENTRY_NUMBER, "+12125550100"},
                                       {"other", "x", ENTRY_RANGE, "+1212555012"}};
    import_good();
    cr_expect_eq(import_rows(OTHER, 3, false), ERR_CONFLICT);
    expect_counts((struct import_counts){.rows = 3, .added = 1, .conflicting = 2});
    cr_expect_eq(rig.problem.line, 4);
    cr_expect_eq(owner_of("+12125550100"), 1);
    cr_expect_eq(owner_of("+12125550111"), 1);
    cr_expect_eq(rig_customer(&rig, "other"), 0);
}

static bool keep_counts(void *arg, const struct customer_info *c)
{
    uint32_t(*entries)[ENTRY_KIND_COUNT] = arg;
    memcpy(entries[c->customer], c->entries, sizeof entries[0]);
    return true;
}

Test(import, moves_when_told)
{
    static const struct row MOVED[] = {
        {"zenith", "zenith", ENTRY_NUMBER, "+12125550100"},
        {"zenith", "zenith", ENTRY_RANGE, "+12125550110-+12125550129"},
        {"acme", "acme-1", ENTRY_NUMBER, "+12125550150"},
        {"zenith", "zenith", ENTRY_NUMBER, "+12125550150"}, /* and back: the last row wins */
        {"third", "third", ENTRY_NUMBER, "+12125550160"},
    };
    uint32_t entries[4][ENTRY_KIND_COUNT] = {0};
    import_good();
    cr_assert_eq(import_rows(MOVED, 5, true), OK);
    expect_counts((struct import_counts){.rows = 5, .added = 1, .changed = 4});
    for (int reopened = 0; reopened < 2; reopened++) {
        cr_expect_eq(owner_of("+12125550100"), 2);
        cr_expect_eq(owner_of("+12125550117"), 2);
        cr_expect_eq(owner_of("+12125550150"), 2);
        cr_expect_eq(owner_of("+12125550160"), 3);
        directory_rig_reopen(&rig);
    }
    cr_expect_eq(directory_stats(rig.directory).entries, 6);
    cr_assert_eq(directory_customers(rig.directory, 1, keep_counts, entries), OK);
    cr_expect_eq(entries[1][ENTRY_NUMBER], 0);
    cr_expect_eq(entries[1][ENTRY_RANGE], 0);
    cr_expect_eq(entries[1][ENTRY_DOMAIN], 1);
    cr_expect_eq(entries[2][ENTRY_NUMBER], 2);
    cr_expect_eq(entries[2][ENTRY_RANGE], 2);
    cr_expect_eq(entries[3][ENTRY_NUMBER], 1);
}

Test(import, of_two_the_first_commit_wins)
{
    struct import_counts first;
    rig_import_begin(&rig, false);
    struct import *slow = rig.import;
    cr_expect_eq(rig_import_row(&rig, 1, "slow", "slow", ENTRY_NUMBER, "+12125550100"), OK);
    rig_import_begin(&rig, false);
    cr_expect_eq(rig_import_row(&rig, 1, "fast", "fast", ENTRY_NUMBER, "+12125550100"), OK);
    cr_expect_eq(rig_import_end(&rig, &first), OK);
    rig.import = slow;
    cr_expect_eq(rig_import_end(&rig, &counts), ERR_CONFLICT);
    cr_expect_eq(rig.problem.line, 0);
    cr_expect_eq(rig_customer(&rig, "slow"), 0);
    cr_expect_eq(owner_of("+12125550100"), rig_customer(&rig, "fast"));
}

/* The vault goes on while an import is staged: an unassigned customer takes the next ordinal. */
Test(import, ordinals_are_given_at_the_commit)
{
    struct owner unassigned;
    rig_import_begin(&rig, false);
    cr_expect_eq(rig_import_row(&rig, 1, "acme", "acme", ENTRY_NUMBER, "+12125550100"), OK);
    cr_assert_eq(directory_unassigned(rig.directory, store_begin(rig.vault.store), span_str("hep"),
                                      &unassigned),
                 OK);
    rig_commit(&rig.vault);
    cr_expect_eq(rig_import_end(&rig, &counts), OK);
    cr_expect_eq(unassigned.customer, 1);
    cr_expect_eq(rig_customer(&rig, "acme"), 2);
    cr_expect_eq(owner_of("+12125550100"), 2);
}

Test(import, every_customer_gets_a_key)
{
    uint8_t a[WRAPPED_KEY_BYTES], b[WRAPPED_KEY_BYTES];
    import_good();
    cr_expect_eq(directory_load_key(rig.directory, 1, a), OK);
    cr_expect_eq(directory_load_key(rig.directory, 2, b), OK);
    cr_expect_arr_neq(a, b, sizeof a);
    cr_expect_eq(keyring_customer_rewrap(rig.vault.keys, 1, a), OK, "and it opens");
    cr_expect_neq(keyring_customer_rewrap(rig.vault.keys, 1, b), OK, "his only");
    cr_expect_eq(directory_load_key(rig.directory, 3, a), ERR_NOTFOUND);
}

/* I4: neither ids nor numbers nor names, in no family. */
Test(import, nothing_is_in_clear)
{
    static const char *const CLEAR[] = {"acme", "zenith", "12125550100", "2125550", "pbx"};
    import_good();
    for (size_t i = 0; i < sizeof CLEAR / sizeof CLEAR[0]; i++)
        cr_expect_not(rig_holds(&rig.vault, span_str(CLEAR[i])), "%s", CLEAR[i]);
}

Test(import, many_rows_in_proportional_memory)
{
    enum { ROWS = 100000, CUSTOMERS = 1000 };
    rig_import_begin(&rig, false);
    for (unsigned n = 0; n < ROWS; n++) {
        char number[32], customer[32];
        snprintf(number, sizeof number, "+1%03u555%04u", 200 + n / 100, 100 + n % 100);
        snprintf(customer, sizeof customer, "customer-%u", n % CUSTOMERS);
        cr_assert_eq(rig_import_row(&rig, n + 2, customer, customer, ENTRY_NUMBER, number), OK);
    }
    cr_assert_eq(rig_import_end(&rig, &counts), OK);
    expect_counts((struct import_counts){.rows = ROWS, .added = ROWS});
    struct directory_stats s = directory_stats(rig.directory);
    cr_expect_eq(s.entries, ROWS);
    cr_expect_eq(s.customers, CUSTOMERS);
    cr_expect_leq(s.memory_bytes, 12u << 20, "%u", (unsigned)s.memory_bytes);
    cr_expect_eq(owner_of("+12015550101"), rig_customer(&rig, "customer-101"));
    directory_rig_reopen(&rig);
    cr_expect_eq(directory_stats(rig.directory).entries, ROWS);
    cr_expect_eq(owner_of("+12015550101"), rig_customer(&rig, "customer-101"));
}
