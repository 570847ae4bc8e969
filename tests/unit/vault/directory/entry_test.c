/* Proves: each kind of entry has one form in which it is compared, kinds never meet, and values
 * that cannot be what they say are refused with a reason that holds no value. */
#include <criterion/criterion.h>

#include "vault/directory/entry.h"

static const char *key(enum entry_kind kind, struct span value, struct buf *out)
{
    buf_reset(out);
    return entry_key(kind, value, out);
}

Test(entry, one_form)
{
    static const struct {
        enum entry_kind kind;
        const char *value, *form;
    } ROWS[] = {
        {ENTRY_NUMBER, "+12125550123", "+12125550123"},
        {ENTRY_NUMBER, "1001", "1001"},
        {ENTRY_NUMBER, "*69#", "*69#"},
        {ENTRY_RANGE, "+1212555", "+1212555"},
        {ENTRY_DOMAIN, "SIP.Example.COM.", "sip.example.com"},
        {ENTRY_DOMAIN, "pbx_1.example.com", "pbx_1.example.com"},
        {ENTRY_TRUNK, "PJSIP/Trunk-A", "PJSIP/Trunk-A"},
        {ENTRY_ACCOUNT_CODE, "Acme 7", "Acme 7"},
        {ENTRY_ADDRESS, "192.0.2.1", "\0\0\0\0\0\0\0\0\0\0\xff\xff\xc0\0\2\1"},
        {ENTRY_ADDRESS, "2001:DB8::1", "\x20\1\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\1"},
    };
    for (size_t i = 0; i < sizeof ROWS / sizeof ROWS[0]; i++) {
        uint8_t room[ENTRY_KEY_BYTES_MAX];
        struct buf out = buf_of(room, sizeof room);
        size_t n = ROWS[i].kind == ENTRY_ADDRESS ? 16 : strlen(ROWS[i].form);
        cr_expect_null(key(ROWS[i].kind, span_str(ROWS[i].value), &out), "%s", ROWS[i].value);
        cr_expect_eq(out.n, 1 + n);
        cr_expect_eq(room[0], 1 + ROWS[i].kind);
        cr_expect_arr_eq(room + 1, ROWS[i].form, n, "%s", ROWS[i].value);
    }
}

Test(entry, refusals)
{
    static const struct {
        enum entry_kind kind;
        const char *value, *what;
    } ROWS[] = {
        {ENTRY_NUMBER, "", "value is empty"},
        {ENTRY_NUMBER, "+", "number is not digits"},
        {ENTRY_NUMBER, "212 555", "number is not digits"},
        {ENTRY_NUMBER, "1+2", "number is not digits"},
        {ENTRY_DOMAIN, ".", "domain is not a host name"},
        {ENTRY_DOMAIN, "a b", "domain is not a host name"},
        {ENTRY_DOMAIN, "user@example.com", "domain is not a host name"},
        {ENTRY_TRUNK, "a\tb", "trunk or account code has control characters"},
        {ENTRY_ACCOUNT_CODE, "a\x7f", "trunk or account code has control characters"},
        {ENTRY_ADDRESS, "192.0.2.256", "address is not an IPv4 or IPv6 address"},
        {ENTRY_ADDRESS, "192.0.2.0/24", "address is not an IPv4 or IPv6 address"},
        {ENTRY_ADDRESS, "::", "address is not an IPv4 or IPv6 address"},
    };
    for (size_t i = 0; i < sizeof ROWS / sizeof ROWS[0]; i++) {
        uint8_t room[ENTRY_KEY_BYTES_MAX];
        struct buf out = buf_of(room, sizeof room);
        cr_expect_str_eq(key(ROWS[i].kind, span_str(ROWS[i].value), &out), ROWS[i].what);
    }
}

Test(entry, the_longest_value_fits_and_no_longer)
{
    uint8_t room[ENTRY_KEY_BYTES_MAX], text[ENTRY_VALUE_BYTES_MAX + 1];
    struct buf out = buf_of(room, sizeof room);
    memset(text, 'x', sizeof text);
    cr_expect_null(key(ENTRY_TRUNK, span_of(text, sizeof text - 1), &out));
    cr_expect(buf_ok(&out));
    cr_expect_str_eq(key(ENTRY_TRUNK, span_of(text, sizeof text), &out), "value is too long");
    static const uint8_t NUL[] = {'a', 0};
    cr_expect_str_eq(key(ENTRY_DOMAIN, span_of(NUL, 2), &out), "domain is not a host name");
}

Test(entry, parsed_and_written_addresses_meet)
{
    uint8_t a_room[ENTRY_KEY_BYTES_MAX], b_room[ENTRY_KEY_BYTES_MAX];
    struct buf a = buf_of(a_room, sizeof a_room), b = buf_of(b_room, sizeof b_room);
    struct ip ip;
    cr_assert_eq(ip_parse(span_str("192.0.2.7"), &ip), OK);
    entry_key_of_ip(span_of(ip.b, sizeof ip.b), &a);
    cr_expect_null(key(ENTRY_ADDRESS, span_str("::ffff:192.0.2.7"), &b));
    cr_expect(span_eq(buf_span(&a), buf_span(&b)));
}
