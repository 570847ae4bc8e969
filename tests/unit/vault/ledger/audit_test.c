/* Proves (I6): entries come back as written and in order; what they say of people is sealed; and
 * whatever is done to the stored log - any byte changed, an entry removed, two swapped, the tail
 * cut, one appended by who has no key - verify names the first bad sequence. A log that the head
 * record does not fit is refused at open; one that a crash left ahead of it is not. */
#include <criterion/criterion.h>

#include "proto/core/limits.h"
#include "tests/lib/vault_rig.h"
#include "vault/ledger/audit.h"

enum { ENTRIES = 7, UID = 1234, CUSTOMER = 42 };

static struct vault_rig rig;
static struct audit *audit;

static struct span key_of(uint64_t seq)
{
    static uint8_t room[8];
    struct buf b = buf_of(room, sizeof room);
    buf_be64(&b, seq);
    return buf_span(&b);
}

static struct audit_event event_of(unsigned n)
{
    return (struct audit_event){
        .time_us = 1700000000000000 + n,
        .action = (enum action)(n % ACTION_COUNT),
        .role = n % (ROLE_COUNT + 1) < ROLE_COUNT ? (enum role)(n % ROLE_COUNT) : ROLE_COUNT,
        .outcome = (enum audit_outcome)(AUDIT_ALLOWED + n % 4),
        .uid = UID + n,
        .customer = n % 3 ? CUSTOMER : 0,
        .rule = span_str("calls-bill"),
        .purpose = span_str(n % 2 ? "BILL" : ""),
        .case_text = span_str("ticket of 2125550123"),
        .detail = span_str("from, to; 17 rows"),
    };
}

static void commit(void)
{
    uint8_t note[HEAD_NOTE_BYTES];
    audit_note(audit, note);
    cr_assert_eq(store_commit(rig.store, note), OK);
}

static void append(const struct audit_event *e)
{
    uint64_t seq = 0;
    cr_assert_eq(audit_append(audit, store_begin(rig.store), e, &seq), OK);
    commit();
}

static void open_log(void)
{
    struct diag d;
    cr_assert_eq(audit_open(rig.store, rig.keys, &audit, &d), OK);
}

static void reopen_log(void)
{
    audit_close(audit);
    open_log();
}

static void init(void)
{
    rig_init(&rig);
    open_log();
    for (unsigned n = 1; n <= ENTRIES; n++) {
        struct audit_event e = event_of(n);
        append(&e);
    }
}

static void done(void)
{
    audit_close(audit);
    rig_done(&rig);
}

TestSuite(audit, .init = init, .fini = done);

static uint64_t first_bad(void)
{
    uint64_t at = 0;
    cr_expect_eq(audit_verify(audit, &at), ERR_FORGED);
    return at;
}

static void expect_whole(uint64_t entries)
{
    uint64_t count = 0;
    cr_expect_eq(audit_verify(audit, &count), OK);
    cr_expect_eq(count, entries);
}

static enum err try_open(const char **out_what)
{
    struct audit *other = NULL;
    struct diag d = {NULL, 0};
    enum err e = audit_open(rig.store, rig.keys, &other, &d);
    audit_close(other);
    *out_what = d.what;
    return e;
}

struct seen {
    uint64_t next, stop_after;
};

static bool check_entry(void *arg, const struct audit_entry *got)
{
    struct seen *seen = arg;
    struct audit_event want = event_of((unsigned)got->seq);
    uint8_t token[CUSTOMER_TOKEN_BYTES] = {0};
    if (want.customer)
        audit_customer_token(audit, want.customer, token);
    cr_expect_eq(got->seq, seen->next++);
    cr_expect_eq(got->event.time_us, want.time_us);
    cr_expect_eq(got->event.action, want.action);
    cr_expect_eq(got->event.role, want.role);
    cr_expect_eq(got->event.outcome, want.outcome);
    cr_expect_eq(got->event.uid, want.uid);
    cr_expect_eq(got->event.customer, 0);
    cr_expect(span_eq(got->event.rule, want.rule));
    cr_expect(span_eq(got->event.purpose, want.purpose));
    cr_expect(span_eq(got->event.case_text, want.case_text));
    cr_expect(span_eq(got->event.detail, want.detail));
    cr_expect_arr_eq(got->customer_token, token, sizeof token);
    return got->seq != seen->stop_after;
}

