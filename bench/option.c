#include "bench/option.h"

#include <inttypes.h>
#include <stdlib.h>

enum { NAME_COLUMNS = 24, NAME_BYTES = 128 };

struct parse {
    const struct option_table *table;
    int argc, at;
    char *const *argv;
    uint8_t *out;
    struct diag *d;
};

static enum err wrong(const struct parse *p, enum err e, const char *what)
{
    return diag_set(p->d, e, what, (size_t)p->at);
}

static enum err set_number(const struct parse *p, const struct option_row *o, const char *value)
{
    uint64_t n;
    enum err e = span_u64(span_str(value), o->max, &n);
    if (e == ERR_SYNTAX)
        return wrong(p, e, "wants a number");
    if (e != OK || n < o->min)
        return wrong(p, ERR_LIMIT, "is out of bounds (see --help)");
    memcpy(p->out + o->member, &n, sizeof n);
    return OK;
}

static enum err set_real(const struct parse *p, const struct option_row *o, const char *value)
{
    char *end;
    double real = strtod(value, &end);
    if (end == value || *end)
        return wrong(p, ERR_SYNTAX, "wants a number");
    if (!(real > 0 && real <= (double)o->max)) /* not a number is out of bounds, too */
        return wrong(p, ERR_LIMIT, "is out of bounds (see --help)");
    memcpy(p->out + o->member, &real, sizeof real);
    return OK;
}

static enum err set_choice(const struct parse *p, const struct option_row *o, const char *value)
{
    struct span rest = span_str(o->value);
    for (unsigned i = 0; rest.n; i++)
        if (span_is(span_cut(&rest, '|'), value)) {
            memcpy(p->out + o->member, &i, sizeof i);
            return OK;
        }
    return wrong(p, ERR_SYNTAX, "is not one of its choices");
}

static enum err set(const struct parse *p, const struct option_row *o, const char *value)
{
    switch (o->kind) {
    case OPTION_FLAG:
        *(bool *)(void *)(p->out + o->member) = true;
        return OK;
    case OPTION_NUMBER:
        return set_number(p, o, value);
    case OPTION_REAL:
        return set_real(p, o, value);
    case OPTION_CHOICE:
        return set_choice(p, o, value);
    case OPTION_TEXT:
        memcpy(p->out + o->member, &value, sizeof value);
        return value[0] ? OK : wrong(p, ERR_SYNTAX, "wants a value");
    }
    return OK;
}

static const struct option_row *find(const struct option_table *t, const char *name, size_t n)
{
    for (size_t i = 0; i < t->count; i++)
        if (span_eq(span_str(t->row[i].name), span_of(name, n)))
            return &t->row[i];
    return NULL;
}

/* "--name", "--name=value", "--name value". */
static enum err take_option(struct parse *p)
{
    const char *name = p->argv[p->at] + 2, *equals = strchr(name, '=');
    size_t n = equals ? (size_t)(equals - name) : strlen(name);
    const struct option_row *o = find(p->table, name, n);
    if (span_is(span_of(name, n), "help"))
        return ERR_NOTFOUND;
    if (!o)
        return wrong(p, ERR_SYNTAX, "is no option of this command");
    if (o->kind == OPTION_FLAG)
        return equals ? wrong(p, ERR_SYNTAX, "takes no value") : set(p, o, NULL);
    if (!equals && p->at + 1 == p->argc)
        return wrong(p, ERR_SYNTAX, "wants a value");
    const char *value = equals ? equals + 1 : p->argv[p->at + 1];
    enum err e = set(p, o, value);
    p->at += equals ? 0 : 1;
    return e;
}

static const char **operand(const struct parse *p, const char *name, size_t member)
{
    return name ? (const char **)(void *)(p->out + member) : NULL;
}

/* Was one wanted, and not given? */
static bool missing(const struct parse *p, const char *name, size_t member)
{
    const char **slot = operand(p, name, member);
    return slot && !*slot;
}

static enum err take_operand(const struct parse *p)
{
    const char **slot = operand(p, p->table->operand, p->table->operand_member);
    if (!slot || *slot)
        slot = operand(p, p->table->second, p->table->second_member);
    if (!slot || *slot)
        return wrong(p, ERR_SYNTAX, "is one word too many");
    *slot = p->argv[p->at];
    return OK;
}

enum err options_parse(const struct option_table *t, int argc, char *const *argv, void *out,
                       struct diag *d)
{
    struct parse p = {t, argc, 0, argv, out, d};
    enum err e = OK;
    for (; e == OK && p.at < argc; p.at++)
        e = strncmp(argv[p.at], "--", 2) == 0 ? take_option(&p) : take_operand(&p);
    if (e == OK &&
        (missing(&p, t->operand, t->operand_member) || missing(&p, t->second, t->second_member)))
        return wrong(&p, ERR_SYNTAX, "the operand is missing");
    return e;
}

void options_help(const struct option_table *t, FILE *out)
{
    for (size_t i = 0; i < t->count; i++) {
        const struct option_row *o = &t->row[i];
        char name[NAME_BYTES];
        snprintf(name, sizeof name, "--%s%s%s", o->name, o->value ? " " : "",
                 o->value ? o->value : "");
        const char *gap = strlen(name) < NAME_COLUMNS ? "" : "\n  ";
        fprintf(out, "  %-*s%s%*s%s", NAME_COLUMNS, name, gap, *gap ? NAME_COLUMNS : 0, "",
                o->help);
        if (o->kind == OPTION_NUMBER)
            fprintf(out, " (%" PRIu64 " to %" PRIu64 ")", o->min, o->max);
        fprintf(out, "\n");
    }
}
