#include "vault/ctl/help.h"

#include "vault/ctl/verbs.h"

enum { NAME_COLUMNS = 26, LINE_BYTES = 128 };

static void print_option(const struct ctl_option *o, FILE *out)
{
    char name[LINE_BYTES];
    snprintf(name, sizeof name, "--%s%s%s", o->name, o->value ? " " : "", o->value ? o->value : "");
    if (strlen(name) < NAME_COLUMNS)
        fprintf(out, "  %-*s", NAME_COLUMNS, name);
    else
        fprintf(out, "  %s\n  %-*s", name, NAME_COLUMNS, "");
    fprintf(out, "%s%s\n", o->help, o->required ? " (required)" : "");
}

static void print_globals(FILE *out)
{
    fprintf(out, "\nOptions of every command:\n");
    for (size_t i = 0; i < CTL_GLOBALS_COUNT; i++)
        print_option(&CTL_GLOBALS[i], out);
}

static void print_verb(const struct ctl_verb *v, FILE *out)
{
    fprintf(out, "Usage: cpnictl %s%s%s", v->words, v->operand ? " " : "",
            v->operand ? v->operand : "");
    for (size_t i = 0; i < v->options_count; i++)
        if (v->option[i].required)
            fprintf(out, " --%s %s", v->option[i].name, v->option[i].value);
    fprintf(out, "%s\n\n%s.\n", v->options_count ? " [OPTION]..." : "", v->help);
    if (v->options_count)
        fprintf(out, "\n");
    for (size_t i = 0; i < v->options_count; i++)
        print_option(&v->option[i], out);
    print_globals(out);
}

static void print_list(const char *words, FILE *out)
{
    size_t n = strlen(words);
    fprintf(out, "Usage: cpnictl [--socket PATH] %s%sCOMMAND ...\n\n", words, n ? " " : "");
    for (size_t i = 0; i < CTL_VERBS_COUNT; i++) {
        const struct ctl_verb *v = &CTL_VERBS[i];
        char name[LINE_BYTES];
        snprintf(name, sizeof name, "%s%s%s", v->words, v->operand ? " " : "",
                 v->operand ? v->operand : "");
        if (strncmp(v->words, words, n) == 0)
            fprintf(out, "  %-*s%s\n", NAME_COLUMNS, name, v->help);
    }
    print_globals(out);
    fprintf(out, "\nExit codes: 0 done, 1 failed, 2 usage, 3 denied by policy, 4 not found,\n"
                 "5 daemon not reachable, 6 integrity failure.\n");
}

void help_print(const char *words, FILE *out)
{
    const struct ctl_verb *exact;
    verbs_under(words, &exact);
    if (exact)
        print_verb(exact, out);
    else
        print_list(words, out);
}
