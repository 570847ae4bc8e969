#include "proto/core/metric.h"

#include <stdatomic.h>
#include <sys/mman.h>

#include "proto/core/check.h"

const struct metric_row METRIC_ROWS[METRIC_COUNT] = {
#define METRIC(code, name, type, labels, help)                                                     \
    [METRIC_##code] = {name, help, METRIC_TYPE_##type, METRIC_BY_##labels},
#include "proto/core/metrics.def"
#undef METRIC
};

static const char *const REASON_LABELS[REASON_COUNT] = {
#define REASON(code, label, meaning) [REASON_##code] = label,
#include "proto/core/reasons.def"
#undef REASON
};

enum {
    CELLS_NONE = 1,
    CELLS_FEED = FEEDS_MAX,
    CELLS_ROLE = METRIC_ROLES_MAX,
    CELLS_CONSUMER = METRIC_CONSUMERS_MAX,
    CELLS_REASON = REASON_COUNT,
    CELLS_FEED_REASON = FEEDS_MAX * REASON_COUNT
};

/* Where a metric's cells begin: known at compile time, so that no process has to believe an
 * offset that another one could have changed. */
enum {
#define METRIC(code, name, type, labels, help)                                                     \
    CELL_##code, CELL_LAST_##code = CELL_##code + CELLS_##labels - 1,
#include "proto/core/metrics.def"
#undef METRIC
    CELLS_PER_SLOT
};
static const uint16_t CELL_FIRST[METRIC_COUNT] = {
#define METRIC(code, name, type, labels, help) [METRIC_##code] = CELL_##code,
#include "proto/core/metrics.def"
#undef METRIC
};
_Static_assert(CELLS_PER_SLOT < UINT16_MAX, "CELL_FIRST is too narrow");

enum { CACHE_LINE_BYTES = 64 };
struct metric_slot {
    _Alignas(CACHE_LINE_BYTES) atomic_uint_least64_t cell[CELLS_PER_SLOT];
};

typedef char label_text[METRIC_LABEL_BYTES];
struct metrics_block {
    struct metric_slot slot[METRIC_ROLES_MAX];
    label_text feed[FEEDS_MAX], role[METRIC_ROLES_MAX], consumer[METRIC_CONSUMERS_MAX];
};

enum err metrics_init(struct metrics *m)
{
    void *p = mmap(NULL, sizeof(struct metrics_block), PROT_READ | PROT_WRITE,
                   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED)
        return ERR_NOMEM;
    *m = (struct metrics){.block = p};
    return OK;
}

void metrics_done(struct metrics *m)
{
    if (m->block)
        munmap(m->block, sizeof *m->block);
    *m = (struct metrics){0};
}

static size_t cells_count(enum metric_labels labels)
{
    static const uint16_t COUNT[] = {
        [METRIC_BY_NONE] = CELLS_NONE,     [METRIC_BY_FEED] = CELLS_FEED,
        [METRIC_BY_ROLE] = CELLS_ROLE,     [METRIC_BY_CONSUMER] = CELLS_CONSUMER,
        [METRIC_BY_REASON] = CELLS_REASON, [METRIC_BY_FEED_REASON] = CELLS_FEED_REASON,
    };
    return COUNT[labels];
}

struct metrics metrics_slot(const struct metrics *m, unsigned slot)
{
    CHECK(slot < METRIC_ROLES_MAX);
    for (unsigned id = 0; id < METRIC_COUNT; id++)
        for (size_t i = 0;
             METRIC_ROWS[id].type == METRIC_TYPE_GAUGE && i < cells_count(METRIC_ROWS[id].labels);
             i++)
            atomic_store_explicit(&m->block->slot[slot].cell[CELL_FIRST[id] + i], 0,
                                  memory_order_relaxed);
    return (struct metrics){m->block, slot};
}

/* The table of label texts of a dimension; *count is its length. */
static label_text *labels_of(struct metrics_block *b, enum metric_labels labels, unsigned *count)
{
    switch (labels) {
    case METRIC_BY_FEED:
    case METRIC_BY_FEED_REASON:
        *count = FEEDS_MAX;
        return b->feed;
    case METRIC_BY_ROLE:
        *count = METRIC_ROLES_MAX;
        return b->role;
    case METRIC_BY_CONSUMER:
        *count = METRIC_CONSUMERS_MAX;
        return b->consumer;
    case METRIC_BY_NONE:
    case METRIC_BY_REASON:
        break;
    }
    *count = 0;
    return NULL;
}

static bool label_byte(uint8_t c)
{
    return byte_is_digit(c) || (byte_lower(c) >= 'a' && byte_lower(c) <= 'z') || c == '.' ||
           c == '_' || c == '-';
}

static void label_clean(char *text, size_t n)
{
    for (size_t at = 0; at < n; at++)
        if (!label_byte((uint8_t)text[at]))
            text[at] = '_';
}

static void label_set(label_text out, struct span name)
{
    name = span_sub(name, 0, METRIC_LABEL_BYTES - 1);
    memset(out, 0, METRIC_LABEL_BYTES);
    memcpy(out, name.n ? (const void *)name.p : "", name.n);
    label_clean(out, name.n);
}

void metrics_name(const struct metrics *m, enum metric_labels dimension, unsigned i,
                  struct span name)
{
    unsigned count;
    label_text *label = m && m->block ? labels_of(m->block, dimension, &count) : NULL;
    if (label && i < count)
        label_set(label[i], name);
}

unsigned metrics_index(const struct metrics *m, enum metric_labels dimension, struct span name)
{
    unsigned count;
    label_text *label = m && m->block ? labels_of(m->block, dimension, &count) : NULL;
    label_text wanted;
    label_set(wanted, name);
    for (unsigned i = 0; label && name.n && i < count; i++)
        if (memcmp(label[i], wanted, sizeof wanted) == 0)
            return i;
    return METRIC_NOWHERE;
}

/* The cell's number in a slot, or CELLS_PER_SLOT. */
static size_t cell_index(enum metric id, unsigned index, enum reason reason)
{
    enum metric_labels labels = METRIC_ROWS[id].labels;
    size_t i = index;
    if ((unsigned)reason >= REASON_COUNT)
        return CELLS_PER_SLOT;
    if (labels == METRIC_BY_REASON)
        i = reason;
    if (labels == METRIC_BY_FEED_REASON)
        i = (size_t)index * REASON_COUNT + reason;
    return i < cells_count(labels) ? CELL_FIRST[id] + i : CELLS_PER_SLOT;
}

void metric_add_at(const struct metrics *m, enum metric id, unsigned index, enum reason reason,
                   uint64_t n)
{
    size_t cell = cell_index(id, index, reason);
    if (m && m->block && cell < CELLS_PER_SLOT)
        atomic_fetch_add_explicit(&m->block->slot[m->slot].cell[cell], n, memory_order_relaxed);
}

void metric_set_at(const struct metrics *m, enum metric id, unsigned index, uint64_t value)
{
    size_t cell = cell_index(id, index, (enum reason)0);
    if (m && m->block && cell < CELLS_PER_SLOT)
        atomic_store_explicit(&m->block->slot[m->slot].cell[cell], value, memory_order_relaxed);
}

static uint64_t cell_sum(struct metrics_block *b, size_t cell)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < METRIC_ROLES_MAX; i++)
        sum += atomic_load_explicit(&b->slot[i].cell[cell], memory_order_relaxed);
    return sum;
}

