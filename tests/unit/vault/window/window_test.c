/* Proves (I3, I7): whatever the order of additions, checkpoints, crashes and reassignments, and
 * however few rows fit in memory, the stored rows are the sums of the records, each in the outbox
 * once, at positions that only rise, with a revision that rises when the row changes. Nothing of
 * a row is in clear on the disk; a row in another's place does not open. */
#include <criterion/criterion.h>

#include "tests/lib/vault_rig.h"
#include "vault/window/window.h"

enum { KEYS = 12, RECORDS_MAX = 400, ROWS_FEW = 5 };

struct record_effect { /* of the record with sequence index + 1 */
    unsigned key;
    struct usage_totals delta;
    bool gone; /* reassigned */
};

static struct vault_rig rig;
static struct windows *windows;
static struct record_effect journal[RECORDS_MAX];
static size_t journal_count;

static void open_windows(size_t rows_max)
{
    struct windows_options o = {.rows_max = rows_max};
    struct diag d;
    cr_assert_eq(windows_open(rig.store, rig.keys, &o, &windows, &d), OK);
}

static void init(void)
{
    rig_init(&rig);
    open_windows(ROWS_FEW);
    journal_count = 0;
}

static void done(void)
{
    windows_close(windows);
    rig_done(&rig);
}

TestSuite(window, .init = init, .fini = done);

static struct usage_key key_of(unsigned n)
{
    return (struct usage_key){.account = 1 + n % 4,
                              .period_s = 3600,
                              .period_start_s = 1700002800 + (int64_t)n / 4 * 3600,
                              .service = SERVICE_VOICE,
                              .direction = DIRECTION_ORIGINATING,
                              .call_type = CALL_TYPE_NATIONAL,
                              .juris = JURIS_INTERSTATE,
                              .rate_band = RATE_FLAT};
}

static struct usage_totals call_of(uint64_t duration_ms)
{
    struct usage_totals t = {.attempts = 1, .answered = 1, .duration_ms = duration_ms};
    t.billed_s[0] = (duration_ms + 999) / 1000;
    return t;
}

static void commit(void)
{
    windows_committing(windows);
    rig_commit(&rig);
    windows_committed(windows);
}

static void checkpoint(uint64_t included)
{
    cr_assert_eq(windows_checkpoint(windows, store_begin(rig.store), included), OK);
    commit();
    cr_expect_eq(windows_dirty(windows), 0);
}

/* The rows that changed first, and no other: what a tick of the vault does. */
static void write_some(size_t rows_max)
{
    size_t before = windows_dirty(windows);
    size_t left = before > rows_max ? before - rows_max : 0;
    cr_assert_eq(windows_write(windows, store_begin(rig.store), rows_max, journal_count), OK);
    commit();
    cr_expect_eq(windows_dirty(windows), left);
    cr_expect(left ? windows_included(windows) < journal_count
                   : windows_included(windows) == journal_count);
}

static void fold(size_t index)
{
    const struct record_effect *r = &journal[index];
    struct usage_key key = key_of(r->key);
    enum err e = windows_add(windows, &key, index + 1, &r->delta);
    if (e == ERR_FULL) {
        checkpoint(index); /* all records before this one */
        e = windows_add(windows, &key, index + 1, &r->delta);
    }
    cr_assert_eq(e, OK);
}

static void record(unsigned key, uint64_t duration_ms)
{
    journal[journal_count] = (struct record_effect){key, call_of(duration_ms), false};
    fold(journal_count++);
}

static void crash_and_recover(size_t rows_max)
{
    windows_close(windows);
    open_windows(rows_max);
    for (size_t i = windows_included(windows); i < journal_count; i++)
        if (!journal[i].gone)
            fold(i);
}

/* As the vault does it: the record leaves and the totals are written in one batch. */
static void take_back(size_t index)
{
    struct usage_key key = key_of(journal[index].key);
    enum err e = windows_subtract(windows, &key, &journal[index].delta);
    if (e == ERR_FULL) {
        checkpoint(journal_count);
        e = windows_subtract(windows, &key, &journal[index].delta);
    }
    cr_assert_eq(e, OK);
    journal[index].gone = true;
    checkpoint(journal_count);
}

struct seen {
    size_t count;
    struct window_row row[KEYS + 1];
};

