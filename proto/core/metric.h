/* metric.h - the numbers of /metrics: counters and gauges in memory that the processes of
 * one daemon share, and their text in the Prometheus format.
 *
 * The parent makes the block before it forks. Each process (slot) writes cells of its own,
 * on cache lines of its own, with relaxed atomics; a reader adds the slots up. A gauge is
 * summed too: it is either one role's, or a share of a whole (dialogs). A restarted
 * process goes on with its slot's counters and starts with its gauges at 0.
 *
 * No value of a record ever becomes a name or a label: labels are names of feeds, roles
 * and consumers from the configuration, and reasons from reasons.def. */
#ifndef CPNI_CORE_METRIC_H
#define CPNI_CORE_METRIC_H

#include "proto/core/buf.h"
#include "proto/core/limits.h"

enum metric_type { METRIC_TYPE_COUNTER, METRIC_TYPE_GAUGE };

/* What the first index of a metric counts over. */
enum metric_labels {
    METRIC_BY_NONE,
    METRIC_BY_FEED,
    METRIC_BY_ROLE,
    METRIC_BY_CONSUMER,
    METRIC_BY_REASON,
    METRIC_BY_FEED_REASON
};

enum metric {
#define METRIC(code, name, type, labels, help) METRIC_##code,
#include "proto/core/metrics.def"
#undef METRIC
    METRIC_COUNT
};

enum reason {
#define REASON(code, label, meaning) REASON_##code,
#include "proto/core/reasons.def"
#undef REASON
    REASON_COUNT
};

/* Index 0.. of a metric by feed (FEEDS_MAX), role (also the number of slots), consumer. */
enum {
    METRIC_ROLES_MAX = 20,
    METRIC_CONSUMERS_MAX = 32,
    METRIC_LABEL_BYTES = 40,
    METRIC_TEXT_BYTES_MAX = 1024 * 1024
};

struct metric_row {
    const char *name, *help;
    enum metric_type type;
    enum metric_labels labels;
};
extern const struct metric_row METRIC_ROWS[METRIC_COUNT];
const char *reason_label(enum reason r);

/* One process's view of the block: plain data, copied freely; belongs to no one. Every
 * function takes NULL for "nobody counts" (tests, cpnictl). */
struct metrics_block;
struct metrics {
    struct metrics_block *block; /* owned by who called metrics_init */
    unsigned slot;
};

/* Maps the block, all zero; the view is of slot 0. ERR_NOMEM. */
MUST_CHECK enum err metrics_init(struct metrics *m);
void metrics_done(struct metrics *m);
/* The view of another slot; sets that slot's gauges to 0: the process is new. */
struct metrics metrics_slot(const struct metrics *m, unsigned slot);

/* Names the label of index i of a dimension (BY_FEED, BY_ROLE, BY_CONSUMER). Cut at
 * METRIC_LABEL_BYTES - 1; anything but letters, digits, "._-" becomes '_'. An index
 * without a name is not shown. */
void metrics_name(const struct metrics *m, enum metric_labels dimension, unsigned i,
                  struct span name);
/* The index with that name; METRIC_NOWHERE, which every function below takes and ignores, when
 * there is none. */
#define METRIC_NOWHERE (~0u)
unsigned metrics_index(const struct metrics *m, enum metric_labels dimension, struct span name);

/* One cell: index is the feed, role or consumer (0 for BY_NONE and BY_REASON), reason is
 * any where the metric has none. Out of range is ignored and not an error: an index may
 * come from a table that is longer than this one. */
void metric_add_at(const struct metrics *m, enum metric id, unsigned index, enum reason reason,
                   uint64_t n);
void metric_set_at(const struct metrics *m, enum metric id, unsigned index, uint64_t value);

static inline void metric_inc(const struct metrics *m, enum metric id)
{
    metric_add_at(m, id, 0, (enum reason)0, 1);
}

static inline void metric_add(const struct metrics *m, enum metric id, uint64_t n)
{
    metric_add_at(m, id, 0, (enum reason)0, n);
}

static inline void metric_inc_at(const struct metrics *m, enum metric id, unsigned index)
{
    metric_add_at(m, id, index, (enum reason)0, 1);
}

static inline void metric_inc_reason(const struct metrics *m, enum metric id, unsigned index,
                                     enum reason reason)
{
    metric_add_at(m, id, index, reason, 1);
}

static inline void metric_set(const struct metrics *m, enum metric id, uint64_t value)
{
    metric_set_at(m, id, 0, value);
}

/* The sum over all slots. */
uint64_t metric_get_at(const struct metrics *m, enum metric id, unsigned index, enum reason reason);
static inline uint64_t metric_get(const struct metrics *m, enum metric id)
{
    return metric_get_at(m, id, 0, (enum reason)0);
}
/* ... and over all reasons, where the metric has them. */
uint64_t metric_total_at(const struct metrics *m, enum metric id, unsigned index);

/* Prometheus text format 0.0.4, every metric with HELP and TYPE. Cells of a reason that
 * are 0 are left out. METRIC_TEXT_BYTES_MAX is enough. */
void metrics_render(const struct metrics *m, struct buf *out);

#endif
