/* One run: where the socket is looked for, exit codes of usage errors and of errors of this
 * program, and that no message repeats what was typed as a value. */
#include <criterion/criterion.h>
#include <stdlib.h>

#include "tests/lib/control_fake.h"
#include "vault/ctl/ctl.h"

#define RUN(...) ctl_result_of(NULL, (const char *const[]){__VA_ARGS__, NULL})

Test(run, usage_errors_exit_2_on_stderr)
{
    const char *const ROW[][6] = {
        {NULL},
        {"nonsense"},
        {"calls", "list"},
        {"calls", "list", "--customer"},
        {"status", "--format", "xml"},
        {"usage", "consumer", "add", "billing"},
    };
    for (size_t i = 0; i < sizeof ROW / sizeof ROW[0]; i++) {
        struct ctl_result r = ctl_result_of(NULL, ROW[i]);
        cr_expect_eq(r.status, CONTROL_USAGE, "row %zu", i);
        cr_expect_str_empty(r.out, "row %zu", i);
        cr_expect_eq(strncmp(r.err, "cpnictl: ", 9), 0, "row %zu", i);
        cr_expect_not_null(strstr(r.err, "--help"), "row %zu", i);
        ctl_result_free(&r);
    }
}

Test(run, no_message_repeats_a_value)
{
    const char *const ROW[][8] = {
        {"12125550123"},
        {"calls", "12125550123"},
        {"calls", "list", "--from", "12125550123"},
        {"calls", "list", "--from=12125550123"},
        {"customer", "show", "x", "12125550123"},
        {"audit", "list", "--from", "12125550123x"},
        {"calls", "list", "-12125550123"},
    };
    for (size_t i = 0; i < sizeof ROW / sizeof ROW[0]; i++) {
        struct ctl_result r = ctl_result_of(NULL, ROW[i]);
        cr_expect_eq(r.status, CONTROL_USAGE, "row %zu", i);
        cr_expect_null(strstr(r.err, "5550123"), "row %zu: %s", i, r.err);
        ctl_result_free(&r);
    }
}

Test(run, an_option_is_named_in_its_error)
{
    struct ctl_result r = RUN("calls", "list", "--frm=1");
    cr_expect_str_eq(r.err, "cpnictl: --frm no such option of this command\n"
                            "Try: cpnictl calls list --help\n");
    ctl_result_free(&r);
}

Test(run, a_daemon_that_is_not_there_exits_5)
{
    unsetenv("CPNID_STATE_DIR");
    struct ctl_result r = RUN("status", "--socket", "/nonexistent/control.sock");
    cr_expect_eq(r.status, CONTROL_UNREACHABLE);
    cr_expect_str_empty(r.out);
    ctl_result_free(&r);
    r = RUN("status");
    cr_expect_eq(r.status, CONTROL_UNREACHABLE);
    ctl_result_free(&r);
}

Test(run, the_socket_is_found_by_the_environment)
{
    static const struct control_answer ANSWER = {.verb = "status"};
    static struct control_fake fake;
    control_fake_start(&fake, &ANSWER, 1);
    setenv("CPNID_STATE_DIR", fake.dir, 1);
    struct ctl_result r = RUN("status");
    cr_expect_eq(r.status, CONTROL_DONE);
    ctl_result_free(&r);
    control_fake_stop(&fake);
}

Test(run, version)
{
    struct ctl_result r = RUN("--version");
    cr_expect_eq(r.status, CONTROL_DONE);
    cr_expect_str_eq(r.out, "cpnictl " CPNI_VERSION "\n");
    ctl_result_free(&r);
}

Test(run, an_output_that_cannot_be_written_is_a_failure)
{
    static const struct control_answer ANSWER = {
        .verb = "status", .column = {{COLUMN_TEXT, "name"}}, .row = {{SPAN_LIT("x")}}};
    static struct control_fake fake;
    control_fake_start(&fake, &ANSWER, 1);
    FILE *full = fopen("/dev/full", "w");
    cr_assert_not_null(full);
    char *argv[] = {(char *)(uintptr_t) "cpnictl", (char *)(uintptr_t) "status",
                    (char *)(uintptr_t) "--socket", fake.path};
    FILE *err = fopen("/dev/null", "w");
    cr_expect_eq(ctl_run(4, argv, full, err), CONTROL_FAILED);
    fclose(err);
    fclose(full);
    control_fake_stop(&fake);
}

Test(run, every_error_has_an_exit_code)
{
    cr_expect_eq(ctl_status(OK), CONTROL_DONE);
    cr_expect_eq(ctl_status(ERR_DENIED), CONTROL_DENIED);
    cr_expect_eq(ctl_status(ERR_NOTFOUND), CONTROL_NOTFOUND);
    cr_expect_eq(ctl_status(ERR_NET), CONTROL_UNREACHABLE);
    cr_expect_eq(ctl_status(ERR_FORGED), CONTROL_INTEGRITY);
    for (int e = 1; e < ERR_COUNT; e++)
        cr_expect_neq(ctl_status((enum err)e), CONTROL_DONE, "%s", err_name((enum err)e));
}
