/* Proves on the real program: --check tells file, line and reason and gives 1, a right file
 * gives 0 and starts nothing, --print-config can be checked, wrong use gives 2. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static char dir[] = "/tmp/cpni-main-XXXXXX";
static char output[64 * 1024];

static void enter(void)
{
    cr_assert(mkdtemp(dir));
    cr_assert_eq(chdir(dir), 0);
}

static void leave(void)
{
    unlink("c.yaml");
    cr_assert_eq(chdir("/"), 0);
    rmdir(dir);
}

TestSuite(main, .init = enter, .fini = leave);

static void write_file(const char *text)
{
    FILE *f = fopen("c.yaml", "w");
    fputs(text, f);
    fclose(f);
}

/* Runs the program; its exit code; what it printed is in output. */
static int cpnid(char *const argv[])
{
    int out[2], status;
    cr_assert_eq(pipe(out), 0);
    pid_t pid = fork();
    if (pid == 0) {
        dup2(out[1], STDOUT_FILENO);
        dup2(out[1], STDERR_FILENO);
        execv(CPNI_BINARY_DIR "/ingest/cpnid", argv);
        _exit(99);
    }
    close(out[1]);
    size_t n = 0;
    for (ssize_t got; (got = read(out[0], output + n, sizeof output - 1 - n)) > 0;)
        n += (size_t)got;
    output[n] = '\0';
    close(out[0]);
    waitpid(pid, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

#define RUN(...) cpnid((char *[]){(char[]){"cpnid"}, __VA_ARGS__, NULL})
#define ARG(s)                                                                                     \
    (char[])                                                                                       \
    {                                                                                              \
        s                                                                                          \
    }

#define NPA "npa_file: " CPNI_SOURCE_DIR "/deploy/npa.csv\n"

Test(main, check)
{
    write_file(NPA);
    cr_expect_eq(RUN(ARG("-c"), ARG("c.yaml"), ARG("--check")), 0, "%s", output);
    cr_expect_str_eq(output, "");
    write_file(NPA "flush_ms: 0\nfoo: 1\n");
    cr_expect_eq(RUN(ARG("--config=c.yaml"), ARG("--check")), 1);
    cr_expect_str_eq(output, "c.yaml:2: flush_ms: wants milliseconds, 1 to 1000\n"
                             "c.yaml:3: foo: no such setting\n");
    cr_expect_eq(RUN(ARG("-c"), ARG("none.yaml"), ARG("--check")), 1);
    cr_expect(strstr(output, "none.yaml: no such thing"), "%s", output);
    write_file("npa_file: none\n");
    cr_expect_eq(RUN(ARG("-c"), ARG("c.yaml"), ARG("--check")), 1);
    cr_expect_str_eq(output, "c.yaml:1: npa_file: no such thing\n");
}

Test(main, environment)
{
    write_file(NPA);
    setenv("CPNID_PORT_OFFSET", "60000", 1);
    cr_expect_eq(RUN(ARG("-c"), ARG("c.yaml"), ARG("--check")), 1);
    cr_expect(strstr(output, "a port would pass 65535"), "%s", output);
    setenv("CPNID_PORT_OFFSET", "ten", 1);
    cr_expect_eq(RUN(ARG("-c"), ARG("c.yaml"), ARG("--check")), 1);
    cr_expect(strstr(output, "wants a number"), "%s", output);
    setenv("CPNID_PORT_OFFSET", "100", 1);
    cr_expect_eq(RUN(ARG("-c"), ARG("c.yaml"), ARG("--check")), 0, "%s", output);
    cr_expect_eq(RUN(ARG("-c"), ARG("c.yaml"), ARG("--state-dir"), ARG("/no/such")), 1);
    cr_expect(strstr(output, "setting=state_dir") && strstr(output, "cpnictl init"), "%s", output);
    setenv("CPNID_STATE_DIR", "/no/such/either", 1);
    cr_expect_eq(RUN(ARG("-c"), ARG("c.yaml")), 1);
    cr_expect(strstr(output, "setting=state_dir"), "%s", output);
}

Test(main, prints)
{
    cr_expect_eq(RUN(ARG("--print-config")), 0);
    write_file(output);
    cr_expect_eq(RUN(ARG("--help")), 0);
    cr_expect(strstr(output, "usage: cpnid -c FILE [--check] [--state-dir DIR]"));
    cr_expect_eq(RUN(ARG("--version")), 0);
    cr_expect_str_eq(output, "cpnid " CPNI_VERSION "\n");
}

Test(main, wrong_use)
{
    cr_expect_eq(cpnid((char *[]){ARG("cpnid"), NULL}), 2);
    cr_expect_eq(RUN(ARG("--check")), 2);
    cr_expect_eq(RUN(ARG("-c")), 2);
    cr_expect_eq(RUN(ARG("--no-such")), 2);
    cr_expect_eq(RUN(ARG("-c"), ARG("c.yaml"), ARG("more")), 2);
    cr_expect(strstr(output, "usage: cpnid"));
}
