/* status.c - how it goes: a row a number, by feed, by consumer, and of the whole, which comes last
 * as a sum does below its items. What the ingest workers count is read from the memory that the
 * daemon's processes share (proto/core/metric.h) and counts since the daemon started; what the
 * vault counts is since the vault was opened. Sums, times and names of the configuration only. */
#include "proto/core/check.h"
#include "proto/core/instant.h"
#include "proto/wire/pull.h"
#include "vault/state.h"

/* Counters whose pace is kept. */
enum { COUNT_ACCEPTED, COUNT_COMMITS, COUNT_COMMIT_US, COUNT_BYTES, COUNT_OF_FEEDS };
enum { FEED_RECORDS, FEED_RECEIVED, FEED_BYTES, COUNTS_A_FEED };
_Static_assert(COUNT_OF_FEEDS + COUNTS_A_FEED * FEEDS_MAX <= PACE_COUNTERS_MAX, "room for each");

static size_t feed_count_index(size_t feed, size_t count)
{
    return COUNT_OF_FEEDS + feed * COUNTS_A_FEED + count;
}

static unsigned feed_index(const struct vault *v, const struct feed *f)
{
    return metrics_index(v->options.metrics, METRIC_BY_FEED, feed_name(f));
}

static void count_all(const struct vault *v, uint64_t out[static PACE_COUNTERS_MAX])
{
    const struct metrics *m = v->options.metrics;
    struct store_stats st;
    store_stats(v->store, &st);
    out[COUNT_ACCEPTED] = v->totals.accepted;
    out[COUNT_COMMITS] = v->totals.commits;
    out[COUNT_COMMIT_US] = st.commit_us_sum;
    out[COUNT_BYTES] = 0;
    for (size_t i = 0; i < v->feeds_count; i++) {
        unsigned at = feed_index(v, &v->feed[i]);
        uint64_t *feed = &out[feed_count_index(i, 0)];
        feed[FEED_RECORDS] = v->feed[i].counts.accepted;
        feed[FEED_RECEIVED] = metric_total_at(m, METRIC_RECEIVED, at);
        feed[FEED_BYTES] = metric_total_at(m, METRIC_RECEIVED_BYTES, at);
        out[COUNT_BYTES] += feed[FEED_BYTES];
    }
}

void status_sample(struct vault *v)
{
    int64_t now_us = vault_monotonic(v);
    if (!pace_due(&v->pace, now_us))
        return;
    v->disk_bytes = store_disk_bytes(v->store);
    count_all(v, pace_take(&v->pace, now_us)->counter);
}

void status_committed(struct vault *v)
{
    struct store_stats st;
    store_stats(v->store, &st);
    pace_note(&v->pace, st.commit_us_last);
}

/* --- rows --- */

struct status { /* one answer on its way */
    struct session *session;
    uint32_t id;
    struct span scope_wanted, name_wanted; /* empty: all */
    struct buf scope;                      /* of the rows that follow */
    uint8_t scope_bytes[16 + CONSUMER_NAME_BYTES_MAX];
    int64_t now_us;
    size_t rows;
    uint64_t counter[PACE_COUNTERS_MAX];
};

static void send_columns(const struct status *a)
{
    uint8_t bytes[64];
    struct buf b = buf_of(bytes, sizeof bytes);
    control_put_column(&b, COLUMN_TEXT, "scope");
    control_put_column(&b, COLUMN_TEXT, "name");
    control_put_column(&b, COLUMN_NUMBER, "value");
    CHECK(buf_ok(&b));
    session_reply(a->session, FRAME_COLUMNS, a->id, buf_span(&b));
}

/* The rows that follow are of this scope. False: nobody wants them. */
static bool scope(struct status *a, const char *kind, struct span who)
{
    a->scope = buf_of(a->scope_bytes, sizeof a->scope_bytes);
    buf_str(&a->scope, kind);
    buf_put(&a->scope, who);
    CHECK(buf_ok(&a->scope)); /* sized for the longer of the two names */
    return a->scope_wanted.n == 0 || span_eq(a->scope_wanted, buf_span(&a->scope));
}
_Static_assert((int)FEED_NAME_BYTES_MAX <= (int)CONSUMER_NAME_BYTES_MAX, "scope_bytes fits both");