static bool see(void *arg, const struct window_row *row)
{
    struct seen *s = arg;
    cr_assert(s->count <= KEYS, "more rows than keys");
    s->row[s->count++] = *row;
    return true;
}

static struct seen walk(uint64_t cursor)
{
    struct seen s = {0};
    cr_assert_eq(windows_walk(windows, cursor, see, &s), OK);
    return s;
}

static bool same_key(const struct usage_key *a, const struct usage_key *b)
{
    uint8_t x[USAGE_KEY_BYTES], y[USAGE_KEY_BYTES];
    usage_key_encode(a, x);
    usage_key_encode(b, y);
    return memcmp(x, y, sizeof x) == 0;
}

static const struct window_row *row_of(const struct seen *s, unsigned key)
{
    struct usage_key k = key_of(key);
    const struct window_row *found = NULL;
    for (size_t i = 0; i < s->count; i++) {
        if (!same_key(&s->row[i].key, &k))
            continue;
        cr_expect_null(found, "key %u twice", key);
        found = &s->row[i];
    }
    return found;
}

/* After a checkpoint: the stored rows are the sums of the journal. */
static void expect_sums(void)
{
    struct seen s = walk(0);
    cr_expect_eq(rig_rows(&rig, FAMILY_OUTBOX), s.count);
    for (unsigned key = 0; key < KEYS; key++) {
        struct usage_totals want = {0};
        bool ever = false;
        for (size_t i = 0; i < journal_count; i++) {
            ever |= journal[i].key == key;
            if (journal[i].key == key && !journal[i].gone)
                usage_add(&want, &journal[i].delta);
        }
        const struct window_row *row = row_of(&s, key);
        cr_assert_eq(row != NULL, ever, "key %u", key);
        if (row)
            cr_expect_arr_eq(&row->totals, &want, sizeof want, "key %u", key);
    }
    for (size_t i = 1; i < s.count; i++)
        cr_expect_gt(s.row[i].position, s.row[i - 1].position);
    if (s.count)
        cr_expect_eq(s.row[s.count - 1].position, windows_last_position(windows));
}

Test(window, a_row_is_a_sum)
{
    record(3, 61000);
    record(3, 500);
    cr_expect_eq(windows_dirty(windows), 1);
    cr_expect_eq(walk(0).count, 0, "nothing is offered before a checkpoint");
    checkpoint(2);
    struct seen s = walk(0);
    cr_assert_eq(s.count, 1);
    cr_expect_eq(s.row[0].totals.duration_ms, 61500);
    cr_expect_eq(s.row[0].totals.billed_s[0], 62);
    cr_expect_eq(s.row[0].revision, 1);
    cr_expect_eq(s.row[0].position, 1);
    cr_expect_eq(windows_included(windows), 2);
}

Test(window, what_changed_first_is_written_first_and_folded_again_never)
{
    record(5, 1000);
    record(3, 2000);
    record(5, 4000);
    write_some(1);
    struct seen s = walk(0);
    cr_assert_eq(s.count, 1);
    cr_expect_eq(s.row[0].totals.duration_ms, 5000, "with all that came to it since");
    cr_expect_eq(windows_included(windows), 1, "the row of the second record is not on disk");
    crash_and_recover(ROWS_FEW);
    cr_expect_eq(windows_dirty(windows), 1, "only that row is folded again");
    checkpoint(journal_count);
    expect_sums();
}

Test(window, rows_are_put_in_order_of_keys)
{
    static const unsigned ORDER[] = {8, 0, 5, 4, 1};
    for (size_t i = 0; i < 5; i++)
        record(ORDER[i], 1000);
    checkpoint(5);
    struct seen s = walk(0);
    cr_assert_eq(s.count, 5);
    for (size_t i = 1; i < 5; i++) {
        uint8_t a[USAGE_KEY_BYTES], b[USAGE_KEY_BYTES];
        usage_key_encode(&s.row[i - 1].key, a);
        usage_key_encode(&s.row[i].key, b);
        cr_expect_lt(memcmp(a, b, sizeof a), 0);
        cr_expect_eq(s.row[i].position, i + 1);
    }
}

