/* slab.h - the one piece of memory where keys live: locked (never swapped), left out of
 * core dumps, empty in a forked child, between two guard pages.
 *
 * Address space for SLAB_BYTES_MAX is reserved at once and costs nothing; slab_alloc()
 * makes pages usable and locks them, so that a keyring and its key cache share one slab
 * and one check. sodium_malloc() a key would take four mappings each, and goes on silently
 * when nothing more can be locked. */
#ifndef CPNI_CRYPT_SLAB_H
#define CPNI_CRYPT_SLAB_H

#include <stdbool.h>
#include <stddef.h>

#include "proto/core/err.h"

enum { SLAB_BYTES_MAX = 256 << 20, SLAB_ALIGN_BYTES = 64 };

struct slab;

/* require_lock: slab_alloc() fails rather than give memory that could not be locked. */
MUST_CHECK enum err slab_new(bool require_lock, struct slab **out); /* ERR_NOMEM */
struct slab *slab_free(struct slab *s); /* wipes; NULL is fine; returns NULL */

/* Zeroed, aligned to a cache line, until slab_free(). Start-up only: nothing is given back.
 * NULL: beyond SLAB_BYTES_MAX, or not lockable (RLIMIT_MEMLOCK) and require_lock. */
void *slab_alloc(struct slab *s, size_t bytes);
bool slab_locked(const struct slab *s);        /* false: some of it could not be locked */
size_t slab_given_bytes(const struct slab *s); /* given out */

#endif
