/* Proves that the shipped table says what the numbering plan says, and that a wrong file is refused
 * with its line, whole: a half-loaded table would make calls change their jurisdiction. */
#include <criterion/criterion.h>
#include <stdlib.h>

#include "proto/classify/npa.h"
#include "tests/lib/test_file.h"

static struct npa_table table;

static void load_shipped(void)
{
    struct span text = test_file(CPNI_SOURCE_DIR "/deploy", "npa.csv");
    size_t line = 0;
    struct diag d = {0};
    cr_assert_neq(text.p, NULL, "deploy/npa.csv");
    cr_assert_eq(npa_load(text, &table, &line, &d), OK, "line %zu: %s", line, d.what);
    test_file_free(text);
}

Test(npa, shipped_table)
{
    static const struct {
        unsigned npa;
        enum npa_kind kind;
        const char *region;
    } ROW[] = {
        {212, NPA_US, "NY"},       {907, NPA_US, "AK"},     {202, NPA_US, "DC"},
        {787, NPA_US, "PR"},       {671, NPA_US, "GU"},     {604, NPA_CANADA, ""},
        {600, NPA_CANADA, ""},     {876, NPA_OTHER, ""},    {441, NPA_OTHER, ""},
        {800, NPA_TOLLFREE, ""},   {888, NPA_TOLLFREE, ""}, {900, NPA_PREMIUM, ""},
        {500, NPA_PERSONAL, ""},   {529, NPA_PERSONAL, ""}, {700, NPA_CARRIER, ""},
        {710, NPA_GOVERNMENT, ""}, {911, NPA_UNKNOWN, ""},  {555, NPA_UNKNOWN, ""},
        {199, NPA_UNKNOWN, ""},    {1000, NPA_UNKNOWN, ""}, {0, NPA_UNKNOWN, ""},
    };
    load_shipped();
    for (size_t i = 0; i < sizeof ROW / sizeof ROW[0]; i++) {
        struct npa_row r = npa_find(&table, ROW[i].npa);
        cr_expect_eq(r.kind, ROW[i].kind, "%u", ROW[i].npa);
        cr_expect_eq(memcmp(r.region, ROW[i].region[0] ? ROW[i].region : "\0\0", 2), 0, "%u",
                     ROW[i].npa);
    }
}

/* 50 states, DC and 5 territories, none forgotten. */
Test(npa, shipped_table_has_every_state)
{
    char seen[64][2] = {{0}};
    size_t states = 0;
    load_shipped();
    for (unsigned npa = NPA_FIRST; npa < NPA_END; npa++) {
        struct npa_row r = npa_find(&table, npa);
        size_t i = 0;
        while (i < states && memcmp(seen[i], r.region, 2) != 0)
            i++;
        if (r.kind == NPA_US && i == states)
            memcpy(seen[states++], r.region, 2);
    }
    cr_expect_eq(states, 56, "%zu", states);
}

Test(npa, without_a_table_all_is_unknown)
{
    cr_expect_eq(npa_find(NULL, 212).kind, NPA_UNKNOWN);
}

Test(npa, wrong_files)
{
#define HEAD "npa,country,region\n"
    static const struct {
        const char *text;
        enum err expected;
        size_t line, at;
    } ROW[] = {
        {HEAD "205,US,AL\n", OK, 0, 0},
        {HEAD "205,US,AL", OK, 0, 0},
        {HEAD "205,US,AL\r\n\r\n204,CA,\r\n", OK, 0, 0},
        {"", ERR_SYNTAX, 1, 0},
        {"205,US,AL\n", ERR_SYNTAX, 1, 0},
        {HEAD "205,US\n", ERR_SYNTAX, 2, 19},
        {HEAD "205,US,\n", ERR_SYNTAX, 2, 19},
        {HEAD "205,US,Alabama\n", ERR_SYNTAX, 2, 19},
        {HEAD "205,US,al\n", ERR_SYNTAX, 2, 19},
        {HEAD "205,CA,ON\n", ERR_SYNTAX, 2, 19},
        {HEAD "205,USA,AL\n", ERR_SYNTAX, 2, 19},
        {HEAD "205,,free\n", ERR_SYNTAX, 2, 19},
        {HEAD "205,US,AL,\n", ERR_SYNTAX, 2, 19},
        {HEAD "205,US,AL\n199,US,AL\n", ERR_SYNTAX, 3, 29},
        {HEAD "205,US,AL\n1000,US,AL\n", ERR_SYNTAX, 3, 29},
        {HEAD "205,US,AL\n2 6,US,AL\n", ERR_SYNTAX, 3, 29},
        {HEAD "205,US,AL\n206,US,WA\n205,US,AL\n", ERR_CONFLICT, 4, 39},
    };
    for (size_t i = 0; i < sizeof ROW / sizeof ROW[0]; i++) {
        static const struct npa_table EMPTY;
        struct npa_table got = EMPTY;
        struct diag d = {0};
        size_t line = 0;
        cr_expect_eq(npa_load(span_str(ROW[i].text), &got, &line, &d), ROW[i].expected, "%s",
                     ROW[i].text);
        if (ROW[i].expected == OK)
            continue;
        cr_expect_eq(line, ROW[i].line, "line %zu of %s", line, ROW[i].text);
        cr_expect_eq(d.at, ROW[i].at, "at %zu of %s", d.at, ROW[i].text);
        cr_expect_eq(memcmp(&got, &EMPTY, sizeof got), 0, "%s", ROW[i].text);
    }
}
