/* Proves: each feed's figures are of that feed alone, whoever counts them; rates are of the last
 * ten seconds; a consumer lags by what it did not confirm; asking walks no folder; rows can be
 * chosen; damage elsewhere hides no row (I10). */
#include <criterion/criterion.h>

#include <stdio.h>
#include <stdlib.h>

#include "proto/core/instant.h"
#include "proto/wire/pull.h"
#include "tests/lib/vault_fixture.h"
#include "vault/state.h"

static struct fix f;
static struct metrics m;
static const int64_t T0 = 1795219200 * (int64_t)US_PER_S;
enum { AT_NOBODY, AT_PBX, AT_SWITCH }; /* places of the feeds in the metrics: not their numbers */

static void setup(void)
{
    struct peer all = fix_peer_all();
    cr_assert_eq(metrics_init(&m), OK);
    metrics_name(&m, METRIC_BY_FEED, AT_NOBODY, span_str("unused"));
    metrics_name(&m, METRIC_BY_FEED, AT_PBX, span_str("pbx"));
    metrics_name(&m, METRIC_BY_FEED, AT_SWITCH, span_str("switch"));
    fix_init(&f, &all);
    f.options.metrics = &m;
    f.monotonic_us = US_PER_S;
    fix_reopen(&f, true);
}

static void teardown(void)
{
    fix_done(&f);
    metrics_done(&m);
}

TestSuite(status, .init = setup, .fini = teardown);

/* The one row of that scope and name; "-" when there is none. */
static const char *text(const char *scope, const char *name)
{
    enum control_status end = fix_ask(&f, "status", "scope", scope, "name", name, NULL);
    if (end == CONTROL_NOTFOUND)
        return "-";
    cr_assert_eq(end, CONTROL_DONE, "%s %s", scope, name);
    cr_assert_eq(fix_rows(&f), 1, "%s %s", scope, name);
    cr_expect_str_eq(fix_cell(&f, 0, "scope"), scope);
    cr_expect_str_eq(fix_cell(&f, 0, "name"), name);
    return fix_cell(&f, 0, "value");
}

static uint64_t value(const char *scope, const char *name)
{
    return strtoull(text(scope, name), NULL, 10);
}

static void calls(uint16_t feed, unsigned from, unsigned to)
{
    for (unsigned i = from; i < to; i++) {
        struct record r;
        char key[16];
        snprintf(key, sizeof key, "%u", i);
        fix_call(&r, feed, "+12125550101", "+12125550102", T0, key);
        fix_add(&f, &r);
    }
    cr_assert_eq(fix_commit(&f).status, OK);
}

static void seconds(unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        f.monotonic_us += US_PER_S;
        cr_assert_eq(vault_tick(f.vault), OK);
    }
}

Test(status, what_the_vault_counts_is_told_by_feed)
{
    struct record claims;
    uint16_t pbx = fix_hello(&f, "pbx", FEED_ASTERISK_CSV);
    calls(pbx, 0, 5);
    calls(pbx, 3, 7);
    fix_call(&claims, pbx, "+12125550101", "+12125550102", T0, "x");
    claims.call.customer = 1;
    fix_add(&f, &claims);
    cr_assert_eq(fix_commit(&f).refused, 1);
    uint16_t other = fix_hello(&f, "switch", FEED_FREESWITCH_JSON);
    cr_assert_eq(fix_import(&f, "alpha,a,number,+12125550101\n"), CONTROL_DONE);
    calls(other, 0, 2);
    static const struct {
        const char *scope, *name;
        uint64_t value;
    } ROWS[] = {
        {"feed:pbx", "accepted", 7},      {"feed:pbx", "duplicates", 2},
        {"feed:pbx", "unassigned", 7},    {"feed:pbx", "refused", 1},
        {"feed:switch", "accepted", 2},   {"feed:switch", "duplicates", 0},
        {"feed:switch", "unassigned", 0}, {"feed:switch", "refused", 0},
        {"daemon", "accepted", 9},        {"daemon", "records", 9},
        {"daemon", "duplicates", 2},      {"daemon", "unassigned", 7},
        {"daemon", "refused", 1},
    };
    for (size_t i = 0; i < sizeof ROWS / sizeof ROWS[0]; i++)
        cr_expect_eq(value(ROWS[i].scope, ROWS[i].name), ROWS[i].value, "%s %s", ROWS[i].scope,
                     ROWS[i].name);
}

