/* Proves the reading of Identity headers: full form with the SHAKEN claims, compact form, and
 * everything that is neither. The tokens are made here from their JSON. */
#include "proto/record/passport.h"

#include <criterion/criterion.h>
#include <stdio.h>

static uint8_t room_bytes[8192];
static struct passport p;

static void base64url(const char *text, char *out)
{
    static const char LETTERS[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    size_t n = strlen(text);
    for (size_t i = 0; i < n; i += 3) {
        uint32_t v = (uint32_t)(uint8_t)text[i] << 16;
        v |= i + 1 < n ? (uint32_t)(uint8_t)text[i + 1] << 8 : 0;
        v |= i + 2 < n ? (uint32_t)(uint8_t)text[i + 2] : 0;
        for (size_t k = 0; k < 4 && i + k <= n; k++)
            *out++ = LETTERS[v >> (18 - 6 * k) & 63];
    }
    *out = '\0';
}

static enum err parse(const char *value)
{
    struct buf room = buf_of(room_bytes, sizeof room_bytes);
    p = (struct passport){0};
    return passport_parse(span_str(value), &room, &p, NULL);
}

static enum err parse_claims(const char *json)
{
    static char value[4096], payload[2048];
    base64url(json, payload);
    snprintf(value, sizeof value,
             "eyJhbGciOiJFUzI1NiJ9.%s.c2ln;info=<https://cert.example/a.pem>;alg=ES256;ppt=shaken",
             payload);
    return parse(value);
}

Test(passport, shaken)
{
    cr_assert_eq(parse_claims("{\"attest\":\"A\",\"dest\":{\"tn\":[\"12125550102\"]},"
                              "\"iat\":1795302253,\"orig\":{\"tn\":\"12125550101\"},"
                              "\"origid\":\"123e4567-e89b-12d3-a456-426655440000\"}"),
                 OK);
    cr_expect_eq(p.attest, ATTEST_A);
    cr_expect(span_is(p.orig_tn, "12125550101"));
    cr_expect(span_is(p.origid, "123e4567-e89b-12d3-a456-426655440000"));
    cr_expect_eq(p.iat, 1795302253);
    cr_expect_not(p.compact);
}

Test(passport, other_claims)
{
    cr_assert_eq(parse_claims("{}"), OK);
    cr_expect_eq(p.attest, ATTEST_UNKNOWN);
    cr_assert_eq(parse_claims("{\"attest\":\"C\",\"orig\":{\"uri\":\"sip:a@b\"},\"x\":[1,{}]}"),
                 OK);
    cr_expect_eq(p.attest, ATTEST_C);
    cr_expect_eq(p.orig_tn.n, 0);
    cr_assert_eq(parse_claims("{\"attest\":\"a\"}"), OK);
    cr_expect_eq(p.attest, ATTEST_UNKNOWN, "RFC 8588: one of three capital letters");
    cr_assert_eq(parse_claims("{\"orig\":{\"tn\":\"\\u0031\\u0032\"}}"), OK);
    cr_expect(span_is(p.orig_tn, "12"));
}

Test(passport, compact)
{
    cr_assert_eq(parse("..c2ln;info=<https://cert.example/a.pem>"), OK);
    cr_expect(p.compact);
    cr_expect_eq(p.attest, ATTEST_UNKNOWN);
}

Test(passport, refused)
{
    static const char *const VALUES[] = {"",     "a",       "a.b",   ".b.c",      "a..c",
                                         "a.b.", "a.b.c.d", "a.!.c", ";info=<x>", "a.e30x.c"};
    for (size_t i = 0; i < sizeof VALUES / sizeof VALUES[0]; i++)
        cr_expect_neq(parse(VALUES[i]), OK, "%s", VALUES[i]);
    cr_expect_neq(parse_claims("[]"), OK);
    cr_expect_neq(parse_claims("{\"iat\":1"), OK);
    cr_expect_neq(parse_claims("{} x"), OK);
    cr_expect_neq(parse_claims("{\"iat\":\"1\"}"), OK);
    cr_expect_neq(parse_claims("{\"iat\":-1}"), OK);
    cr_expect_neq(parse_claims("{\"attest\":1}"), OK);
    cr_expect_neq(parse_claims("{\"orig\":{\"tn\":7}}"), OK);
}

Test(passport, room_is_bounded)
{
    struct buf room = buf_of(room_bytes, 4);
    cr_expect_eq(passport_parse(span_str("a.eyJhdHRlc3QiOiJBIn0.c"), &room, &p, NULL), ERR_LIMIT);
}