static void put(struct status *a, const char *name, struct span value)
{
    uint8_t bytes[256];
    struct buf b = buf_of(bytes, sizeof bytes);
    if (a->name_wanted.n && !span_is(a->name_wanted, name))
        return;
    buf_lv(&b, buf_span(&a->scope));
    buf_lv(&b, span_str(name));
    buf_lv(&b, value);
    CHECK(buf_ok(&b));
    session_reply(a->session, FRAME_ROW, a->id, buf_span(&b));
    a->rows++;
}

static void put_number(struct status *a, const char *name, uint64_t value)
{
    uint8_t digits[20];
    struct buf b = buf_of(digits, sizeof digits);
    buf_dec(&b, value);
    put(a, name, buf_span(&b));
}

/* A commit takes about a millisecond: whole ones would say nothing. */
static void put_ms(struct status *a, const char *name, uint64_t us)
{
    uint8_t digits[24];
    struct buf b = buf_of(digits, sizeof digits);
    buf_dec(&b, us / 1000);
    const uint8_t fraction[] = {'.', (uint8_t)('0' + us / 100 % 10), (uint8_t)('0' + us / 10 % 10),
                                (uint8_t)('0' + us % 10)};
    buf_bytes(&b, fraction, sizeof fraction);
    put(a, name, buf_span(&b));
}

static void put_per_s(struct status *a, const char *name, size_t i)
{
    const struct pace *p = &a->session->vault->pace;
    put_number(a, name, pace_per_s(p, i, a->counter[i], a->now_us));
}

struct named_number {
    const char *name;
    uint64_t value;
};

static void put_numbers(struct status *a, const struct named_number *row, size_t count)
{
    for (size_t i = 0; i < count; i++)
        put_number(a, row[i].name, row[i].value);
}

/* --- feeds --- */

static void feed_metrics(struct status *a, const struct feed *f)
{
    static const struct {
        const char *name;
        enum metric id;
    } ROWS[] = {
        {"received", METRIC_RECEIVED},
        {"received_bytes", METRIC_RECEIVED_BYTES},
        {"records", METRIC_RECORDS},
        {"ignored", METRIC_IGNORED},
        {"malformed", METRIC_MALFORMED},
        {"auth_failed", METRIC_AUTH_FAILED},
        {"shed", METRIC_SHED},
        {"kernel_drops", METRIC_KERNEL_DROPS},
        {"connections", METRIC_CONNECTIONS},
        {"paused", METRIC_PAUSED},
        {"behind_bytes", METRIC_BEHIND_BYTES},
    };
    const struct vault *v = a->session->vault;
    unsigned at = feed_index(v, f);
    for (size_t i = 0; i < sizeof ROWS / sizeof ROWS[0]; i++)
        put_number(a, ROWS[i].name, metric_total_at(v->options.metrics, ROWS[i].id, at));
}

static void feed_rows(struct status *a, size_t feed)
{
    const struct feed *f = &a->session->vault->feed[feed];
    const struct feed_counts *c = &f->counts;
    if (!scope(a, "feed:", feed_name(f)))
        return;
    feed_metrics(a, f);
    const struct named_number ROWS[] = {
        {"accepted", c->accepted},
        {"duplicates", c->duplicates},
        {"unassigned", c->unassigned},
        {"refused", c->refused},
    };
    put_numbers(a, ROWS, sizeof ROWS / sizeof ROWS[0]);
    put_per_s(a, "records_per_s_10s", feed_count_index(feed, FEED_RECORDS));
    put_per_s(a, "received_per_s_10s", feed_count_index(feed, FEED_RECEIVED));
    put_per_s(a, "received_bytes_per_s_10s", feed_count_index(feed, FEED_BYTES));
    if (c->accepted + c->duplicates)
        put_number(a, "last_record_age_s", (uint64_t)(a->now_us - c->heard_us) / US_PER_S);
}
_Static_assert(PACE_WINDOW_S == 10, "the names of the rows say so");

