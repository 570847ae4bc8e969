/* The forward role as a process: ready when it listens, serves, ends by SIGTERM with 0, and
 * with another code when it cannot serve. */
#include <criterion/criterion.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ingest/forwardd.h"
#include "tests/lib/forward_rig.h"

struct role {
    struct usage_vault vault;
    char pull[KEY_ENDPOINT_BYTES], hint[KEY_ENDPOINT_BYTES];
    pid_t pid;
    int ready;
};

static void role_start(struct role *r, bool mute)
{
    int ready[2];
    usage_vault_open(&r->vault);
    r->vault.mute = mute;
    cr_assert_eq(pipe(ready), 0);
    r->pid = fork();
    cr_assert_geq(r->pid, 0);
    if (r->pid == 0) {
        close(r->vault.fd);
        struct forwardd_options o = {r->vault.other, r->pull, r->hint, ready[1], NULL};
        _exit(forwardd_run(&o));
    }
    close(r->vault.other);
    close(ready[1]);
    r->ready = ready[0];
    usage_vault_serve(&r->vault);
}

static int role_end(struct role *r)
{
    int status = -1;
    cr_assert_eq(waitpid(r->pid, &status, 0), r->pid);
    close(r->ready);
    usage_vault_stop(&r->vault);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static bool becomes_ready(struct role *r)
{
    char byte;
    return read(r->ready, &byte, 1) == 1;
}

TestSuite(forwardd, .timeout = 60);

Test(forwardd, serves_and_ends_on_sigterm)
{
    struct role r;
    free_addresses(r.pull, r.hint);
    role_start(&r, false);
    cr_assert(becomes_ready(&r));
    struct key_file k = {.name = "billing"};
    struct usage_client *c;
    struct cu1_answer a = {0};
    struct cu1_request q = {CU1_PULL, span_str("usage.calls"), 0, 10, 0};
    key_file_generate(&k);
    memcpy(k.server_key, r.vault.server_public, sizeof k.server_key);
    snprintf(k.endpoint, sizeof k.endpoint, "tcp://%.100s", r.pull);
    usage_vault_add(&r.vault, &k);
    usage_vault_rows(&r.vault, 3);
    cr_assert_eq(usage_client_new(&k, &c, NULL), OK);
    cr_expect_eq(usage_client_call(c, &q, 10000, &a, NULL), OK);
    cr_expect_eq(a.rows_count, 3);
    usage_client_free(c);
    kill(r.pid, SIGTERM);
    cr_expect_eq(role_end(&r), 0);
}

Test(forwardd, is_not_ready_before_the_vault_gave_the_keys_and_still_ends)
{
    struct role r;
    free_addresses(r.pull, r.hint);
    role_start(&r, true);
    while (usage_vault_get(&r.vault, &r.vault.hellos_count) == 0)
        usleep(10000);
    struct pollfd p = {.fd = r.ready, .events = POLLIN};
    cr_expect_eq(poll(&p, 1, 100), 0);
    kill(r.pid, SIGTERM);
    cr_expect_eq(role_end(&r), 0);
}

Test(forwardd, an_address_that_is_taken_ends_it)
{
    struct role r;
    free_addresses(r.pull, r.hint);
    memcpy(r.hint, r.pull, sizeof r.hint); /* its own second socket finds it taken */
    role_start(&r, false);
    cr_expect(!becomes_ready(&r));
    cr_expect_eq(role_end(&r), 1);
}

Test(forwardd, a_vault_that_closes_the_channel_ends_it)
{
    struct role r;
    free_addresses(r.pull, r.hint);
    role_start(&r, false);
    cr_assert(becomes_ready(&r));
    usage_vault_stop(&r.vault);
    int status = -1;
    cr_assert_eq(waitpid(r.pid, &status, 0), r.pid);
    cr_expect(WIFEXITED(status) && WEXITSTATUS(status) == 1);
    close(r.ready);
}
