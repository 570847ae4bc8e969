/* Proves: every kind of option in both forms, its bounds, and what is refused at which word. */
#include "bench/option.h"

#include <criterion/criterion.h>

struct options {
    bool flag;
    uint64_t number;
    double real;
    const char *text, *operand;
    unsigned choice;
};

#define AT(member) offsetof(struct options, member)
static const struct option_row ROWS[] = {
    {"flag", OPTION_FLAG, NULL, AT(flag), 0, 0, "a flag"},
    {"number", OPTION_NUMBER, "N", AT(number), 2, 10, "a number"},
    {"real", OPTION_REAL, "X", AT(real), 0, 100, "a real number"},
    {"text", OPTION_TEXT, "T", AT(text), 0, 0, "a text"},
    {"choice", OPTION_CHOICE, "one|two", AT(choice), 0, 0, "a choice"},
};
static const struct option_table TABLE = {.row = ROWS,
                                          .count = sizeof ROWS / sizeof ROWS[0],
                                          .operand = "FILE",
                                          .operand_member = AT(operand)};
#undef AT

static enum err parse(char *words, struct options *out, struct diag *d)
{
    char *argv[16];
    int argc = 0;
    for (char *save, *w = strtok_r(words, " ", &save); w; w = strtok_r(NULL, " ", &save))
        argv[argc++] = w;
    *out = (struct options){.number = 7};
    return options_parse(&TABLE, argc, argv, out, d);
}

Test(option, members_are_set_in_both_forms)
{
    struct options o;
    struct diag d;
    char words[] = "--flag in --number=3 --real 2.5 --text --choice --choice two";
    cr_assert_eq(parse(words, &o, &d), OK);
    cr_expect(o.flag && o.number == 3 && o.real == 2.5 && o.choice == 1);
    cr_expect_str_eq(o.operand, "in");
    cr_expect_str_eq(o.text, "--choice", "a value is whatever stands behind");
}

Test(option, what_is_not_given_stays)
{
    struct options o;
    struct diag d;
    char words[] = "in";
    cr_assert_eq(parse(words, &o, &d), OK);
    cr_expect(!o.flag && o.number == 7 && !o.text);
}

Test(option, refusals_name_the_word)
{
    static const struct {
        const char *words;
        enum err e;
        size_t at;
    } TABLE_OF[] = {
        {"", ERR_SYNTAX, 0},
        {"in --nosuch", ERR_SYNTAX, 1},
        {"in --number 1", ERR_LIMIT, 1},
        {"in --number 11", ERR_LIMIT, 1},
        {"in --number x", ERR_SYNTAX, 1},
        {"in --number", ERR_SYNTAX, 1},
        {"in --flag=1", ERR_SYNTAX, 1},
        {"in --real 0", ERR_LIMIT, 1},
        {"in --real nan", ERR_LIMIT, 1},
        {"in --real 2x", ERR_SYNTAX, 1},
        {"in --choice three", ERR_SYNTAX, 1},
        {"in --text=", ERR_SYNTAX, 1},
        {"in out", ERR_SYNTAX, 1},
        {"--help", ERR_NOTFOUND, 0},
    };
    for (size_t i = 0; i < sizeof TABLE_OF / sizeof TABLE_OF[0]; i++) {
        struct options o;
        struct diag d = {.what = ""};
        char words[64];
        snprintf(words, sizeof words, "%s", TABLE_OF[i].words);
        cr_expect_eq(parse(words, &o, &d), TABLE_OF[i].e, "%s", TABLE_OF[i].words);
        cr_expect_eq(d.at, TABLE_OF[i].at, "%s", TABLE_OF[i].words);
    }
}

Test(option, help_has_a_line_for_each)
{
    char text[1024] = "";
    FILE *f = fmemopen(text, sizeof text, "w");
    options_help(&TABLE, f);
    fclose(f);
    for (size_t i = 0; i < TABLE.count; i++)
        cr_expect(strstr(text, ROWS[i].name) && strstr(text, ROWS[i].help));
    cr_expect(strstr(text, "(2 to 10)"));
}

Test(option, two_operands_are_both_wanted)
{
    struct options o;
    struct diag d;
    struct option_table two = TABLE;
    char *argv[] = {(char[]){"a"}, (char[]){"b"}, (char[]){"c"}};
    two.second = "OTHER";
    two.second_member = offsetof(struct options, text);
    o = (struct options){.number = 7};
    cr_expect_eq(options_parse(&two, 1, argv, &o, &d), ERR_SYNTAX);
    o = (struct options){.number = 7};
    cr_expect_eq(options_parse(&two, 2, argv, &o, &d), OK);
    cr_expect_str_eq(o.operand, "a");
    cr_expect_str_eq(o.text, "b");
    o = (struct options){.number = 7};
    cr_expect_eq(options_parse(&two, 3, argv, &o, &d), ERR_SYNTAX);
    cr_expect_eq(d.at, 2u);
}