Test(status, what_the_workers_count_is_told_by_feed)
{
    static const struct {
        const char *name;
        enum metric id;
        enum reason reason, other;
    } ROWS[] = {
        {"received", METRIC_RECEIVED, 0, 0},
        {"received_bytes", METRIC_RECEIVED_BYTES, 0, 0},
        {"records", METRIC_RECORDS, 0, 0},
        {"ignored", METRIC_IGNORED, REASON_NOT_A_CALL, REASON_REPEATED},
        {"malformed", METRIC_MALFORMED, REASON_LINE, REASON_COLUMN},
        {"auth_failed", METRIC_AUTH_FAILED, 0, 0},
        {"shed", METRIC_SHED, REASON_QUEUE_FULL, REASON_DIALOGS_FULL},
        {"kernel_drops", METRIC_KERNEL_DROPS, 0, 0},
        {"connections", METRIC_CONNECTIONS, 0, 0},
        {"paused", METRIC_PAUSED, 0, 0},
        {"behind_bytes", METRIC_BEHIND_BYTES, 0, 0},
    };
    fix_hello(&f, "switch", FEED_FREESWITCH_JSON);
    fix_hello(&f, "pbx", FEED_ASTERISK_CSV);
    struct metrics worker = metrics_slot(&m, 3);
    for (unsigned i = 0; i < sizeof ROWS / sizeof ROWS[0]; i++) {
        metric_add_at(&worker, ROWS[i].id, AT_PBX, ROWS[i].reason, 100 + i);
        metric_add_at(&worker, ROWS[i].id, AT_PBX, ROWS[i].other, 1000);
        metric_add_at(&worker, ROWS[i].id, AT_NOBODY, ROWS[i].reason, 5);
    }
    for (unsigned i = 0; i < sizeof ROWS / sizeof ROWS[0]; i++) {
        cr_expect_eq(value("feed:pbx", ROWS[i].name), 1100 + i, "%s", ROWS[i].name);
        cr_expect_eq(value("feed:switch", ROWS[i].name), 0, "%s", ROWS[i].name);
    }
    metric_set(&worker, METRIC_BATCHES_IN_FLIGHT, 4);
    metric_set(&worker, METRIC_DIALOGS, 6);
    cr_expect_eq(value("daemon", "batches_in_flight"), 4);
    cr_expect_eq(value("daemon", "dialogs"), 6);
}

/* A vault that nobody counts for, and a feed that the configuration no longer has. */
Test(status, without_counters_the_vaults_own_are_told)
{
    uint16_t gone = fix_hello(&f, "gone", FEED_ASTERISK_CSV);
    calls(gone, 0, 3);
    cr_expect_eq(value("feed:gone", "accepted"), 3);
    cr_expect_eq(value("feed:gone", "received"), 0);
    f.options.metrics = NULL;
    fix_reopen(&f, true);
    cr_expect_eq(value("feed:gone", "received"), 0);
    cr_expect_eq(value("daemon", "records"), 3);
}