Test(window, a_changed_row_moves_to_the_end)
{
    record(0, 1000);
    record(1, 1000);
    checkpoint(2);
    record(0, 1000);
    checkpoint(3);
    struct seen s = walk(0), behind = walk(2);
    cr_expect_eq(rig_rows(&rig, FAMILY_OUTBOX), 2, "one entry a row");
    cr_assert_eq(s.count, 2);
    cr_expect_eq(row_of(&s, 0)->revision, 2);
    cr_expect_eq(row_of(&s, 0)->position, 3);
    cr_expect_eq(row_of(&s, 1)->revision, 1);
    cr_expect_eq(behind.count, 1);
    cr_expect_eq(walk(3).count, 0);
    cr_expect_eq(walk(UINT64_MAX).count, 0);
}

static bool stop(void *arg, const struct window_row *row)
{
    (void)row;
    return ++*(int *)arg < 2;
}

Test(window, a_walk_stops_when_told)
{
    int rows = 0;
    for (unsigned key = 0; key < 4; key++)
        record(key, 1000);
    checkpoint(4);
    cr_expect_eq(windows_walk(windows, 0, stop, &rows), OK);
    cr_expect_eq(rows, 2);
}

Test(window, a_clean_checkpoint_only_moves_on)
{
    record(0, 1000);
    checkpoint(1);
    checkpoint(9); /* records of nobody's usage */
    cr_expect_eq(windows_included(windows), 9);
    cr_expect_eq(walk(0).row[0].revision, 1);
    crash_and_recover(ROWS_FEW);
    cr_expect_eq(windows_included(windows), 9);
}

/* Read again before they are there, they would be as they were. */
Test(window, what_is_not_on_the_disk_yet_is_not_dropped)
{
    struct usage_totals t = call_of(1000);
    for (unsigned n = 0; n < ROWS_FEW; n++)
        record(n, 1000);
    struct usage_key key = key_of(ROWS_FEW);
    cr_expect_not(windows_room(windows, 1));
    cr_assert_eq(windows_write(windows, store_begin(rig.store), 2, journal_count), OK);
    cr_expect_eq(windows_add(windows, &key, journal_count + 1, &t), ERR_FULL, "in the batch");
    windows_committing(windows);
    cr_expect_eq(windows_add(windows, &key, journal_count + 1, &t), ERR_FULL, "on its way");
    rig_commit(&rig);
    windows_committed(windows);
    cr_expect(windows_room(windows, 2) && !windows_room(windows, 3));
    cr_expect_eq(windows_add(windows, &key, journal_count + 1, &t), OK);
    cr_expect(windows_room(windows, 1) && !windows_room(windows, 2));
}

Test(window, full_of_dirty_rows_says_so)
{
    struct usage_totals t = call_of(1000);
    for (unsigned n = 0; n < ROWS_FEW; n++)
        record(n, 1000);
    struct usage_key key = key_of(ROWS_FEW), known = key_of(0);
    cr_expect_eq(windows_add(windows, &key, journal_count + 1, &t), ERR_FULL);
    cr_expect_eq(windows_add(windows, &known, journal_count + 1, &t), OK,
                 "what is in memory still grows");
    checkpoint(ROWS_FEW);
    cr_expect_eq(windows_add(windows, &key, journal_count + 1, &t), OK);
}

Test(window, a_row_without_calls_stays_as_zero)
{
    record(2, 61000);
    checkpoint(1);
    take_back(0);
    struct seen s = walk(1);
    cr_assert_eq(s.count, 1);
    cr_expect(usage_is_zero(&s.row[0].totals));
    cr_expect_eq(s.row[0].revision, 2);
}

Test(window, what_was_not_added_cannot_be_taken_back)
{
    struct usage_key key = key_of(1), never = key_of(2);
    struct usage_totals more = call_of(2000);
    record(1, 1000);
    checkpoint(1);
    cr_expect_eq(windows_subtract(windows, &key, &more), ERR_CONFLICT);
    cr_expect_eq(windows_subtract(windows, &never, &more), ERR_CONFLICT);
    cr_expect_eq(windows_dirty(windows), 0, "and nothing changed");
    for (unsigned n = 0; n < KEYS; n++) /* the row that is in memory in vain can be dropped */
        record(n, 1000);
    checkpoint(journal_count);
    expect_sums();
}

static uint64_t next_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

