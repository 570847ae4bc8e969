/* timeline.h - how a run goes over time: what is durable, the latency, the memory and the CPU time
 * of the daemon, sample by sample. A soak must show flat lines; growth is the cost of the last
 * records by that of the first.
 *
 * Samples are TIMELINE_FIRST_US apart; when there is no room, every other one is dropped and the
 * distance doubles, so that an hour takes as much room as a minute. */
#ifndef CPNI_BENCH_TIMELINE_H
#define CPNI_BENCH_TIMELINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { TIMELINE_MAX = 512, TIMELINE_FIRST_US = 250000 };

struct timeline_moment {
    uint64_t at_us;           /* since the run began */
    uint64_t durable;         /* records */
    uint64_t p99_us;          /* of what became durable since the moment before; 0: nothing did */
    uint64_t rss_kib, cpu_us; /* of the daemon, all processes; cpu since the run began */
};

struct timeline {
    size_t count;
    uint64_t step_us; /* 0 = the first one */
    struct timeline_moment moment[TIMELINE_MAX];
};

bool timeline_due(const struct timeline *t, uint64_t at_us);
void timeline_add(struct timeline *t, const struct timeline_moment *m);

/* The last quarter of the time by the second: 1 = flat. Medians, so that one hiccup is none. 0:
 * too short to tell. */
double timeline_rss_drift(const struct timeline *t);
double timeline_latency_drift(const struct timeline *t);

/* CPU time a record among the last `window` records by that among the first; 0: fewer than two
 * windows of records, or no time was counted. */
double timeline_cost_growth(const struct timeline *t, uint64_t window);

#endif
