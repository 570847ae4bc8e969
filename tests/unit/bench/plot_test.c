/* Proves: a script becomes an SVG without its XML head; a program that is not there, and one that
 * fails, are told apart. Drawing is skipped, and said so, where there is no gnuplot. */
#include "bench/plot.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

static enum err plot(const char *program, const char *script, char **text, struct diag *d)
{
    size_t bytes;
    FILE *f = open_memstream(text, &bytes);
    enum err e = plot_svg(program, script, f, d);
    fclose(f);
    return e;
}

Test(plot, a_script_becomes_an_svg)
{
    char *text;
    struct diag d = {.what = ""};
    enum err e = plot(PLOT_PROGRAM, "plot x*x\n", &text, &d);
    if (e == ERR_NOTFOUND) {
        fprintf(stderr, "skipped: %s\n", d.what);
    } else {
        cr_assert_eq(e, OK, "%s", d.what);
        cr_expect_eq(strncmp(text, "<svg", 4), 0);
        cr_expect(strstr(text, "</svg>"));
    }
    free(text);
}

Test(plot, what_fails_is_told)
{
    char *text;
    struct diag d = {.what = NULL};
    cr_expect_eq(plot("/nonexistent/gnuplot", "plot x\n", &text, &d), ERR_NOTFOUND);
    cr_expect(strstr(d.what, "not installed"));
    free(text);
    cr_expect_eq(plot("false", "plot x\n", &text, &d), ERR_SYNTAX);
    free(text);
    cr_expect_eq(plot("true", "plot x\n", &text, &d), ERR_SYNTAX, "it drew nothing");
    free(text);
}
