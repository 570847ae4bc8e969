/* Number plan and country code from the options of a command. */
#include <criterion/criterion.h>

#include "vault/ctl/rules.h"

static const struct ctl_option OPTION[] = {
    {"number-plan", OPTION_CHOICE, "nanp|e164|raw", false, ""},
    {"country-code", OPTION_NUMBER, "DIGITS", false, ""},
};
static const struct ctl_verb VERB = {.words = "x", .option = OPTION, .options_count = 2};

Test(rules, of_the_options)
{
    const struct {
        const char *plan, *country;
        enum number_plan want;
        const char *want_country;
    } ROW[] = {{NULL, NULL, PLAN_NANP, ""},
               {"nanp", NULL, PLAN_NANP, ""},
               {"raw", NULL, PLAN_RAW, ""},
               {"e164", "44", PLAN_E164, "44"},
               {"e164", "12345", PLAN_E164, "123"}};
    for (size_t i = 0; i < sizeof ROW / sizeof ROW[0]; i++) {
        struct ctl_args a = {&VERB, NULL, {ROW[i].plan, ROW[i].country}};
        struct number_rules r;
        rules_from_args(&a, &r);
        cr_expect_eq(r.plan, ROW[i].want, "row %zu", i);
        cr_expect_str_eq(r.country_code, ROW[i].want_country, "row %zu", i);
        cr_expect_null(r.npa);
    }
}