uint64_t metric_get_at(const struct metrics *m, enum metric id, unsigned index, enum reason reason)
{
    size_t cell = cell_index(id, index, reason);
    return m && m->block && cell < CELLS_PER_SLOT ? cell_sum(m->block, cell) : 0;
}

uint64_t metric_total_at(const struct metrics *m, enum metric id, unsigned index)
{
    uint64_t sum = 0;
    if (METRIC_ROWS[id].labels != METRIC_BY_FEED_REASON)
        return metric_get_at(m, id, index, (enum reason)0);
    for (unsigned r = 0; r < REASON_COUNT; r++)
        sum += metric_get_at(m, id, index, (enum reason)r);
    return sum;
}

const char *reason_label(enum reason r)
{
    return (unsigned)r < REASON_COUNT ? REASON_LABELS[r] : "unknown";
}

/* --- text --- */
static const char *label_name(enum metric_labels labels)
{
    return labels == METRIC_BY_ROLE ? "role" : labels == METRIC_BY_CONSUMER ? "consumer" : "feed";
}

/* cpnid_NAME{who="WHO",reason="REASON"} VALUE; without who and reason no braces */
static void put_sample(struct buf *out, const struct metric_row *row, struct span who,
                       const char *reason, uint64_t value)
{
    buf_str(out, "cpnid_");
    buf_str(out, row->name);
    if (who.n || reason)
        buf_str(out, "{");
    if (who.n) {
        buf_str(out, label_name(row->labels));
        buf_str(out, "=\"");
        buf_put(out, who);
        buf_str(out, reason ? "\"," : "\"");
    }
    if (reason) {
        buf_str(out, "reason=\"");
        buf_str(out, reason);
        buf_str(out, "\"");
    }
    buf_str(out, who.n || reason ? "} " : " ");
    buf_dec(out, value);
    buf_str(out, "\n");
}

