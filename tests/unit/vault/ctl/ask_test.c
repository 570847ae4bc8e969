/* Commands that are one request: what is asked, word for word, and that the status of the
 * answer is the exit code. */
#include <criterion/criterion.h>

#include "tests/lib/control_fake.h"

static struct control_fake fake;

#define RUN(...) ctl_result_of(fake.path, (const char *const[]){__VA_ARGS__, NULL})

static const struct control_answer ANSWER[] = {
    {"status",
     {{COLUMN_TEXT, "name"}, {COLUMN_NUMBER, "value"}},
     {{SPAN_LIT("records"), SPAN_LIT("12")}},
     CONTROL_DONE,
     NULL,
     false},
    {"calls list",
     {{COLUMN_TEXT, "called_tn"}},
     {{SPAN_LIT("+12125550123")}},
     CONTROL_DONE,
     NULL,
     false},
    {"customer show",
     {{COLUMN_TEXT, "customer_id"}},
     {{SPAN_LIT("acme")}},
     CONTROL_DONE,
     NULL,
     false},
    {"audit list", {{0}}, {{{0}}}, CONTROL_DENIED, "not your role", false},
    {"audit verify", {{0}}, {{{0}}}, CONTROL_INTEGRITY, "the audit chain is broken", false},
    {"keys rotate", {{0}}, {{{0}}}, CONTROL_FAILED, "", false},
    {"verify", {{0}}, {{{0}}}, CONTROL_DONE, NULL, true},
};

static void setup(void)
{
    control_fake_start(&fake, ANSWER, sizeof ANSWER / sizeof ANSWER[0]);
}

TestSuite(ask, .init = setup, .timeout = 30);

static void expect(struct ctl_result r, int status, const char *out, const char *err)
{
    cr_expect_eq(r.status, status, "status %d", r.status);
    cr_expect_str_eq(r.out, out);
    cr_expect_str_eq(r.err, err);
    ctl_result_free(&r);
}

static void expect_asked(const char *want)
{
    control_fake_stop(&fake);
    cr_expect_str_eq((const char *)fake.asked_bytes, want, "asked: %s",
                     (const char *)fake.asked_bytes);
}

Test(ask, a_listing)
{
    expect(RUN("status", "--format", "json"), CONTROL_DONE, "{\"name\":\"records\",\"value\":12}\n",
           "");
    expect_asked("status\n");
}

Test(ask, options_go_along_and_times_as_microseconds)
{
    expect(RUN("calls", "list", "--customer", "acme", "--from", "2026-01-01", "--to",
               "2026-01-02T00:00:00+01:00", "--purpose", "LEGAL", "--case", "No 7", "--format=csv"),
           CONTROL_DONE, "called_tn\n+12125550123\n", "");
    expect_asked("calls list customer=acme from=1767225600000000 to=1767308400000000 "
                 "purpose=LEGAL case=No 7 columns=all\n");
}

Test(ask, a_table_of_calls_is_brief_unless_all_is_asked_for)
{
    const char *const HEAD = "called_tn\n+12125550123\n";
    expect(RUN("calls", "list", "--customer=a", "--from=2026-01-01", "--to=2026-01-02",
               "--purpose=BILL"),
           CONTROL_DONE, HEAD, "");
    expect(RUN("calls", "list", "--customer=a", "--from=2026-01-01", "--to=2026-01-02",
               "--purpose=BILL", "--columns=all"),
           CONTROL_DONE, HEAD, "");
    expect_asked("calls list customer=a from=1767225600000000 to=1767312000000000 purpose=BILL "
                 "columns=brief\n"
                 "calls list customer=a from=1767225600000000 to=1767312000000000 purpose=BILL "
                 "columns=all\n");
}

Test(ask, an_operand_goes_under_its_name)
{
    expect(RUN("customer", "show", "acme", "--format=csv"), CONTROL_DONE, "customer_id\nacme\n",
           "");
    expect_asked("customer show customer=acme\n");
}

Test(ask, the_status_of_the_answer_is_the_exit_code)
{
    expect(RUN("audit", "list"), CONTROL_DENIED, "", "cpnictl: not your role\n");
    expect(RUN("audit", "verify"), CONTROL_INTEGRITY, "", "cpnictl: the audit chain is broken\n");
    expect(RUN("keys", "rotate"), CONTROL_FAILED, "", "cpnictl: failed\n");
    expect(RUN("verify"), CONTROL_UNREACHABLE, "",
           "cpnictl: the daemon went away before it answered\n");
    control_fake_stop(&fake);
}

Test(ask, an_option_too_long_for_a_request_is_refused_here)
{
    static char text[9000];
    memset(text, 'c', sizeof text - 1);
    expect(RUN("calls", "list", "--customer=a", "--from=2026-01-01", "--to=2026-01-02",
               "--purpose=BILL", "--case", text),
           CONTROL_USAGE, "", "cpnictl: an option is too long\n");
    expect_asked("");
}
