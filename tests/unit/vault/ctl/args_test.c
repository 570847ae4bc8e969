/* The command line: what is understood, and that every wrong line is refused with the reason
 * and the place. */
#include <criterion/criterion.h>

#include "vault/ctl/args.h"

enum { ARGC_MAX = 16 };

static enum err parse(const char *const *words, struct ctl_line *line, struct diag *d)
{
    char *argv[ARGC_MAX] = {(char *)(uintptr_t) "cpnictl"};
    int argc = 1;
    for (; words[argc - 1]; argc++)
        argv[argc] = (char *)(uintptr_t)words[argc - 1];
    return args_parse(argc, argv, line, d);
}
#define PARSE(line, d, ...) parse((const char *const[]){__VA_ARGS__, NULL}, line, d)

Test(args, words_operand_options_in_both_forms)
{
    struct ctl_line line;
    cr_assert_eq(PARSE(&line, NULL, "--format=json", "usage", "consumer", "add", "--family",
                       "usage", "billing", "--account-id", "--generate=f", "--socket", "s"),
                 OK);
    cr_expect_str_eq(line.args.verb->words, "usage consumer add");
    cr_expect_str_eq(line.args.operand, "billing");
    cr_expect_str_eq(ctl_arg(&line.args, "family"), "usage");
    cr_expect_str_eq(ctl_arg(&line.args, "account-id"), "1");
    cr_expect_str_eq(ctl_arg(&line.args, "generate"), "f");
    cr_expect_null(ctl_arg(&line.args, "public-key"));
    cr_expect_str_eq(line.socket_path, "s");
    cr_expect_eq(line.format, FORMAT_JSON);
}

Test(args, a_value_may_look_like_an_option_or_be_empty_of_meaning)
{
    struct ctl_line line;
    cr_assert_eq(PARSE(&line, NULL, "calls", "list", "--customer", "--acme", "--from", "2026-01-01",
                       "--to=2026-01-02", "--purpose", "BILL"),
                 OK);
    cr_expect_str_eq(ctl_arg(&line.args, "customer"), "--acme");
}

Test(args, help_needs_nothing_else)
{
    struct ctl_line line;
    cr_assert_eq(PARSE(&line, NULL, "--help"), OK);
    cr_expect(line.help && line.words[0] == 0);
    cr_assert_eq(PARSE(&line, NULL, "usage", "consumer", "--help"), OK);
    cr_expect(line.help && line.args.verb == NULL);
    cr_expect_str_eq(line.words, "usage consumer");
    cr_assert_eq(PARSE(&line, NULL, "calls", "list", "--help"), OK);
    cr_expect_str_eq(line.args.verb->words, "calls list");
    cr_assert_eq(PARSE(&line, NULL, "--version"), OK);
    cr_expect(line.version);
}

Test(args, what_is_wrong_is_refused_with_the_reason)
{
    const struct {
        const char *words[12];
        const char *what;
        size_t at;
    } ROW[] = {
        {{NULL}, "a command is missing", 1},
        {{"calls"}, "a command is missing", 2},
        {{"phone", "calls"}, "no such command", 1},
        {{"calls", "delete"}, "no such command", 2},
        {{"call"}, "no such command", 1},
        {{"an endless word that no command could ever be because it is too long for one", "x"},
         "no such command",
         1},
        {{"status", "now"}, "one word too many", 2},
        {{"customer", "show"}, "the operand is missing", 3},
        {{"customer", "show", ""}, "wants a value", 3},
        {{"customer", "show", "a", "b"}, "one word too many", 4},
        {{"status", "--deep"}, "no such option of this command", 2},
        {{"--deep", "verify"}, "no such option of this command", 1},
        {{"status", "-h"}, "options begin with two dashes", 2},
        {{"verify", "--deep=1"}, "takes no value", 2},
        {{"verify", "--deep", "--deep"}, "is given twice", 3},
        {{"audit", "list", "--from"}, "wants a value", 3},
        {{"audit", "list", "--from", "x"}, "wants a number", 4},
        {{"audit", "list", "--from", "-1"}, "wants a number", 4},
        {{"status", "--format", "xml"}, "is not one of its choices", 3},
        {{"status", "--format", "table|json"}, "is not one of its choices", 3},
        {{"ingest", "f"}, "a required option is missing", 3},
        {{"ingest", "f", "--feed="}, "wants a value", 3},
        {{"calls", "list", "--from", "yesterday"},
         "wants a time: YYYY-MM-DD, \"YYYY-MM-DD HH:MM:SS\" or RFC 3339",
         4},
    };
    for (size_t i = 0; i < sizeof ROW / sizeof ROW[0]; i++) {
        struct ctl_line line;
        struct diag d = {0};
        cr_expect_eq(parse(ROW[i].words, &line, &d), ERR_SYNTAX, "row %zu", i);
        cr_assert_not_null(d.what, "row %zu", i);
        cr_expect_str_eq(d.what, ROW[i].what, "row %zu: %s", i, d.what);
        cr_expect_eq(d.at, ROW[i].at, "row %zu: at %zu", i, d.at);
    }
}

Test(args, choices_are_whole_words)
{
    cr_expect(args_choice("usage|agg", "usage"));
    cr_expect(args_choice("usage|agg", "agg"));
    cr_expect(!args_choice("usage|agg", "ag"));
    cr_expect(!args_choice("usage|agg", "aggr"));
    cr_expect(!args_choice("usage|agg", ""));
}
