/* Proves: a line says feed, reason and place; a flood of one reason makes one line a second that
 * counts the others, and hides no other reason; what is merely ignored makes none. */
#include "ingest/pipe/refusal_log.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <unistd.h>

static uint64_t NOW_US;

static uint64_t mono(void *arg)
{
    (void)arg;
    return NOW_US;
}

static int64_t wall(void *arg)
{
    (void)arg;
    return 1763632800000000;
}

static struct refusal_log LOG;
static const struct clock_ops CLOCK = {wall, mono, NULL};
static const struct ingest_feed CONF = {.name = "pbx"};
static const struct pipe_feed FEED = {.conf = &CONF, .index = 2};
static char TEXT[8192];

/* What was written since the last call. */
static const char *written(int fd)
{
    ssize_t n = read(fd, TEXT, sizeof TEXT - 1);
    TEXT[n > 0 ? n : 0] = '\0';
    return TEXT;
}

static int start(void)
{
    int fd[2];
    cr_assert_eq(pipe2(fd, O_NONBLOCK), 0);
    NOW_US = 5000000;
    LOG = (struct refusal_log){.fd = fd[1], .role = "ingest0", .clock = &CLOCK};
    return fd[0];
}

Test(refusal_log, says_feed_reason_and_place)
{
    int fd = start();
    refusal_log(&LOG, &FEED, METRIC_MALFORMED, REASON_COLUMN, &(struct diag){"column 10", 77});
    cr_expect_str_eq(written(fd), "ts=2025-11-20T10:00:00.000000Z level=warning role=ingest0 "
                                  "event=malformed feed=pbx reason=column what=\"column 10\" at=77 "
                                  "left_out=0\n");
}

Test(refusal_log, flood)
{
    int fd = start();
    struct diag d = {"x", 0};
    for (int i = 0; i < 1000; i++)
        refusal_log(&LOG, &FEED, METRIC_MALFORMED, REASON_SIP, &d);
    cr_expect_not_null(strstr(written(fd), "left_out=0"));
    cr_expect_eq(strchr(TEXT, '\n')[1], '\0', "one line");
    refusal_log(&LOG, &FEED, METRIC_AUTH_FAILED, REASON_FRAME, &d);
    cr_expect_not_null(strstr(written(fd), "event=auth_failed"), "another reason is heard");
    NOW_US += 1000000;
    refusal_log(&LOG, &FEED, METRIC_MALFORMED, REASON_SIP, &d);
    cr_expect_not_null(strstr(written(fd), "left_out=999"));
}

Test(refusal_log, ignored_is_quiet)
{
    int fd = start();
    refusal_log(&LOG, &FEED, METRIC_IGNORED, REASON_NOT_A_CALL, &(struct diag){"x", 0});
    cr_expect_str_eq(written(fd), "");
}

Test(refusal_log, events)
{
    int fd = start();
    refusal_log_event(&LOG, "info", "file", "pbx", "rotated", 4096);
    cr_expect_not_null(strstr(written(fd), "event=file feed=pbx what=rotated at=4096"));
    refusal_log_event(&LOG, "error", "vault", NULL, "gone", 1);
    cr_expect_null(strstr(written(fd), "feed="));
}
