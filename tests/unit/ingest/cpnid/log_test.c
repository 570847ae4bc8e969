/* Proves: a line is one write with the time in front, whatever is said. */
#include "ingest/cpnid/log.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <unistd.h>

Test(log, a_line_is_one_write)
{
    int fd[2];
    char line[LOGFMT_BYTES_MAX];
    cr_assert_eq(pipe2(fd, O_DIRECT), 0); /* packets: a write a read */
    int before = dup(STDERR_FILENO);
    dup2(fd[1], STDERR_FILENO);
    log_reason("error", "vault", "ended", "the disk\nfailed");
    dup2(before, STDERR_FILENO);
    ssize_t n = read(fd[0], line, sizeof line - 1);
    cr_assert_gt(n, 0);
    line[n] = '\0';
    cr_expect_eq(strncmp(line, "ts=20", 5), 0, "%s", line);
    cr_expect(strstr(line, "Z level=error role=vault event=ended reason=\"the disk?failed\"\n"),
              "%s", line);
}
