#include "vault/crypt/slab.h"

#include <sodium.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

struct slab {
    uint8_t *mapping; /* guard page, SLAB_BYTES_MAX, guard page */
    size_t page_bytes;
    size_t used, usable; /* behind the first guard page */
    bool require_lock, locked;
};

static size_t mapping_bytes(const struct slab *s)
{
    return (size_t)SLAB_BYTES_MAX + 2 * s->page_bytes;
}

enum err slab_new(bool require_lock, struct slab **out)
{
    struct slab *s = calloc(1, sizeof *s);
    if (!s)
        return ERR_NOMEM;
    s->page_bytes = (size_t)sysconf(_SC_PAGESIZE);
    s->require_lock = require_lock;
    s->locked = true;
    s->mapping =
        mmap(NULL, mapping_bytes(s), PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (s->mapping == MAP_FAILED || madvise(s->mapping, mapping_bytes(s), MADV_DONTDUMP) != 0 ||
        madvise(s->mapping, mapping_bytes(s), MADV_WIPEONFORK) != 0) {
        s->mapping = s->mapping == MAP_FAILED ? NULL : s->mapping;
        slab_free(s);
        return ERR_NOMEM;
    }
    *out = s;
    return OK;
}

struct slab *slab_free(struct slab *s)
{
    if (!s)
        return NULL;
    if (s->mapping) {
        sodium_memzero(s->mapping + s->page_bytes, s->usable);
        munmap(s->mapping, mapping_bytes(s));
    }
    free(s);
    return NULL;
}

/* Makes at least `bytes` behind the first guard page usable. */
static bool grow(struct slab *s, size_t bytes)
{
    size_t wanted = (bytes + s->page_bytes - 1) / s->page_bytes * s->page_bytes;
    if (wanted <= s->usable)
        return true;
    uint8_t *from = s->mapping + s->page_bytes + s->usable;
    size_t more = wanted - s->usable;
    if (mprotect(from, more, PROT_READ | PROT_WRITE) != 0)
        return false;
    /* Not mlock(), which AddressSanitizer turns into nothing. */
    if (mlock2(from, more, 0) != 0) {
        s->locked = false;
        if (s->require_lock)
            return false;
    }
    s->usable = wanted;
    return true;
}

void *slab_alloc(struct slab *s, size_t bytes)
{
    size_t at = (s->used + SLAB_ALIGN_BYTES - 1) / SLAB_ALIGN_BYTES * SLAB_ALIGN_BYTES;
    if (bytes > SLAB_BYTES_MAX - at || !grow(s, at + bytes))
        return NULL;
    s->used = at + bytes;
    return s->mapping + s->page_bytes + at;
}

bool slab_locked(const struct slab *s)
{
    return s->locked;
}

size_t slab_given_bytes(const struct slab *s)
{
    return s->used;
}
