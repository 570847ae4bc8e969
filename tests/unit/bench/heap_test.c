/* Proves: what a thread allocates by any of the functions is counted, for that thread alone; and
 * memory stays memory: written, grown, aligned, freed. Under a sanitizer nothing is counted. */
#include "bench/heap.h"

#include <criterion/criterion.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

static void *volatile p;

static void *elsewhere(void *arg)
{
    void *volatile q = malloc(1 << 20);
    free(q);
    return arg;
}

static void allocate(void)
{
    p = malloc(100);
    memset(p, 1, 100);
    p = realloc(p, 1000);
    cr_expect_eq(((uint8_t *)p)[99], 1);
    free(p);
    p = calloc(10, 10);
    cr_expect_eq(((uint8_t *)p)[99], 0);
    free(p);
    p = aligned_alloc(64, 128);
    cr_expect_eq((uintptr_t)p % 64, 0u);
    free(p);
}

Test(heap, counts)
{
    pthread_t thread;
    struct heap_counts before = heap_counts_here();
    allocate();
    struct heap_counts after = heap_counts_here();
    cr_expect_eq(after.allocations - before.allocations, heap_counts() ? 4u : 0u);
    cr_expect_eq(after.bytes - before.bytes, heap_counts() ? 100u + 1000 + 100 + 128 : 0u);
    pthread_create(&thread, NULL, elsewhere, NULL);
    pthread_join(thread, NULL);
    cr_expect_lt(heap_counts_here().bytes - after.bytes, 1u << 20);
}
