/* Built into cpnibench only, never into what is shipped as a daemon. */
#include "bench/heap.h"

#include <stdlib.h>

static _Thread_local struct heap_counts here;

#if defined __SANITIZE_ADDRESS__ || defined __SANITIZE_THREAD__ || !defined __GLIBC__
#define COUNTED false
#elif defined __has_feature
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define COUNTED false
#endif
#endif
#ifndef COUNTED
#define COUNTED   true
#define INTERPOSE 1
#endif

bool heap_counts(void)
{
    return COUNTED;
}

struct heap_counts heap_counts_here(void)
{
    return here;
}

#ifdef INTERPOSE

/* glibc's own names of its allocator, there so that it can be replaced in part. */
void *__libc_malloc(size_t bytes);
void *__libc_calloc(size_t count, size_t bytes);
void *__libc_realloc(void *p, size_t bytes);
void *__libc_memalign(size_t alignment, size_t bytes);

static void count(size_t bytes)
{
    here.allocations++;
    here.bytes += bytes;
}

void *malloc(size_t bytes)
{
    count(bytes);
    return __libc_malloc(bytes);
}

void *calloc(size_t n, size_t bytes)
{
    count(n * bytes);
    return __libc_calloc(n, bytes);
}

void *realloc(void *p, size_t bytes)
{
    count(bytes);
    return __libc_realloc(p, bytes);
}

void *aligned_alloc(size_t alignment, size_t bytes)
{
    count(bytes);
    return __libc_memalign(alignment, bytes);
}
#endif