Test(status, rates_are_of_the_last_ten_seconds)
{
    uint16_t pbx = fix_hello(&f, "pbx", FEED_ASTERISK_CSV);
    seconds(30);
    calls(pbx, 0, 50);
    metric_add_at(&m, METRIC_RECEIVED, AT_PBX, (enum reason)0, 70);
    metric_add_at(&m, METRIC_RECEIVED_BYTES, AT_PBX, (enum reason)0, 9000);
    for (int passed = 0; passed < 10; passed += 9) {
        cr_expect_eq(value("daemon", "records_per_s_10s"), 5);
        cr_expect_eq(value("feed:pbx", "records_per_s_10s"), 5);
        cr_expect_eq(value("feed:pbx", "received_per_s_10s"), 7);
        cr_expect_eq(value("feed:pbx", "received_bytes_per_s_10s"), 900);
        cr_expect_eq(value("daemon", "received_bytes_per_s_10s"), 900);
        seconds(9);
    }
    seconds(2);
    cr_expect_eq(value("daemon", "records_per_s_10s"), 0);
    cr_expect_eq(value("feed:pbx", "received_per_s_10s"), 0);
    cr_expect_eq(value("daemon", "accepted"), 50);
}

Test(status, commits_are_timed)
{
    uint16_t pbx = fix_hello(&f, "pbx", FEED_ASTERISK_CSV);
    seconds(30);
    cr_expect_str_eq(text("daemon", "commit_ms_max_10s"), "0.000", "none in the window");
    cr_expect_str_eq(text("daemon", "commit_ms_mean_10s"), "0.000");
    for (unsigned i = 0; i < 20; i++)
        calls(pbx, i, i + 1);
    cr_expect_eq(value("daemon", "commits_per_s_10s"), 2);
    double max = atof(text("daemon", "commit_ms_max_10s"));
    double mean = atof(text("daemon", "commit_ms_mean_10s"));
    cr_expect(mean > 0 && mean <= max, "%f of at most %f", mean, max);
    seconds(12);
    cr_expect_str_eq(text("daemon", "commit_ms_max_10s"), "0.000");
}

Test(status, the_age_of_the_last_record)
{
    uint16_t pbx = fix_hello(&f, "pbx", FEED_ASTERISK_CSV);
    fix_hello(&f, "switch", FEED_FREESWITCH_JSON);
    cr_expect_str_eq(text("feed:pbx", "last_record_age_s"), "-", "none yet");
    fix_hello(&f, "pbx", FEED_ASTERISK_CSV);
    calls(pbx, 0, 1);
    cr_expect_eq(value("feed:pbx", "last_record_age_s"), 0);
    f.monotonic_us += 90 * (int64_t)US_PER_S;
    cr_expect_eq(value("feed:pbx", "last_record_age_s"), 90);
    calls(pbx, 0, 1);
    cr_expect_eq(value("feed:pbx", "last_record_age_s"), 0, "a duplicate shows that it is alive");
    cr_expect_str_eq(text("feed:switch", "last_record_age_s"), "-");
}

Test(status, the_key_cache_has_a_rate_once_it_was_asked)
{
    uint16_t pbx = fix_hello(&f, "pbx", FEED_ASTERISK_CSV);
    cr_expect_str_eq(text("daemon", "key_cache_hit_percent"), "-");
    calls(pbx, 0, 100);
    uint64_t hits = value("daemon", "key_cache_hits"), misses = value("daemon", "key_cache_misses");
    cr_assert_gt(hits, misses);
    cr_expect_eq(value("daemon", "key_cache_hit_percent"), hits * 100 / (hits + misses));
}

static void put_consumer_frame(enum frame_type type, uint64_t cursor)
{
    static const uint8_t KEY[CONSUMER_KEY_BYTES] = {7};
    uint8_t bytes[256];
    struct buf b = buf_of(bytes, sizeof bytes);
    struct pull_ask ask = {span_of(KEY, sizeof KEY), span_str("usage.calls"), cursor, 0};
    if (type == FRAME_REQUEST) {
        control_put_verb(&b, "usage consumer add");
        control_put_arg(&b, "name", span_str("billing"));
        control_put_arg(&b, "public-key", span_of(KEY, sizeof KEY));
        control_put_arg(&b, "family", span_str("usage"));
    } else {
        pull_ask_encode(&ask, &b);
    }
    cr_assert_eq(fix_send(&f, type, buf_span(&b)), OK);
}

