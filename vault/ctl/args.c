#include "vault/ctl/args.h"

#include "vault/ctl/verbs.h"
#include "vault/ctl/when.h"

struct parse {
    int argc, at;
    char *const *argv;
    struct ctl_line *line;
    struct diag *d;
};

static enum err wrong(const struct parse *p, const char *what)
{
    return diag_set(p->d, ERR_SYNTAX, what, (size_t)p->at);
}

bool args_choice(const char *choices, const char *word)
{
    struct span rest = span_str(choices);
    while (rest.n)
        if (span_eq(span_cut(&rest, '|'), span_str(word)))
            return true;
    return false;
}

static enum err check_value(const struct parse *p, const struct ctl_option *o, const char *value)
{
    uint64_t number;
    int64_t us;
    switch (o->kind) {
    case OPTION_NUMBER:
        return span_u64(span_str(value), UINT64_MAX, &number) == OK ? OK
                                                                    : wrong(p, "wants a number");
    case OPTION_TIME:
        return when_parse(span_str(value), &us) == OK
                   ? OK
                   : wrong(p, "wants a time: YYYY-MM-DD, \"YYYY-MM-DD HH:MM:SS\" or RFC 3339");
    case OPTION_CHOICE:
        return args_choice(o->value, value) ? OK : wrong(p, "is not one of its choices");
    case OPTION_TEXT:
    case OPTION_LOCAL:
        return value[0] ? OK : wrong(p, "wants a value");
    case OPTION_FLAG:
        return OK;
    }
    return OK;
}

/* "--name", "--name=value", "--name value". */
static enum err take_value(struct parse *p, const struct ctl_option *o, const char **slot)
{
    const char *arg = p->argv[p->at], *equals = strchr(arg, '=');
    if (*slot)
        return wrong(p, "is given twice");
    if (o->kind == OPTION_FLAG) {
        *slot = "1";
        return equals ? wrong(p, "takes no value") : OK;
    }
    if (equals)
        *slot = equals + 1;
    else if (p->at + 1 < p->argc)
        *slot = p->argv[++p->at];
    else
        return wrong(p, "wants a value");
    return check_value(p, o, *slot);
}

static const struct ctl_option *find(const struct ctl_option *option, size_t count, const char *arg)
{
    size_t n = strcspn(arg + 2, "=");
    for (size_t i = 0; i < count; i++)
        if (strlen(option[i].name) == n && memcmp(option[i].name, arg + 2, n) == 0)
            return &option[i];
    return NULL;
}

static enum err take_global(struct parse *p, const struct ctl_option *o)
{
    const char *value = NULL;
    struct ctl_line *line = p->line;
    enum err e = take_value(p, o, &value);
    if (e != OK)
        return e;
    if (strcmp(o->name, "help") == 0)
        line->help = true;
    else if (strcmp(o->name, "version") == 0)
        line->version = true;
    else if (strcmp(o->name, "socket") == 0)
        line->socket_path = value;
    else
        line->format = value[0] == 't' ? FORMAT_TABLE : value[0] == 'j' ? FORMAT_JSON : FORMAT_CSV;
    return OK;
}

static enum err take_option(struct parse *p)
{
    const char *arg = p->argv[p->at];
    const struct ctl_verb *verb = p->line->args.verb;
    if (strncmp(arg, "--", 2) != 0)
        return wrong(p, "options begin with two dashes");
    const struct ctl_option *o = find(CTL_GLOBALS, CTL_GLOBALS_COUNT, arg);
    if (o)
        return take_global(p, o);
    o = verb ? find(verb->option, verb->options_count, arg) : NULL;
    if (!o)
        return wrong(p, "no such option of this command");
    return take_value(p, o, &p->line->args.value[o - verb->option]);
}

/* A word of the command, or behind a whole command its operand. */
static enum err take_word(struct parse *p)
{
    struct ctl_line *line = p->line;
    const char *word = p->argv[p->at];
    size_t used = strlen(line->words), n = strlen(word);
    if (line->args.verb) {
        if (!line->args.verb->operand || line->args.operand)
            return wrong(p, "one word too many");
        line->args.operand = word;
        return word[0] ? OK : wrong(p, "wants a value");
    }
    if (used + 1 + n + 1 > sizeof line->words)
        return wrong(p, "no such command");
    if (used)
        line->words[used++] = ' ';
    memcpy(line->words + used, word, n + 1);
    return verbs_under(line->words, &line->args.verb) ? OK : wrong(p, "no such command");
}

static enum err check_complete(struct parse *p)
{
    const struct ctl_args *a = &p->line->args;
    if (!a->verb)
        return wrong(p, "a command is missing");
    if (a->verb->operand && !a->operand)
        return wrong(p, "the operand is missing");
    for (size_t i = 0; i < a->verb->options_count; i++)
        if (a->verb->option[i].required && !a->value[i])
            return wrong(p, "a required option is missing");
    return OK;
}

enum err args_parse(int argc, char *const *argv, struct ctl_line *out, struct diag *d)
{
    struct parse p = {argc, 1, argv, out, d};
    *out = (struct ctl_line){.format = FORMAT_TABLE};
    for (; p.at < argc; p.at++) {
        enum err e = argv[p.at][0] == '-' ? take_option(&p) : take_word(&p);
        if (e != OK)
            return e;
    }
    return out->help || out->version ? OK : check_complete(&p);
}

const char *ctl_arg(const struct ctl_args *a, const char *name)
{
    for (size_t i = 0; i < a->verb->options_count; i++)
        if (strcmp(a->verb->option[i].name, name) == 0)
            return a->value[i];
    return NULL;
}
