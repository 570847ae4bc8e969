/* Proves: a writer commits what was closed, once, and tells when; the caller goes on meanwhile;
 * a failed commit is told; one that ends in the middle finishes its work. */
#include "vault/store/writer.h"

#include <poll.h>
#include <pthread.h>

#include "tests/unit/vault/store/scratch.h"

/* An engine that commits when it is let. */
struct engine {
    pthread_mutex_t gate;
    unsigned commits;
    enum err answer;
};

static enum err gated_commit(struct engine *e)
{
    pthread_mutex_lock(&e->gate);
    e->commits++;
    pthread_mutex_unlock(&e->gate);
    return e->answer;
}

static const struct store_ops GATED = {.name = "gated", .commit = gated_commit};
static struct engine engine = {.gate = PTHREAD_MUTEX_INITIALIZER};
static struct writer *writer;

static void setup(void)
{
    cr_assert_eq(writer_new(&GATED, &engine, NULL, &writer), OK);
}

static void teardown(void)
{
    writer_free(writer);
}

TestSuite(writer, .init = setup, .fini = teardown);

static bool readable(int timeout_ms)
{
    struct pollfd p = {writer_fd(writer), POLLIN, 0};
    return poll(&p, 1, timeout_ms) == 1;
}

static void start(void)
{
    static const struct head HEAD = {.commit = 1};
    writer_start(writer, &HEAD);
}

Test(writer, commits_while_the_caller_goes_on)
{
    uint64_t took;
    pthread_mutex_lock(&engine.gate);
    start();
    cr_expect(writer_busy(writer));
    cr_expect_not(readable(0), "it is not durable yet");
    pthread_mutex_unlock(&engine.gate);
    cr_assert(readable(-1));
    cr_expect(writer_busy(writer), "until it is waited for");
    cr_assert_eq(writer_wait(writer, &took), OK);
    cr_expect_not(writer_busy(writer));
    cr_expect_not(readable(0), "it is told once");
    cr_expect_eq(engine.commits, 1);
}

Test(writer, waits_for_what_is_under_way_and_for_nothing_else)
{
    uint64_t took = 7;
    cr_expect_eq(writer_wait(writer, &took), OK);
    cr_expect_eq(took, 0);
    for (unsigned i = 1; i <= 50; i++) {
        start();
        cr_assert_eq(writer_wait(writer, &took), OK);
        cr_expect_eq(engine.commits, i);
    }
}

Test(writer, tells_a_failure)
{
    uint64_t took;
    engine.answer = ERR_STORE;
    start();
    cr_expect_eq(writer_wait(writer, &took), ERR_STORE);
}

Test(writer, ends_behind_its_work)
{
    start();
    writer = writer_free(writer);
    cr_expect_eq(engine.commits, 1);
}