Test(audit, entries_come_back_as_written)
{
    struct seen all = {1, 0}, some = {3, 5};
    cr_expect_eq(audit_walk(audit, 0, check_entry, &all), OK);
    cr_expect_eq(all.next, ENTRIES + 1);
    cr_expect_eq(audit_walk(audit, 3, check_entry, &some), OK);
    cr_expect_eq(some.next, 6, "stops when told to");
    expect_whole(ENTRIES);
}

Test(audit, people_are_sealed)
{
    static const char *const SEALED[] = {"2125550123", "ticket", "17 rows"};
    cr_expect(rig_holds(&rig, span_str("calls-bill")), "the search works");
    for (size_t i = 0; i < sizeof SEALED / sizeof SEALED[0]; i++)
        cr_expect_not(rig_holds(&rig, span_str(SEALED[i])), "%s", SEALED[i]);

    /* Somebody types a number where a purpose belongs. */
    struct audit_event e = event_of(0);
    e.purpose = span_str("2125550177");
    append(&e);
    cr_expect_not(rig_holds(&rig, e.purpose));
    cr_expect(rig_holds(&rig, span_str("unknown")));
}

Test(audit, overlong_texts_are_cut)
{
    char text[4096];
    memset(text, 'x', sizeof text);
    struct audit_event e = event_of(1);
    e.rule = e.case_text = e.detail = span_of(text, sizeof text);
    append(&e);
    expect_whole(ENTRIES + 1);
}

static bool keep_lengths(void *arg, const struct audit_entry *e)
{
    size_t *lengths = arg;
    lengths[0] = e->event.case_text.n;
    lengths[1] = e->event.detail.n;
    return true;
}

Test(audit, the_longest_entry_fits)
{
    char text[AUDIT_DETAIL_BYTES_MAX];
    size_t lengths[2] = {0};
    memset(text, 'x', sizeof text);
    struct audit_event e = event_of(1);
    e.rule = span_of(text, AUDIT_NAME_BYTES_MAX);
    e.case_text = e.detail = span_of(text, sizeof text);
    append(&e);
    cr_expect_eq(audit_walk(audit, ENTRIES + 1, keep_lengths, lengths), OK);
    cr_expect_eq(lengths[0], CASE_TEXT_BYTES_MAX);
    cr_expect_eq(lengths[1], AUDIT_DETAIL_BYTES_MAX);
}

Test(audit, goes_on_after_a_restart)
{
    reopen_log();
    struct audit_event e = event_of(ENTRIES + 1);
    append(&e);
    reopen_log();
    expect_whole(ENTRIES + 1);
}

Test(audit, tokens_name_customers_apart)
{
    uint8_t a[CUSTOMER_TOKEN_BYTES], b[CUSTOMER_TOKEN_BYTES], again[CUSTOMER_TOKEN_BYTES];
    audit_customer_token(audit, 1, a);
    audit_customer_token(audit, 2, b);
    audit_customer_token(audit, 1, again);
    cr_expect_arr_neq(a, b, sizeof a);
    cr_expect_arr_eq(a, again, sizeof a);
}

Test(audit, every_byte_counts)
{
    uint8_t room[AUDIT_ENTRY_BYTES_MAX];
    for (uint64_t seq = 1; seq <= ENTRIES; seq++) {
        struct buf value = buf_of(room, sizeof room);
        cr_assert_eq(store_get(rig.store, FAMILY_AUDIT, key_of(seq), &value), OK);
        for (size_t at = 0; at < value.n; at++) {
            rig_flip(&rig, FAMILY_AUDIT, key_of(seq), at, 0x20);
            cr_expect_eq(first_bad(), seq, "entry %d byte %zu", (int)seq, at);
            rig_flip(&rig, FAMILY_AUDIT, key_of(seq), at, 0x20);
        }
    }
    expect_whole(ENTRIES);
}

Test(audit, removed_entries_are_missed)
{
    uint8_t room[AUDIT_ENTRY_BYTES_MAX];
    for (uint64_t seq = 1; seq <= ENTRIES; seq++) { /* the last one is the cut tail */
        struct buf value = buf_of(room, sizeof room);
        cr_assert_eq(store_get(rig.store, FAMILY_AUDIT, key_of(seq), &value), OK);
        rig_delete(&rig, FAMILY_AUDIT, key_of(seq));
        cr_expect_eq(first_bad(), seq);
        rig_write(&rig, FAMILY_AUDIT, key_of(seq), buf_span(&value));
    }
    expect_whole(ENTRIES);
}

