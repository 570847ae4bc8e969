/* Proves: what cannot be started is told, a cpnid that ends at once is noticed, and one that runs
 * is reachable and stops. outside_test.c has runs against it. */
#include "bench/daemon.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <unistd.h>

#define CPNID CPNI_BINARY_DIR "/ingest/cpnid"

static struct place place;

static void setup(void)
{
    struct diag d = {.what = ""};
    cr_assert_eq(place_new(NULL, false, &place, &d), OK, "%s", d.what);
}

static void teardown(void)
{
    place_done(&place);
}

TestSuite(daemon, .init = setup, .fini = teardown);

static struct daemon_options options_of(const char *cpnid, const char *npa)
{
    static const char *const KIND[] = {"asterisk_csv", "hep", "freeswitch_json"};
    return (struct daemon_options){.place = &place,
                                   .feed_kind = KIND,
                                   .feeds_count = 3,
                                   .port_offset = (uint16_t)(10000 + 37 * (getpid() % 350)),
                                   .workers = 1,
                                   .cpnid = cpnid,
                                   .npa_path = npa};
}

Test(daemon, no_program)
{
    struct daemon dm;
    struct diag d = {.what = NULL};
    struct daemon_options o = options_of("/nonexistent", "/dev/null");
    cr_expect_eq(daemon_start(&o, &dm, &d), ERR_NOTFOUND);
    cr_expect_not_null(d.what);
}

Test(daemon, a_program_that_ends_at_once, .timeout = 30)
{
    struct daemon dm;
    struct diag d = {.what = NULL};
    struct daemon_options o = options_of("/bin/false", "/dev/null");
    cr_expect_eq(daemon_start(&o, &dm, &d), ERR_SHUTDOWN);
    cr_expect_not_null(d.what);
}

Test(daemon, started_reachable_stopped, .timeout = 60)
{
    struct daemon dm;
    struct diag d = {.what = ""};
    struct daemon_options o = options_of(CPNID, CPNI_SOURCE_DIR "/deploy/npa.csv");
    if (access(CPNID, X_OK) != 0) {
        fprintf(stderr, "skipped: no %s\n", CPNID);
        return;
    }
    cr_assert_eq(daemon_start(&o, &dm, &d), OK, "%s", d.what);
    cr_expect_eq(access(dm.socket, F_OK), 0);
    cr_expect_eq(access(dm.file, W_OK), 0);
    cr_expect_eq(daemon_stop(&dm), OK);
    cr_expect_eq(daemon_stop(&dm), ERR_SHUTDOWN, "once");
}
