/* stage.h - where the cycles and the allocations of a record go, in one process: from mark to mark
 * a stage is charged.
 *
 * Cycles are ticks of the time stamp counter where there is one (x86: constant rate, so they are
 * time, not work), else nanoseconds. Allocations are those of this thread (heap.h); those of the
 * database's own threads are told apart. */
#ifndef CPNI_BENCH_STAGE_H
#define CPNI_BENCH_STAGE_H

#include <stddef.h>
#include <stdint.h>

/* clang-format off */
#define STAGES(STAGE)                                                                              \
    STAGE(READ,   "read")   /* frame, record, classify, encode: what an ingest worker does */      \
    STAGE(SEAL,   "seal")   /* the vault takes a batch: customer, tags, seal, totals */            \
    STAGE(COMMIT, "commit") /* the synced write, and receipts */                                   \
    STAGE(KEEP,   "keep")   /* timers of the vault: totals on their way to the disk */             \
    STAGE(BENCH,  "bench")  /* this program between them */
/* clang-format on */
enum stage {
#define STAGE(id, name) STAGE_##id,
    STAGES(STAGE)
#undef STAGE
        STAGE_COUNT
};
extern const char *const STAGE_NAME[STAGE_COUNT];

struct stage_cost {
    uint64_t cycles, allocations, allocated_bytes;
};

struct stages {
    struct stage_cost cost[STAGE_COUNT];
    enum stage now;
    struct stage_cost mark; /* counters when it began */
};

/* Everything 0, in STAGE_BENCH. */
void stage_begin(struct stages *s);
/* Charges the stage that ends here; gives it back, to return to. */
enum stage stage_enter(struct stages *s, enum stage next);

const char *stage_cycle_unit(void); /* "tsc" or "ns" */

#endif
