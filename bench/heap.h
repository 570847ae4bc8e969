/* heap.h - counts what this process allocates, in every library too: cpnibench takes the place of
 * malloc and its kin, counts, and hands on to the C library. Under a sanitizer, which does the
 * same, nothing is counted. */
#ifndef CPNI_BENCH_HEAP_H
#define CPNI_BENCH_HEAP_H

#include <stdbool.h>
#include <stdint.h>

struct heap_counts {
    uint64_t allocations, bytes; /* asked for: malloc, calloc, realloc, and those with alignment */
};

bool heap_counts(void);                    /* false: nothing is counted here */
struct heap_counts heap_counts_here(void); /* of the calling thread, since it began */

#endif