static void step(uint64_t *random, size_t rows_max)
{
    uint64_t dice = next_random(random) % 20;
    size_t back = journal_count ? next_random(random) % journal_count : 0;
    if (dice == 0)
        crash_and_recover(rows_max);
    else if (dice == 1)
        checkpoint(journal_count);
    else if (dice == 2 && journal_count && !journal[back].gone)
        take_back(back);
    else if (dice == 3)
        write_some(1 + next_random(random) % 3);
    else
        record((unsigned)(next_random(random) % KEYS), next_random(random) % 600000);
}

Test(window, any_history_gives_the_sums)
{
    static const size_t ROWS_MAX[] = {1, 2, ROWS_FEW, KEYS, 64};
    for (uint64_t seed = 1; seed <= 25; seed++) {
        size_t rows_max = ROWS_MAX[seed % 5];
        uint64_t random = seed * 0x9e3779b97f4a7c15u;
        done();
        init();
        crash_and_recover(rows_max);
        uint64_t position = 0;
        while (journal_count < 120) {
            step(&random, rows_max);
            cr_assert_geq(windows_last_position(windows), position);
            position = windows_last_position(windows);
        }
        checkpoint(journal_count);
        expect_sums();
        crash_and_recover(KEYS);
        expect_sums();
    }
}

Test(window, nothing_is_in_clear)
{
    uint8_t code[USAGE_KEY_BYTES];
    struct usage_key key = key_of(0);
    usage_key_encode(&key, code);
    record(0, 61000);
    checkpoint(1);
    cr_expect_not(rig_holds(&rig, span_of(code + 1, 12)), "account and period");
    static const uint8_t POSITION[] = {0, 0, 0, 0, 0, 0, 0, 1};
    cr_expect(rig_holds(&rig, span_of(POSITION, 8)), "the search works");
}

static bool keep_last(void *arg, struct span key, struct span value)
{
    struct buf *b = arg;
    (void)key;
    buf_reset(b);
    buf_put(b, value);
    return true;
}

/* Somebody with the disk points two positions at one row. */
Test(window, a_changed_outbox_is_found)
{
    static const uint8_t FIRST[] = {0, 0, 0, 0, 0, 0, 0, 1};
    uint8_t room[64];
    struct buf second = buf_of(room, sizeof room);
    struct seen s = {0};
    record(0, 1000);
    record(1, 2000);
    checkpoint(2);
    cr_assert_eq(store_walk(rig.store, FAMILY_OUTBOX, SPAN_EMPTY, keep_last, &second), OK);
    rig_write(&rig, FAMILY_OUTBOX, span_of(FIRST, sizeof FIRST), buf_span(&second));
    cr_expect_eq(windows_walk(windows, 0, see, &s), ERR_FORGED);
    cr_expect_eq(s.count, 0);
    rig_delete(&rig, FAMILY_USAGE, buf_span(&second));
    cr_expect_eq(windows_walk(windows, 1, see, &s), ERR_FORGED);
}

/* A row that does not open is not a row of zero. */
Test(window, a_changed_row_is_not_added_to)
{
    uint8_t room[64];
    struct buf tag = buf_of(room, sizeof room);
    struct usage_key key = key_of(0);
    struct usage_totals t = call_of(1000);
    record(0, 1000);
    checkpoint(1);
    cr_assert_eq(store_walk(rig.store, FAMILY_OUTBOX, SPAN_EMPTY, keep_last, &tag), OK);
    rig_flip(&rig, FAMILY_USAGE, buf_span(&tag), 40, 1);
    crash_and_recover(ROWS_FEW);
    cr_expect_eq(windows_add(windows, &key, journal_count + 1, &t), ERR_FORGED);
    cr_expect_eq(windows_dirty(windows), 0);
}

Test(window, a_changed_state_is_refused_at_open)
{
    struct windows_options o = {.rows_max = ROWS_FEW};
    struct windows *again = NULL;
    struct diag d = {NULL, 0};
    record(0, 1000);
    checkpoint(1);
    rig_flip(&rig, FAMILY_USAGE, span_str("state"), 30, 1);
    cr_expect_eq(windows_open(rig.store, rig.keys, &o, &again, &d), ERR_FORGED);
    cr_expect_str_eq(d.what, "the usage totals cannot be read");
}
