/* The table of commands holds together, and the manual page has all of it. */
#include <criterion/criterion.h>
#include <ctype.h>
#include <stdlib.h>

#include "vault/ctl/verbs.h"

Test(verbs, every_row_is_whole)
{
    for (size_t i = 0; i < CTL_VERBS_COUNT; i++) {
        const struct ctl_verb *v = &CTL_VERBS[i];
        cr_expect(v->run && strlen(v->help) > 5, "%s", v->words);
        cr_expect(v->operand || !v->operand_arg, "%s", v->words);
        cr_expect_leq(v->options_count, CTL_OPTIONS_MAX, "%s", v->words);
        for (size_t o = 0; o < v->options_count; o++) {
            const struct ctl_option *p = &v->option[o];
            cr_expect(strlen(p->name) > 1 && strlen(p->help) > 5, "%s --%s", v->words, p->name);
            cr_expect_eq(p->value == NULL, p->kind == OPTION_FLAG, "%s --%s", v->words, p->name);
            cr_expect(!(p->kind == OPTION_FLAG && p->required), "%s --%s", v->words, p->name);
            for (size_t g = 0; g < CTL_GLOBALS_COUNT; g++)
                cr_expect_str_neq(p->name, CTL_GLOBALS[g].name, "%s", v->words);
        }
    }
}

Test(verbs, no_command_is_the_beginning_of_another)
{
    const struct ctl_verb *exact;
    for (size_t i = 0; i < CTL_VERBS_COUNT; i++) {
        cr_expect_eq(verbs_under(CTL_VERBS[i].words, &exact), 1, "%s", CTL_VERBS[i].words);
        cr_expect_eq(exact, &CTL_VERBS[i]);
    }
}

Test(verbs, words_are_found_by_whole_words)
{
    const struct ctl_verb *exact;
    cr_expect_eq(verbs_under("", &exact), CTL_VERBS_COUNT);
    cr_expect_eq(verbs_under("usage", &exact), 4);
    cr_expect_null(exact);
    cr_expect_eq(verbs_under("usage consumer", &exact), 3);
    cr_expect_eq(verbs_under("us", &exact), 0);
    cr_expect_eq(verbs_under("usage pull now", &exact), 0);
}

/* The page's text without the roff escapes "\-" and "\&". */
static char *manual(void)
{
    FILE *f = fopen(CPNI_SOURCE_DIR "/deploy/man/cpnictl.1", "r");
    cr_assert_not_null(f);
    char *text = calloc(1, 128 * 1024);
    size_t n = fread(text, 1, 128 * 1024 - 1, f), to = 0;
    fclose(f);
    for (size_t i = 0; i < n; i++)
        if (text[i] != '\\')
            text[to++] = text[i];
        else if (text[i + 1] == '&')
            i++;
    text[to] = 0;
    return text;
}

Test(verbs, the_manual_has_every_command_and_option)
{
    char *text = manual();
    for (size_t i = 0; i < CTL_VERBS_COUNT; i++) {
        char line[96];
        snprintf(line, sizeof line, ".It Ic %s", CTL_VERBS[i].words);
        const char *at = strstr(text, line);
        cr_assert_not_null(at, "%s", CTL_VERBS[i].words);
        const char *next = strstr(at + 1, ".It Ic ");
        for (size_t o = 0; o < CTL_VERBS[i].options_count; o++) {
            snprintf(line, sizeof line, "Fl -%s", CTL_VERBS[i].option[o].name);
            const char *option = strstr(at, line);
            cr_expect(option && (!next || option < next), "%s %s", CTL_VERBS[i].words, line);
        }
    }
    free(text);
}