Test(audit, cut_from_anywhere_to_the_end)
{
    for (uint64_t seq = ENTRIES; seq >= 1; seq--) {
        const char *what;
        rig_delete(&rig, FAMILY_AUDIT, key_of(seq));
        cr_expect_eq(first_bad(), seq);
        cr_expect_eq(try_open(&what), ERR_FORGED);
        cr_expect_str_eq(what, "the audit log was cut or changed: the head record knows more");
    }
}

Test(audit, swapped_entries_are_found)
{
    uint8_t a_room[AUDIT_ENTRY_BYTES_MAX], b_room[AUDIT_ENTRY_BYTES_MAX];
    for (uint64_t a = 1; a <= ENTRIES; a++)
        for (uint64_t b = a + 1; b <= ENTRIES; b++) {
            struct buf va = buf_of(a_room, sizeof a_room), vb = buf_of(b_room, sizeof b_room);
            cr_assert_eq(store_get(rig.store, FAMILY_AUDIT, key_of(a), &va), OK);
            cr_assert_eq(store_get(rig.store, FAMILY_AUDIT, key_of(b), &vb), OK);
            rig_write(&rig, FAMILY_AUDIT, key_of(a), buf_span(&vb));
            rig_write(&rig, FAMILY_AUDIT, key_of(b), buf_span(&va));
            cr_expect_eq(first_bad(), a);
            rig_write(&rig, FAMILY_AUDIT, key_of(a), buf_span(&va));
            rig_write(&rig, FAMILY_AUDIT, key_of(b), buf_span(&vb));
        }
    expect_whole(ENTRIES);
}

Test(audit, appended_forgeries_are_found)
{
    uint8_t room[AUDIT_ENTRY_BYTES_MAX];
    struct buf value = buf_of(room, sizeof room);
    const char *what;
    cr_assert_eq(store_get(rig.store, FAMILY_AUDIT, key_of(2), &value), OK);
    rig_write(&rig, FAMILY_AUDIT, key_of(ENTRIES + 1), buf_span(&value));
    cr_expect_eq(first_bad(), ENTRIES + 1);
    cr_expect_eq(try_open(&what), ERR_FORGED);
    cr_expect_str_eq(what, "the audit log ends in an entry that is not its own");
}

Test(audit, another_vaults_log_is_not_ours)
{
    struct vault_rig other;
    struct audit *stranger = NULL;
    rig_init(&other);
    cr_expect_eq(audit_open(rig.store, other.keys, &stranger, NULL), OK,
                 "the head note alone does not tell");
    uint64_t at = 0;
    cr_expect_eq(audit_verify(stranger, &at), ERR_FORGED);
    cr_expect_eq(at, 1);
    audit_close(stranger);
    rig_done(&other);
}

/* A note that does not fit, with the rows untouched. */
Test(audit, a_wrong_note_is_refused_at_open)
{
    const char *what;
    uint8_t note[HEAD_NOTE_BYTES];
    for (size_t at = 0; at < HEAD_NOTE_BYTES; at++) {
        audit_note(audit, note);
        note[at] ^= 0x01;
        store_begin(rig.store);
        cr_assert_eq(store_commit(rig.store, note), OK);
        cr_expect_eq(try_open(&what), ERR_FORGED, "byte %zu", at);
    }
    cr_expect_eq(first_bad(), ENTRIES, "the entry whose chain the note contradicts");
}

/* The process died between the batch and its head record: the note is one commit older. */
Test(audit, a_log_ahead_of_its_note_is_taken_over)
{
    uint8_t old_note[HEAD_NOTE_BYTES];
    uint64_t seq = 0;
    audit_note(audit, old_note);
    struct txn *t = store_begin(rig.store);
    for (unsigned n = 1; n <= 3; n++) {
        struct audit_event e = event_of(ENTRIES + n);
        cr_assert_eq(audit_append(audit, t, &e, &seq), OK);
    }
    cr_assert_eq(store_commit(rig.store, old_note), OK);
    reopen_log();
    expect_whole(ENTRIES + 3);
    struct audit_event e = event_of(ENTRIES + 4);
    append(&e);
    reopen_log();
    expect_whole(ENTRIES + 4);
}

Test(audit, an_unknown_format_is_not_guessed_at)
{
    struct seen all = {1, 0};
    rig_flip(&rig, FAMILY_AUDIT, key_of(4), 0, 0x02);
    cr_expect_eq(audit_walk(audit, 0, check_entry, &all), ERR_VERSION);
    cr_expect_eq(all.next, 4, "what came before it was given");
}
