#include "vault/directory/cache.h"

#include <stdlib.h>

enum err owner_cache_init(struct owner_cache *c, const struct keyring *k)
{
    *c = (struct owner_cache){.set = calloc(CACHE_SETS, sizeof *c->set)};
    if (!c->set)
        return ERR_NOMEM;
    cache_hash_init(&c->hash, k, "directory");
    return OK;
}

void owner_cache_done(struct owner_cache *c)
{
    cache_hash_done(&c->hash);
    free(c->set);
    c->set = NULL;
}

void owner_cache_reset(struct owner_cache *c)
{
    memset(c->set, 0, CACHE_SETS * sizeof *c->set);
}

static struct cache_slot *set_of(struct owner_cache *c, const uint64_t name[static 2])
{
    return c->set[name[0] % CACHE_SETS];
}

static bool is_named(const struct cache_slot *s, const uint64_t name[static 2])
{
    return s->name[0] == name[0] && s->name[1] == name[1];
}

bool owner_cache_ask(struct owner_cache *c, struct span question, struct cache_ask *ask,
                     struct owner *out)
{
    cache_hash_of(&c->hash, question, ask->name);
    struct cache_slot *set = set_of(c, ask->name);
    if (is_named(&set[1], ask->name)) {
        struct cache_slot newest = set[1];
        set[1] = set[0];
        set[0] = newest;
    }
    if (!is_named(&set[0], ask->name)) {
        c->misses++;
        return false;
    }
    c->hits++;
    *out = set[0].owner;
    return true;
}

void owner_cache_learn(struct owner_cache *c, const struct cache_ask *ask, struct owner owner)
{
    struct cache_slot *set = set_of(c, ask->name);
    set[1] = set[0];
    set[0] = (struct cache_slot){{ask->name[0], ask->name[1]}, owner};
}
