/* Proves that each extra gets its class, that secrets leave the record in place (I5) while all else
 * stays in order (I1), that counts add up, and that the record that comes out is bounded. */
#include "proto/classify/classify.h"

#include "tests/lib/random_record.h"
#include "tests/unit/proto/classify/classify_rules.h"

static struct npa_table table;
static struct record record;
static uint8_t room_bytes[DERIVE_ROOM_BYTES];

static struct classify_counts classify(struct record *r)
{
    struct derive_rules rules = rules_nanp(&table);
    struct classify_counts counts = {.unknown = 0};
    struct buf room = buf_of(room_bytes, sizeof room_bytes);
    classify_record(r, &rules, &room, &counts);
    return counts;
}

static void add(const char *name, const char *value)
{
    record_extra(&record, 0, span_str(name), span_str(value));
}

Test(classify, secrets_leave_and_the_rest_stays_in_order)
{
    record_reset(&record);
    record.call.feed_kind = FEED_HEP;
    add("X-New", "kept");
    add("Authorization", "Digest response=\"0123\"");
    add("Diversion", "<sip:+12125550123@example.com>");
    add("Subject", "private words");
    add("User-to-User", "00");
    add("Via", "SIP/2.0/UDP 192.0.2.1");
    struct classify_counts counts = classify(&record);
    cr_assert_eq(record.extras_count, 3);
    cr_expect_eq(record.extra[0].field, FIELD_UNKNOWN);
    cr_expect(span_is(record.extra[0].name, "X-New"));
    cr_expect_str_eq(field_row(record.extra[1].field)->name, "sip.diversion");
    cr_expect(span_is(record.extra[1].value, "<sip:+12125550123@example.com>"));
    cr_expect_str_eq(field_row(record.extra[2].field)->name, "sip.via");
    cr_expect_eq(counts.by_handling[HANDLE_DROP], 3);
    cr_expect_eq(counts.by_handling[HANDLE_SEAL], 3);
    cr_expect_eq(counts.unknown, 1);
}

Test(classify, an_id_that_the_parser_has_set_stays)
{
    record_reset(&record);
    record.call.feed_kind = FEED_HEP;
    record_extra(&record, FIELD_AUTHORIZATION_CODE, span_str("Via"), span_str("1"));
    record_extra(&record, FIELD_SIP_AUTH_USERNAME, span_str("Authorization"), span_str("alice"));
    struct classify_counts counts = classify(&record);
    cr_assert_eq(record.extras_count, 1);
    cr_expect(span_is(record.extra[0].value, "alice"));
    cr_expect_eq(counts.by_handling[HANDLE_SEAL_IX], 1);
}

Test(classify, digits_behind_numbers_are_cut_and_counted)
{
    record_reset(&record);
    record.call.called_raw = span_str("+12125550123;postd=4111");
    record.call.dialed_digits = span_str("12125550123,,4111");
    record.call.calling_raw = span_str("+12135550124");
    record.call.feed_kind = FEED_HEP;
    add("To", "<sip:+12125550123;postd=4111@example.com;user=phone>;tag=1");
    add("Diversion", "<tel:+12125550123;npdi;PostD=4111>;reason=busy");
    add("X-New", "a;postd=4111");
    add("User-Agent", "x;postd");
    struct classify_counts counts = classify(&record);
    cr_expect_eq(counts.cut, 5);
    cr_expect(span_is(record.extra[0].value, "<sip:+12125550123"));
    cr_expect(span_is(record.extra[1].value, "<tel:+12125550123;npdi"));
    cr_expect(span_is(record.extra[2].value, "a"));
    cr_expect(span_is(record.extra[3].value, "x;postd"));
    cr_expect(span_is(record.call.called_raw, "+12125550123"));
    cr_expect(span_is(record.call.called_tn, "+12125550123"));
    cr_expect(span_is(record.call.dialed_digits, "12125550123"));
    cr_expect_eq(record.call.juris, JURIS_INTERSTATE);
}

/* Whatever comes, nothing that must be dropped is left, and nothing else is lost. */
Test(classify, property_over_random_names)
{
    static const char *const NAME[] = {"Via",      "Subject",       "sip_auth_nonce", "password",
                                       "lastdata", "digits_dialed", "X-Unknown",      "identity"};
    struct seed s = {1};
    for (int round = 0; round < 300; round++) {
        record_reset(&record);
        record.call.feed_kind = (uint8_t)seed_below(&s, FEED_KIND_COUNT);
        size_t count = seed_below(&s, EXTRAS_MAX + 1);
        for (size_t i = 0; i < count; i++)
            add(NAME[seed_below(&s, sizeof NAME / sizeof NAME[0])], "x");
        struct classify_counts counts = classify(&record);
        size_t sum = 0;
        for (size_t h = 0; h < HANDLING_COUNT; h++)
            sum += counts.by_handling[h];
        cr_expect_eq(sum, count);
        cr_expect_eq(record.extras_count, count - counts.by_handling[HANDLE_DROP]);
        for (size_t i = 0; i < record.extras_count; i++)
            cr_expect_neq(field_row(record.extra[i].field)->handling, HANDLE_DROP);
    }
}

Test(classify, the_record_is_bounded)
{
    static uint8_t big[FIELD_BYTES_MAX];
    memset(big, 'x', sizeof big);
    record_reset(&record);
    record.call.called_raw = span_of(big, sizeof big);
    for (size_t i = 0; i < EXTRAS_MAX; i++)
        record_extra(&record, 0, span_str("X-Big"), span_of(big, sizeof big));
    (void)classify(&record);
    cr_expect_eq(record.call.called_raw.n, CALL_TEXT_BYTES_MAX);
    cr_expect(record.call.flags & CALL_TRUNCATED);
    cr_expect(record.call.flags & CALL_EXTRAS_LOST);
    size_t bytes = 0;
    for (size_t i = 0; i < record.extras_count; i++)
        bytes += record.extra[i].name.n + record.extra[i].value.n;
    cr_expect_leq(bytes, EXTRAS_BYTES_MAX);
}
