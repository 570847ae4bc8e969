/* Proves: every limit is measured as often as asked and is something; a folder that is not there
 * is told. */
#include "bench/limits/limits.h"

#include <criterion/criterion.h>
#include <stdlib.h>

Test(limits, each_as_often_as_asked, .timeout = 120)
{
    struct limits_options o = {.runs = 2, .ms = 2};
    struct series *s = NULL;
    struct diag d = {.what = ""};
    cr_assert_eq(limits_run(&o, &s, &d), OK, "%s", d.what);
    cr_expect_eq(s->count, 8u);
    for (size_t i = 0; i < s->count; i++) {
        cr_expect_eq(s->figure[i].runs, 2u);
        cr_expect_gt(s->figure[i].run[0], 0, "%s", s->figure[i].name);
    }
    free(s);
}

Test(limits, no_folder)
{
    struct limits_options o = {.dir = "/nonexistent", .runs = 1, .ms = 1};
    struct series *s = NULL;
    struct diag d = {.what = NULL};
    cr_expect_eq(limits_run(&o, &s, &d), ERR_STORE);
    cr_expect_not_null(d.what);
}
