/* Proves: an answer that was learnt is given, "nobody" too; a set forgets the one asked longest
 * ago; a reset forgets all. */
#include <criterion/criterion.h>

#include "tests/lib/vault_rig.h"
#include "vault/directory/cache.h"

static struct vault_rig rig;
static struct owner_cache cache;

static void init(void)
{
    rig_init(&rig);
    cr_assert_eq(owner_cache_init(&cache, rig.keys), OK);
}

static void done(void)
{
    owner_cache_done(&cache);
    rig_done(&rig);
}

TestSuite(cache, .init = init, .fini = done);

enum { UNKNOWN = -1 };

static int64_t ask(struct span question, struct cache_ask *asked)
{
    struct owner owner;
    return owner_cache_ask(&cache, question, asked, &owner) ? (int64_t)owner.customer : UNKNOWN;
}

static void learn(struct span question, uint64_t customer)
{
    struct cache_ask asked;
    cr_expect_eq(ask(question, &asked), UNKNOWN);
    owner_cache_learn(&cache, &asked, (struct owner){customer, 1});
}

Test(cache, remembers_somebody_and_nobody)
{
    struct cache_ask asked;
    learn(span_str("+12125550123"), 17);
    learn(span_str("+12125550124"), 0);
    cr_expect_eq(ask(span_str("+12125550123"), &asked), 17);
    cr_expect_eq(ask(span_str("+12125550124"), &asked), 0);
    cr_expect_eq(ask(span_str("+12125550125"), &asked), UNKNOWN);
    cr_expect_eq(cache.hits, 2);
    cr_expect_eq(cache.misses, 3);
    owner_cache_reset(&cache);
    cr_expect_eq(ask(span_str("+12125550123"), &asked), UNKNOWN);
}

/* Three questions of one set, found by trying. */
static void three_of_a_set(uint64_t out[static 3])
{
    size_t found = 0, set = 0;
    for (uint64_t n = 0; found < 3; n++) {
        struct cache_ask asked;
        ask(span_of(&n, sizeof n), &asked);
        if (found == 0)
            set = asked.name[0] % CACHE_SETS;
        if (asked.name[0] % CACHE_SETS == set)
            out[found++] = n;
    }
}

Test(cache, the_one_asked_longest_ago_goes)
{
    uint64_t n[3];
    struct cache_ask asked;
    three_of_a_set(n);
    learn(span_of(&n[0], sizeof n[0]), 10);
    learn(span_of(&n[1], sizeof n[1]), 11);
    cr_expect_eq(ask(span_of(&n[0], sizeof n[0]), &asked), 10, "0 is now the newer one");
    learn(span_of(&n[2], sizeof n[2]), 12);
    cr_expect_eq(ask(span_of(&n[1], sizeof n[1]), &asked), UNKNOWN);
    cr_expect_eq(ask(span_of(&n[0], sizeof n[0]), &asked), 10);
    cr_expect_eq(ask(span_of(&n[2], sizeof n[2]), &asked), 12);
}
