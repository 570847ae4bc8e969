#include "bench/stage.h"

#include <time.h>

#include "bench/heap.h"

const char *const STAGE_NAME[STAGE_COUNT] = {
#define STAGE(id, name) [STAGE_##id] = name,
    STAGES(STAGE)
#undef STAGE
};

static uint64_t ticks(void)
{
#if defined __x86_64__
    return __builtin_ia32_rdtsc();
#else
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
#endif
}

const char *stage_cycle_unit(void)
{
#if defined __x86_64__
    return "tsc";
#else
    return "ns";
#endif
}

static struct stage_cost counters(void)
{
    struct heap_counts h = heap_counts_here();
    return (struct stage_cost){ticks(), h.allocations, h.bytes};
}

void stage_begin(struct stages *s)
{
    *s = (struct stages){.now = STAGE_BENCH, .mark = counters()};
}

enum stage stage_enter(struct stages *s, enum stage next)
{
    struct stage_cost now = counters();
    struct stage_cost *c = &s->cost[s->now];
    enum stage before = s->now;
    c->cycles += now.cycles - s->mark.cycles;
    c->allocations += now.allocations - s->mark.allocations;
    c->allocated_bytes += now.allocated_bytes - s->mark.allocated_bytes;
    s->now = next;
    s->mark = now;
    return before;
}