static void lagging_consumer(void)
{
    put_consumer_frame(FRAME_REQUEST, 0);
    calls(fix_hello(&f, "pbx", FEED_ASTERISK_CSV), 0, 3);
    put_consumer_frame(FRAME_PULL, 0); /* which gives its rows their positions */
}

Test(status, a_consumer_lags_by_what_it_did_not_confirm)
{
    lagging_consumer();
    uint64_t position = value("daemon", "outbox_position");
    cr_assert_gt(position, 0);
    cr_expect_eq(value("consumer:billing", "lag"), position);
    cr_expect_eq(value("consumer:billing", "confirmed"), 0);
    put_consumer_frame(FRAME_CONFIRM, position);
    cr_expect_eq(value("consumer:billing", "lag"), 0);
    cr_expect_eq(value("consumer:billing", "confirmed"), position);
}

static bool damage(void *arg, struct span key, struct span row)
{
    (void)arg, (void)row;
    txn_put(vault_txn(f.vault), FAMILY_CONSUMERS, key, span_str("torn"));
    return false;
}

Test(status, a_damaged_consumer_hides_no_other_row)
{
    lagging_consumer();
    cr_assert_eq(store_walk(f.vault->store, FAMILY_CONSUMERS, SPAN_EMPTY, damage, NULL), OK);
    cr_assert_eq(vault_flush(f.vault), OK);
    cr_expect_eq(fix_ask(&f, "status", NULL), CONTROL_INTEGRITY);
    cr_expect_gt(fix_rows(&f), 0);
    cr_expect_str_eq(fix_cell(&f, 0, "scope"), "feed:pbx");
    cr_expect_str_eq(fix_cell(&f, fix_rows(&f) - 1, "scope"), "daemon");
    cr_expect_eq(value("daemon", "records"), 3);
}

Test(status, rows_can_be_chosen_and_the_whole_comes_last)
{
    fix_hello(&f, "pbx", FEED_ASTERISK_CSV);
    fix_hello(&f, "switch", FEED_FREESWITCH_JSON);
    cr_assert_eq(fix_ask(&f, "status", NULL), CONTROL_DONE);
    size_t all = fix_rows(&f);
    cr_expect_str_eq(fix_cell(&f, 0, "scope"), "feed:pbx");
    cr_expect_str_eq(fix_cell(&f, all - 1, "scope"), "daemon");
    cr_assert_eq(fix_ask(&f, "status", "name", "accepted", NULL), CONTROL_DONE);
    cr_expect_eq(fix_rows(&f), 3, "two feeds and the whole");
    size_t sum = 0;
    static const char *const SCOPES[] = {"feed:pbx", "feed:switch", "daemon"};
    for (size_t i = 0; i < sizeof SCOPES / sizeof SCOPES[0]; i++) {
        cr_assert_eq(fix_ask(&f, "status", "scope", SCOPES[i], NULL), CONTROL_DONE);
        sum += fix_rows(&f);
    }
    cr_expect_eq(sum, all);
    cr_expect_eq(fix_ask(&f, "status", "scope", "feed:none", NULL), CONTROL_NOTFOUND);
    cr_expect_eq(fix_ask(&f, "status", "scope", "pbx", NULL), CONTROL_NOTFOUND);
    cr_expect_eq(fix_ask(&f, "status", "name", "nonsense", NULL), CONTROL_NOTFOUND);
}

Test(status, asking_does_not_walk_the_folder)
{
    seconds(1);
    uint64_t before = value("daemon", "disk_bytes");
    cr_assert_gt(before, 0);
    FILE *file = fopen("db/extra", "w");
    cr_assert(file && fseek(file, 10000000, SEEK_SET) == 0 && fputc('x', file) == 'x');
    cr_assert_eq(fclose(file), 0);
    cr_expect_lt(value("daemon", "disk_bytes"), before + 10000000);
    cr_assert_eq(vault_tick(f.vault), OK);
    cr_expect_lt(value("daemon", "disk_bytes"), before + 10000000, "not before a second is over");
    seconds(1);
    cr_expect_gt(value("daemon", "disk_bytes"), before + 10000000);
}