static void put_reasons(struct buf *out, struct metrics_block *b, enum metric id, struct span who,
                        size_t first_cell)
{
    for (size_t r = 0; r < REASON_COUNT; r++) {
        uint64_t value = cell_sum(b, first_cell + r);
        if (value)
            put_sample(out, &METRIC_ROWS[id], who, REASON_LABELS[r], value);
    }
}

static void put_labelled(struct buf *out, struct metrics_block *b, enum metric id)
{
    const struct metric_row *row = &METRIC_ROWS[id];
    unsigned count;
    label_text *label = labels_of(b, row->labels, &count);
    for (unsigned i = 0; i < count; i++) {
        label_text copy; /* the table is shared: another process may write to it meanwhile */
        memcpy(copy, label[i], sizeof copy);
        struct span who = span_of(copy, strnlen(copy, sizeof copy));
        label_clean(copy, who.n);
        if (who.n && row->labels == METRIC_BY_FEED_REASON)
            put_reasons(out, b, id, who, CELL_FIRST[id] + (size_t)i * REASON_COUNT);
        else if (who.n)
            put_sample(out, row, who, NULL, cell_sum(b, CELL_FIRST[id] + (size_t)i));
    }
}

static void put_head(struct buf *out, const struct metric_row *row)
{
    buf_str(out, "# HELP cpnid_");
    buf_str(out, row->name);
    buf_str(out, " ");
    buf_str(out, row->help);
    buf_str(out, "\n# TYPE cpnid_");
    buf_str(out, row->name);
    buf_str(out, row->type == METRIC_TYPE_GAUGE ? " gauge\n" : " counter\n");
}

void metrics_render(const struct metrics *m, struct buf *out)
{
    for (unsigned id = 0; id < METRIC_COUNT; id++) {
        enum metric_labels labels = METRIC_ROWS[id].labels;
        put_head(out, &METRIC_ROWS[id]);
        if (labels == METRIC_BY_NONE)
            put_sample(out, &METRIC_ROWS[id], SPAN_EMPTY, NULL, cell_sum(m->block, CELL_FIRST[id]));
        else if (labels == METRIC_BY_REASON)
            put_reasons(out, m->block, id, SPAN_EMPTY, CELL_FIRST[id]);
        else
            put_labelled(out, m->block, id);
    }
}
