/* classify_rules.h - the number plan of the tests: NANP with the shipped area codes. */
#ifndef CPNI_TESTS_CLASSIFY_RULES_H
#define CPNI_TESTS_CLASSIFY_RULES_H

#include <criterion/criterion.h>

#include "proto/classify/derive.h"
#include "tests/lib/test_file.h"

/* The table belongs to the caller and must live as long as the rules. */
static inline struct derive_rules rules_nanp(struct npa_table *table)
{
    struct span text = test_file(CPNI_SOURCE_DIR "/deploy", "npa.csv");
    size_t line;
    cr_assert_eq(npa_load(text, table, &line, NULL), OK);
    test_file_free(text);
    return (struct derive_rules){
        .numbers = {
            .plan = PLAN_NANP, .npa = table, .area_code = "212", .extension_digits_max = 4}};
}

#endif
