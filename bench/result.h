/* result.h - what a run was and what came of it: filled by inside.c and outside.c, printed by
 * report.c. */
#ifndef CPNI_BENCH_RESULT_H
#define CPNI_BENCH_RESULT_H

#include "bench/histogram.h"
#include "bench/readback.h"
#include "bench/rows.h"
#include "bench/stage.h"
#include "bench/stock.h"
#include "bench/timeline.h"

enum { RESULT_PROCESSES_MAX = 24, RESULT_NAME_BYTES = 20 };

struct result_process {
    char name[RESULT_NAME_BYTES];
    uint64_t cpu_us;      /* user and system, while it was measured */
    uint64_t rss_max_kib; /* largest ever (VmHWM) */
    uint64_t rss_kib;     /* now */
};

struct result {
    const char *scenario, *mode;
    uint64_t seed, customers, rate; /* rate 0 = as fast as it goes */
    uint64_t records, items, bytes; /* of the input */
    uint64_t sent_items;            /* given to the program */
    uint64_t durable;               /* records that became durable */
    uint64_t wall_us;               /* from the first item sent to the last record durable */
    struct histogram latency;
    struct timeline timeline; /* of a daemon */
    struct stages stages;     /* of a run in one process */
    struct readback readback;
    size_t processes_count;
    struct result_process process[RESULT_PROCESSES_MAX];
    uint64_t disk_bytes; /* of the state directory, after a clean stop */
    /* What the program says became of the input. */
    uint64_t received, kernel_drops, shed, malformed, answers_503;
    struct tally expected, pulled;
    uint64_t accounts_that_differ;
    bool totals_equal;
};

/* Sets expected, pulled, and whether they are the same. ERR_NOMEM. */
MUST_CHECK enum err result_compare(struct result *r, const struct truth *expected,
                                   const struct rows *pulled);

/* Nothing lost, nothing refused, and the totals are the truth. */
bool result_passed(const struct result *r);

#endif