/* --- consumers --- */

static void consumer_rows(void *arg, const struct consumer_info *c)
{
    struct status *a = arg;
    if (!scope(a, "consumer:", c->name))
        return;
    put_number(a, "confirmed", c->confirmed);
    put_number(a, "lag", c->lag);
}

/* --- the whole --- */

static uint64_t batches_in_write(const struct vault *v)
{
    uint64_t count = 0;
    for (const struct session *s = v->sessions; s; s = s->next)
        count += s->due_count;
    return count;
}

static void daemon_totals(struct status *a)
{
    const struct vault *v = a->session->vault;
    struct vault_totals t;
    vault_totals(v, &t);
    const struct named_number ROWS[] = {
        {"records", t.records},
        {"accepted", t.accepted},
        {"duplicates", t.duplicates},
        {"unassigned", t.unassigned},
        {"refused", t.refused},
        {"batches", t.batches},
        {"batches_in_flight", metric_get(v->options.metrics, METRIC_BATCHES_IN_FLIGHT)},
        {"batches_in_write", batches_in_write(v)},
        {"commits", t.commits},
        {"disclosures", t.disclosures},
        {"denials", t.denials},
        {"customers", t.customers},
        {"directory_entries", t.entries},
        {"dialogs", metric_get(v->options.metrics, METRIC_DIALOGS)},
        {"usage_rows_dirty", t.dirty_windows},
        {"outbox_position", t.outbox_position},
        {"tail_records", t.tail_records},
        {"disk_bytes", t.disk_bytes},
        {"key_cache_hits", t.key_hits},
        {"key_cache_misses", t.key_misses},
        {"keys_live", t.keys_live},
        {"keys_locked", t.keys_locked},
    };
    put_numbers(a, ROWS, sizeof ROWS / sizeof ROWS[0]);
    if (t.key_hits + t.key_misses)
        put_number(a, "key_cache_hit_percent", t.key_hits * 100 / (t.key_hits + t.key_misses));
}

static void daemon_rows(struct status *a)
{
    const struct pace *p = &a->session->vault->pace;
    if (!scope(a, "daemon", SPAN_EMPTY))
        return;
    daemon_totals(a);
    uint64_t commits = pace_growth(p, COUNT_COMMITS, a->counter[COUNT_COMMITS]);
    uint64_t commits_us = pace_growth(p, COUNT_COMMIT_US, a->counter[COUNT_COMMIT_US]);
    put_per_s(a, "records_per_s_10s", COUNT_ACCEPTED);
    put_per_s(a, "commits_per_s_10s", COUNT_COMMITS);
    put_per_s(a, "received_bytes_per_s_10s", COUNT_BYTES);
    put_ms(a, "commit_ms_mean_10s", commits ? commits_us / commits : 0);
    put_ms(a, "commit_ms_max_10s", pace_peak(p));
}

/* A damaged consumer takes nothing away from the rows of the others (I10): it is said at the end.
 */
enum err status_answer(struct session *s, uint32_t id, const struct control_request *q)
{
    struct vault *v = s->vault;
    struct status a = {.session = s,
                       .id = id,
                       .scope_wanted = control_arg(q, "scope"),
                       .name_wanted = control_arg(q, "name"),
                       .now_us = vault_monotonic(v)};
    count_all(v, a.counter);
    send_columns(&a);
    for (size_t i = 0; i < v->feeds_count; i++)
        feed_rows(&a, i);
    enum err e = OK;
    if (!span_is(a.scope_wanted, "daemon")) /* its rows are asked for often, and those are read */
        e = offer_consumers(v, consumer_rows, &a);
    if (e != OK && e != ERR_FORGED)
        return e;
    daemon_rows(&a);
    if (e == OK && a.rows == 0)
        answer_end(s, id, CONTROL_NOTFOUND, "no such row");
    else if (e == OK)
        answer_end(s, id, CONTROL_DONE, "");
    return e;
}
