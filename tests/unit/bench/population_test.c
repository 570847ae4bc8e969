/* Proves: numbers are fictitious, unique where they lead to a customer, and their area codes are in
 * our table; the directory has one entry of a value; its CSV is what `cpnictl customer import`
 * reads. */
#include "bench/population.h"

#include <criterion/criterion.h>
#include <stdlib.h>

#include "proto/classify/npa.h"
#include "proto/frame/csv.h"
#include "tests/lib/test_file.h"

static struct npa_table npa;

static void load(void)
{
    size_t line;
    struct span text = test_file(CPNI_SOURCE_DIR "/deploy", "npa.csv");
    cr_assert_eq(npa_load(text, &npa, &line, NULL), OK);
    test_file_free(text);
}

static void check_number(const char *n)
{
    uint64_t digits;
    struct span s = span_str(n);
    cr_assert_eq(s.n, 12u, "%s", n);
    cr_assert(span_starts(s, span_str("+1")) && span_is(span_sub(s, 5, 5), "55501"), "%s", n);
    cr_assert_eq(span_u64(span_sub(s, 2, 3), 999, &digits), OK);
    cr_expect_eq(npa_find(&npa, (uint16_t)digits).kind, NPA_US, "%s", n);
}

static int compare(const void *a, const void *b)
{
    return strcmp(a, b);
}

Test(population, numbers_are_555_01xx_of_area_codes_in_use, .init = load)
{
    static char all[2 * POPULATION_OWNED][POPULATION_NUMBER_BYTES];
    for (uint32_t i = 0; i < POPULATION_OWNED; i++) {
        population_number(i, all[i]);
        population_outside(i, all[POPULATION_OWNED + i]);
        check_number(all[i]);
        check_number(all[POPULATION_OWNED + i]);
    }
    qsort(all, 2 * POPULATION_OWNED, sizeof all[0], compare);
    for (size_t i = 1; i < 2 * POPULATION_OWNED; i++)
        cr_assert_neq(strcmp(all[i - 1], all[i]), 0, "%s twice", all[i]);
}

Test(population, an_account_leads_back_to_its_customer)
{
    uint32_t customer;
    char account[POPULATION_ID_BYTES];
    population_account(31337, account);
    cr_expect(population_of_account(span_str(account), &customer));
    cr_expect_eq(customer, 31337u);
    cr_expect_not(population_of_account(span_str("unassigned"), &customer));
    cr_expect_not(population_of_account(span_str("acct12x"), &customer));
}

Test(population, every_customer_has_a_code_and_a_domain_and_the_first_ones_a_number)
{
    cr_expect_eq(population_entries(10), 30u);
    cr_expect_eq(population_entries(100000), 200000u + POPULATION_OWNED);
    struct population_entry last = population_entry(100000, 200000 + POPULATION_OWNED - 1);
    cr_expect_eq(last.kind, ENTRY_NUMBER);
    cr_expect_eq(last.customer, POPULATION_OWNED - 1u);
    cr_expect(span_is(span_str(population_entry(10, 7).value), "code000007"));
    cr_expect(span_is(span_str(population_entry(10, 17).value), "c7.example"));
}

Test(population, the_csv_has_four_columns_and_kinds_that_import_knows)
{
    enum { CUSTOMERS = 3 };
    uint8_t room[4096], scratch[4096];
    struct buf b = buf_of(room, sizeof room), unescaped = buf_of(scratch, sizeof scratch);
    struct csv_row row;
    enum entry_kind kind;
    population_csv_head(&b);
    for (uint64_t i = 0; i < population_entries(CUSTOMERS); i++)
        population_csv_row(CUSTOMERS, i, &b);
    struct span rest = buf_span(&b);
    unsigned rows = 0;
    for (; rest.n; rows++, rest = span_from(rest, row.used)) {
        cr_assert_eq(csv_next(rest, true, &unescaped, &row, NULL), OK);
        cr_expect_eq(row.columns_count, 4u);
        cr_expect_eq(rows > 0, entry_kind_by_name(row.column[2].text, &kind) == OK);
    }
    cr_expect_eq(rows, 1u + 3 * CUSTOMERS);
}
