/* `cpnictl ingest` into a real vault role over its real socket: what is read and accepted,
 * again (all duplicates), what is rejected by line, and every way not to begin. */
#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/lib/control_fake.h"
#include "tests/lib/remove_tree.h"
#include "vault/serve/vaultd.h"

static char dir[] = "/tmp/cpni-load-XXXXXX", path[64], file[64];
static pid_t vault;

static int listener(void)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_SEQPACKET, 0);
    snprintf(a.sun_path, sizeof a.sun_path, "%s", path);
    cr_assert(bind(fd, (struct sockaddr *)&a, sizeof a) == 0 && listen(fd, 4) == 0);
    return fd;
}

/* In a process of its own: the database's threads would take the role's SIGTERM. */
static void create(const struct vault_options *o)
{
    int status = -1;
    pid_t pid = fork();
    if (pid == 0)
        _exit(chdir(dir) == 0 && vault_create(o, NULL) == OK ? 0 : 1);
    waitpid(pid, &status, 0);
    cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static void setup(void)
{
    int ready[2];
    char byte;
    struct vaultd_options o = {.forward_fd = -1, .grants_count = 1};
    cr_assert_not_null(mkdtemp(dir));
    snprintf(path, sizeof path, "%s/control.sock", dir);
    snprintf(file, sizeof file, "%s/cdr", dir);
    cr_assert_eq(pipe(ready), 0);
    vault_options_default(&o.vault);
    o.vault.require_locked_memory = false;
    o.control_fd = listener();
    o.ready_fd = ready[1];
    o.grant[0] = (struct vaultd_grant){.id = geteuid(), .roles = ~(role_set)0};
    create(&o.vault);
    vault = fork();
    if (vault == 0)
        _exit(chdir(dir) == 0 ? vaultd_run(&o) : 2);
    close(o.control_fd);
    close(ready[1]);
    cr_assert_eq(read(ready[0], &byte, 1), 1, "the vault role is ready");
    close(ready[0]);
}

static void teardown(void)
{
    int status = 0;
    kill(vault, SIGTERM);
    waitpid(vault, &status, 0);
    remove_tree(dir);
    cr_expect(WIFEXITED(status) && WEXITSTATUS(status) == 0, "status %x", (unsigned)status);
}

TestSuite(load, .init = setup, .fini = teardown, .timeout = 60);

static void write_file(const char *text)
{
    FILE *f = fopen(file, "w");
    cr_assert_not_null(f);
    fputs(text, f);
    fclose(f);
}

#define RUN(...)                                                                                   \
    ctl_result_of(path, (const char *const[]){"ingest", file, "--format=csv", __VA_ARGS__, NULL})

static void expect(struct ctl_result r, int status, const char *out, const char *err)
{
    cr_expect_eq(r.status, status, "%d: %s", r.status, r.err);
    cr_expect_str_eq(r.out, out);
    cr_expect_not_null(strstr(r.err, err), "%s", r.err);
    cr_expect_null(strstr(r.err, "5550123"));
    ctl_result_free(&r);
}

#define HEAD "read,accepted,duplicate,rejected,ignored\n"
#define LINE(start, id)                                                                            \
    "\"\",\"12125550123\",\"12125550124\",\"from-internal\",\"\"\"A\"\" <12125550123>\","          \
    "\"PJSIP/a-0001\",\"PJSIP/b-0002\",\"Dial\",\"\",\"" start "\",\"2026-11-20 09:00:07\","       \
    "\"2026-11-20 09:03:19\",199,192,\"ANSWERED\",\"DOCUMENTATION\",\"" id "\",\"\"\n"

Test(load, a_file_is_taken_once)
{
    write_file(LINE("2026-11-20 09:00:00", "1795165200.1")
                   LINE("2026-11-20 09:00:01", "1795165200.2"));
    expect(RUN("--feed", "asterisk", "--kind", "asterisk_csv"), CONTROL_DONE, HEAD "2,2,0,0,0\n",
           "");
    expect(RUN("--feed", "asterisk"), CONTROL_DONE, HEAD "2,0,2,0,0\n", "");
    expect(RUN("--feed=asterisk", "--timezone=+05:30", "--number-plan=e164", "--country-code=1"),
           CONTROL_DONE, HEAD "2,0,2,0,0\n", "");
}

Test(load, what_is_rejected_is_told_by_line)
{
    write_file(LINE("2026-11-20 09:00:00",
                    "1795165200.1") "no,cdr,12125550123\n" LINE("yesterday", "1795165200.2"));
    expect(RUN("--feed=asterisk", "--kind=asterisk_csv"), CONTROL_DONE, HEAD "3,1,0,2,0\n",
           ": line 2: ");
}

Test(load, a_map_reads_the_file)
{
    static char map[80], option[96];
    snprintf(map, sizeof map, "%s/map", dir);
    snprintf(option, sizeof option, "--map=%s", map);
    FILE *f = fopen(map, "w");
    cr_assert_not_null(f);
    fputs("format = csv\nkey = #1\nanswered-by = t_answer\n"
          "t_answer = #2: time %Y-%m-%d %H:%M:%S\nignore = #1: title\n",
          f);
    fclose(f);
    write_file("title,when\n1,2026-11-20 09:00:00\n2,yesterday 12125550123\n");
    expect(RUN("--feed=report", option), CONTROL_USAGE, "", "timezone");
    expect(RUN("--feed=report", option, "--timezone=UTC"), CONTROL_DONE, HEAD "2,1,0,1,1\n",
           ": line 3: ");
    expect(RUN("--feed=report", "--kind=mapped", option, "--timezone=UTC"), CONTROL_DONE,
           HEAD "2,0,1,1,1\n", ": line 3: ");
    expect(RUN("--feed=report"), CONTROL_FAILED, HEAD "0,0,0,0,0\n", "wants its map");
    expect(RUN("--feed=report", "--kind=mapped"), CONTROL_USAGE, "", "--map");
    expect(RUN("--feed=report", "--kind=hep", option), CONTROL_USAGE, "", "--map");
    expect(RUN("--feed=report", "--map=/nonexistent"), CONTROL_USAGE, "", "/nonexistent: ");
    f = fopen(map, "a");
    fputs("nonsense = 1\n", f);
    fclose(f);
    expect(RUN("--feed=report", option), CONTROL_USAGE, "", "map:6: ");
}

Test(load, what_cannot_begin_has_its_exit_code)
{
    write_file(LINE("2026-11-20 09:00:00", "1795165200.1"));
    expect(RUN("--feed=a", "--kind=hep"), CONTROL_FAILED, HEAD "0,0,0,0,0\n", "cpnictl: ");
    expect(RUN("--feed=a", "--timezone=Nowhere/Here"), CONTROL_USAGE, "", "--timezone");
    expect(RUN("--feed=a", "--timezone=../../etc/passwd"), CONTROL_USAGE, "", "--timezone");
    expect(RUN("--feed=a", "--npa=/nonexistent"), CONTROL_NOTFOUND, "", "area codes");
    unlink(file);
    expect(RUN("--feed=asterisk", "--kind=asterisk_csv"), CONTROL_NOTFOUND, HEAD "0,0,0,0,0\n",
           "cpnictl: ");
    const char *const words[] = {"ingest", "x", "--feed=a", NULL};
    expect(ctl_result_of("/nonexistent/control.sock", words), CONTROL_UNREACHABLE, "", "reachable");
}
