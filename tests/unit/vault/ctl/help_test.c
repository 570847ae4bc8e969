/* --help on the program, on every noun and on every verb: exit 0, on stdout, with each option. */
#include <criterion/criterion.h>

#include "tests/lib/control_fake.h"
#include "vault/ctl/verbs.h"

static struct ctl_result help_of(const char *words)
{
    static char room[64];
    const char *argv[8];
    size_t n = 0;
    snprintf(room, sizeof room, "%s", words);
    char *rest = room;
    for (char *word; (word = strsep(&rest, " ")) != NULL;)
        if (word[0])
            argv[n++] = word;
    argv[n++] = "--help";
    argv[n] = NULL;
    return ctl_result_of(NULL, argv);
}

Test(help, of_the_program_lists_every_command)
{
    struct ctl_result r = help_of("");
    cr_expect_eq(r.status, CONTROL_DONE);
    cr_expect_str_empty(r.err);
    for (size_t i = 0; i < CTL_VERBS_COUNT; i++)
        cr_expect_not_null(strstr(r.out, CTL_VERBS[i].help), "%s", CTL_VERBS[i].words);
    ctl_result_free(&r);
}

Test(help, of_a_noun_lists_its_verbs_only)
{
    struct ctl_result r = help_of("customer");
    cr_expect_eq(r.status, CONTROL_DONE);
    cr_expect_not_null(strstr(r.out, "customer import FILE"));
    cr_expect_not_null(strstr(r.out, "customer reassign"));
    cr_expect_null(strstr(r.out, "audit"));
    ctl_result_free(&r);
}

Test(help, of_a_verb_has_every_option)
{
    for (size_t i = 0; i < CTL_VERBS_COUNT; i++) {
        const struct ctl_verb *v = &CTL_VERBS[i];
        struct ctl_result r = help_of(v->words);
        cr_expect_eq(r.status, CONTROL_DONE, "%s", v->words);
        cr_expect_not_null(strstr(r.out, v->help), "%s", v->words);
        for (size_t o = 0; o < v->options_count; o++)
            cr_expect_not_null(strstr(r.out, v->option[o].help), "%s --%s", v->words,
                               v->option[o].name);
        ctl_result_free(&r);
    }
}
