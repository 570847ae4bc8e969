/* Proves: every code has a name and a text of its own, and no number falls out of the tables. */
#include <criterion/criterion.h>

#include "proto/core/diag.h"
#include "proto/core/span.h"

Test(err, every_code_has_its_name_and_text)
{
    for (int a = 0; a < ERR_COUNT; a++) {
        cr_expect(err_name((enum err)a) && err_text((enum err)a), "code %d", a);
        for (int b = 0; b < a; b++) {
            cr_expect(strcmp(err_name((enum err)a), err_name((enum err)b)) != 0, "%d %d", a, b);
            cr_expect(strcmp(err_text((enum err)a), err_text((enum err)b)) != 0, "%d %d", a, b);
        }
    }
    cr_expect_str_eq(err_name(OK), "OK");
    cr_expect_str_eq(err_name(ERR_SYNTAX), "ERR_SYNTAX");
}

Test(err, unknown_codes_have_a_text_too)
{
    cr_expect_str_eq(err_name(ERR_COUNT), "ERR_?");
    cr_expect_str_eq(err_text((enum err) - 1), "unknown error code");
}

Test(diag, is_filled_in_and_gives_the_error_back)
{
    struct diag d = {0};
    cr_expect(diag_set(&d, ERR_LIMIT, "columns", 7) == ERR_LIMIT);
    cr_expect_str_eq(d.what, "columns");
    cr_expect(d.at == 7);
    cr_expect(diag_set(NULL, ERR_MORE, "line", 0) == ERR_MORE, "nobody has to ask for it");
}
