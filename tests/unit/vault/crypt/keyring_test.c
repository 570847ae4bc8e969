/* Proves: tags are stable and apart from each other by purpose and label; values of the vault
 * open only where they were put; wrapped customer keys open only for their ordinal, survive
 * rotation, and a keyring of version 1 is readable for ever (golden file). */
#include "vault/crypt/keyring.h"

#include <sodium.h>

#include "tests/unit/vault/crypt/folder.h"
#include "vault/crypt/keyfile.h"
#include "vault/crypt/subkeys.h"

Test(keyring, is_made_once)
{
    struct folder f = folder_new();
    cr_assert_eq(keyring_create(f.ring, f.root, NULL), OK);
    cr_expect_eq(keyring_create(f.ring, f.root, NULL), ERR_CONFLICT);
    keyring_close(ring_open(&f));
    folder_done(&f);
}

Test(keyring, opens_under_its_own_root_key_only)
{
    struct folder f = folder_new();
    struct keyring *k;
    struct diag d = {0};
    cr_expect_eq(keyring_open(f.ring, f.root, false, &k, &d), ERR_NOTFOUND);
    cr_assert_eq(keyring_create(f.ring, f.root, NULL), OK);
    uint8_t root[ROOT_KEY_BYTES];
    file_read(f.root, root, sizeof root);
    root[31] ^= 1;
    file_write(f.root, root, sizeof root);
    cr_expect_eq(keyring_open(f.ring, f.root, false, &k, &d), ERR_FORGED);
    cr_expect_not_null(d.what);
    root[31] ^= 1;
    file_write(f.root, root, sizeof root);
    cr_assert_eq(chmod(f.root, 0644), 0);
    cr_expect_eq(keyring_open(f.ring, f.root, false, &k, &d), ERR_DENIED);
    folder_done(&f);
}

Test(keyring, tags_are_stable_and_apart)
{
    struct folder f = folder_new();
    struct keyring *k = ring_new_in(&f);
    uint8_t tags[PRF_COUNT][16], again[16];
    struct span in = span_str("+12125550123");
    for (int p = 0; p < PRF_COUNT; p++) {
        keyring_prf(k, (enum prf)p, in, tags[p], 16);
        for (int q = 0; q < p; q++)
            cr_expect_arr_neq(tags[p], tags[q], 16, "%d %d", p, q);
    }
    keyring_close(k);
    k = ring_open(&f);
    keyring_prf(k, PRF_DUPLICATE, in, again, 16);
    cr_expect_arr_eq(again, tags[PRF_DUPLICATE], 16, "over a restart");
    keyring_prf(k, PRF_DUPLICATE, in, again, 8);
    cr_expect_arr_eq(again, tags[PRF_DUPLICATE], 8);
    keyring_close(k), folder_done(&f);
}

/* A label's key must not be what the plain tag of that label shows. */
Test(keyring, labels_have_keys_of_their_own)
{
    struct folder f = folder_new();
    struct keyring *k = ring_new_in(&f);
    struct span in = span_str("account");
    uint8_t a[32], b[32], as_key[32], tag[32];
    keyring_prf_labelled(k, PRF_CONSUMER, span_str("billing"), in, a, 32);
    keyring_prf_labelled(k, PRF_CONSUMER, span_str("billing2"), in, b, 32);
    cr_expect_arr_neq(a, b, 32);
    keyring_prf(k, PRF_CONSUMER, span_str("billing"), as_key, 32);
    crypto_generichash(tag, 32, in.p, in.n, as_key, 32);
    cr_expect_arr_neq(a, tag, 32);
    keyring_close(k), folder_done(&f);
}

Test(keyring, values_open_only_where_they_were_put)
{
    struct folder f = folder_new();
    struct keyring *k = ring_new_in(&f);
    uint8_t a[256], b[256], out[64];
    struct span place = span_str("usage/w1"), plain = span_str("17 calls");
    struct buf sealed = buf_of(a, sizeof a), twice = buf_of(b, sizeof b);
    struct buf opened = buf_of(out, sizeof out);
    cr_assert_eq(keyring_seal(k, place, plain, &sealed), OK);
    cr_assert_eq(keyring_seal(k, place, plain, &twice), OK);
    cr_expect_eq(sealed.n, plain.n + SYSTEM_SEAL_OVERHEAD_BYTES);
    cr_expect_not(span_eq(buf_span(&sealed), buf_span(&twice)), "a nonce is used once");
    cr_assert_eq(keyring_open_value(k, place, buf_span(&sealed), &opened), OK);
    cr_expect(span_eq(buf_span(&opened), plain));
    cr_expect_eq(keyring_open_value(k, span_str("usage/w2"), buf_span(&sealed), &opened),
                 ERR_FORGED);
    for (size_t bit = 0; bit < 8 * sealed.n; bit++) {
        a[bit / 8] ^= (uint8_t)(1 << bit % 8);
        cr_assert_eq(keyring_open_value(k, place, buf_span(&sealed), &opened), ERR_FORGED, "%zu",
                     bit);
        a[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    for (size_t n = 0; n < sealed.n; n++)
        cr_assert_eq(keyring_open_value(k, place, span_of(a, n), &opened), ERR_FORGED, "%zu", n);
    cr_expect_eq(opened.n, plain.n, "a refused value leaves nothing behind");
    struct buf small = buf_of(out, 3);
    cr_expect_eq(keyring_open_value(k, place, buf_span(&sealed), &small), ERR_LIMIT);
    small = buf_of(b, 3);
    cr_expect_eq(keyring_seal(k, place, plain, &small), ERR_LIMIT);
    keyring_close(k), folder_done(&f);
}

Test(keyring, an_empty_value_is_a_value)
{
    struct folder f = folder_new();
    struct keyring *k = ring_new_in(&f);
    uint8_t a[64], out[8];
    struct buf sealed = buf_of(a, sizeof a), opened = buf_of(out, sizeof out);
    cr_assert_eq(keyring_seal(k, SPAN_EMPTY, SPAN_EMPTY, &sealed), OK);
    cr_expect_eq(keyring_open_value(k, SPAN_EMPTY, buf_span(&sealed), &opened), OK);
    cr_expect_eq(opened.n, 0);
    keyring_close(k), folder_done(&f);
}

static const uint8_t THREE[MASK_NONCE_BYTES] = {[7] = 3}, SEVEN[MASK_NONCE_BYTES] = {[7] = 7},
                     EIGHT[MASK_NONCE_BYTES] = {[7] = 8};

static enum err subkeys(struct keyring *k, uint64_t ordinal, uint32_t month, const uint8_t *wrapped,
                        struct subkeys *out)
{
    memset(out, 0, sizeof *out);
    return keyring_subkeys(k, ordinal, month, wrapped, out);
}

Test(keyring, a_wrapped_key_is_bound_to_its_customer_and_every_bit)
{
    struct folder f = folder_new();
    struct keyring *k = ring_new_in(&f);
    uint8_t wrapped[WRAPPED_KEY_BYTES];
    struct subkeys keys;
    cr_assert_eq(keyring_month_ensure(k, 202611, 5, NULL), OK);
    keyring_customer_new(k, 42, wrapped);
    cr_assert_eq(subkeys(k, 42, 202611, wrapped, &keys), OK);
    cr_expect_eq(subkeys(k, 43, 202611, wrapped, &keys), ERR_FORGED);
    cr_expect_eq(subkeys(k, 42, 202612, wrapped, &keys), ERR_NOTFOUND);
    for (size_t bit = 0; bit < 8 * WRAPPED_KEY_BYTES; bit++) {
        wrapped[bit / 8] ^= (uint8_t)(1 << bit % 8);
        cr_assert_eq(subkeys(k, 42, 202611, wrapped, &keys), ERR_FORGED, "bit %zu", bit);
        wrapped[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    keyring_close(k), folder_done(&f);
}

Test(keyring, keys_differ_by_customer_month_and_scope)
{
    struct folder f = folder_new();
    struct keyring *k = ring_new_in(&f);
    uint8_t one[WRAPPED_KEY_BYTES], two[WRAPPED_KEY_BYTES];
    struct subkeys a, b, c;
    cr_assert_eq(keyring_month_ensure(k, 202611, 5, NULL), OK);
    cr_assert_eq(keyring_month_ensure(k, 0, 5, NULL), OK);
    keyring_customer_new(k, 1, one);
    keyring_customer_new(k, 2, two);
    cr_assert_eq(subkeys(k, 1, 202611, one, &a), OK);
    cr_assert_eq(subkeys(k, 2, 202611, two, &b), OK);
    cr_assert_eq(subkeys(k, 1, 0, one, &c), OK);
    cr_expect_arr_neq(a.kid, b.kid, KID_BYTES);
    cr_expect_arr_neq(a.core, b.core, DEK_BYTES);
    cr_expect_arr_neq(a.core, c.core, DEK_BYTES);
    cr_expect_arr_neq(a.core, a.location, DEK_BYTES);
    cr_expect_arr_neq(a.day, c.day, DAY_KEY_BYTES);
    cr_expect_arr_neq(a.core, a.day, DAY_KEY_BYTES);
    keyring_close(k), folder_done(&f);
}

Test(keyring, rotation_keeps_old_wraps_readable_and_rewraps)
{
    struct folder f = folder_new();
    struct keyring *k = ring_new_in(&f);
    uint8_t wrapped[WRAPPED_KEY_BYTES], old[WRAPPED_KEY_BYTES];
    struct subkeys before, after;
    cr_assert_eq(keyring_month_ensure(k, 202611, 5, NULL), OK);
    keyring_customer_new(k, 9, wrapped);
    memcpy(old, wrapped, sizeof old);
    cr_assert_eq(subkeys(k, 9, 202611, wrapped, &before), OK);
    cr_assert_eq(keyring_rotate(k, 1000, NULL), OK);
    keyring_close(k);
    k = ring_open(&f);
    cr_assert_eq(subkeys(k, 9, 202611, old, &after), OK);
    cr_assert_eq(keyring_customer_rewrap(k, 9, wrapped), OK);
    cr_expect_arr_neq(wrapped, old, sizeof old);
    cr_expect_eq(wrapped[4], 2, "epoch of the wrap");
    cr_assert_eq(subkeys(k, 9, 202611, wrapped, &after), OK);
    cr_expect_arr_eq(&after, &before, sizeof after, "same customer key and KID");
    cr_expect_eq(keyring_customer_rewrap(k, 10, wrapped), ERR_FORGED);

    struct epoch_info keks[4], months[4];
    cr_expect_eq(keyring_keks(k, keks, 4), 2);
    cr_expect(keks[0].epoch == 1 && !keks[0].newest);
    cr_expect(keks[1].epoch == 2 && keks[1].newest && keks[1].created_us == 1000);
    cr_expect_eq(keyring_months(k, months, 4), 1);
    cr_expect(months[0].epoch == 202611 && months[0].created_us == 5);
    keyring_close(k), folder_done(&f);
}

Test(keyring, a_month_key_is_stored_before_it_is_used)
{
    struct folder f = folder_new();
    struct keyring *k = ring_new_in(&f);
    char beside[128];
    snprintf(beside, sizeof beside, "%s.new", f.ring);
    cr_assert_eq(mkdir(beside, 0700), 0);
    cr_expect_eq(keyring_month_ensure(k, 202611, 5, NULL), ERR_STORE);
    struct epoch_info months[2];
    cr_expect_eq(keyring_months(k, months, 2), 0, "not in memory either");
    cr_expect_eq(keyring_rotate(k, 5, NULL), ERR_STORE);
    cr_expect_eq(keyring_keks(k, months, 2), 1);
    rmdir(beside);
    cr_expect_eq(keyring_month_ensure(k, 202611, 5, NULL), OK);
    cr_expect_eq(keyring_month_ensure(k, 202611, 6, NULL), OK);
    cr_expect_eq(keyring_months(k, months, 2), 1);
    keyring_close(k), folder_done(&f);
}

Test(keyring, masks_come_back_and_differ)
{
    struct folder f = folder_new();
    struct keyring *k = ring_new_in(&f);
    uint64_t masked[40];
    for (uint64_t seq = 0; seq < 40; seq++)
        masked[seq] = keyring_mask(k, SEVEN, seq, 1234);
    for (uint64_t seq = 40; seq-- > 0;) {
        cr_expect_eq(keyring_mask(k, SEVEN, seq, masked[seq]), 1234);
        cr_expect_neq(keyring_mask(k, EIGHT, seq, 1234), masked[seq], "another incarnation");
        for (uint64_t other = 0; other < seq; other++)
            cr_assert_neq(masked[seq], masked[other]);
    }
    keyring_close(k), folder_done(&f);
}

Test(keyring, curve_keys_belong_together)
{
    struct folder f = folder_new();
    struct keyring *k = ring_new_in(&f);
    uint8_t public_key[CURVE_KEY_BYTES], secret_key[CURVE_KEY_BYTES], expected[CURVE_KEY_BYTES];
    keyring_curve(k, public_key, secret_key);
    crypto_scalarmult_base(expected, secret_key);
    cr_expect_arr_eq(public_key, expected, sizeof expected);
    keyring_close(k), folder_done(&f);
}

/* The keyring file holds no key in clear: none of the subkeys, nor the CURVE secret. */
Test(keyring, the_file_shows_no_key)
{
    struct folder f = folder_new();
    struct keyring *k = ring_new_in(&f);
    uint8_t file[KEYFILE_BYTES_MAX], public_key[CURVE_KEY_BYTES], secret_key[CURVE_KEY_BYTES];
    keyring_curve(k, public_key, secret_key);
    size_t n = file_read(f.ring, file, sizeof file);
    cr_expect_null(memmem(file, n, secret_key, sizeof secret_key));
    cr_expect_not_null(memmem(file, n, "CPNIKEYS", 8), "the search works");
    keyring_close(k), folder_done(&f);
}

/* --- golden files: version 1 as the first release wrote it --- */

static void fixture_copy(const char *name, const char *to)
{
    char path[512];
    uint8_t bytes[KEYFILE_BYTES_MAX];
    snprintf(path, sizeof path, "%s/tests/fixture/keyring/%s", CPNI_SOURCE_DIR, name);
    file_write(to, bytes, file_read(path, bytes, sizeof bytes));
}

static void expect_hex(const uint8_t *p, size_t n, const char *hex)
{
    char text[2 * 64 + 1];
    sodium_bin2hex(text, sizeof text, p, n);
    cr_expect_str_eq(text, hex);
}

Test(keyring, version_1_is_readable)
{
    struct folder f = folder_new();
    fixture_copy("v1.root", f.root);
    fixture_copy("v1.keyring", f.ring);
    struct keyring *k = ring_open(&f);
    uint8_t tag[16], wrapped[WRAPPED_KEY_BYTES];
    keyring_prf(k, PRF_DUPLICATE, span_str("+12125550123"), tag, 16);
    expect_hex(tag, 16, "d0e5a243837b571c8a71f5a5503d72a4");
    keyring_prf_labelled(k, PRF_CONSUMER, span_str("billing"), span_str("a1"), tag, 16);
    expect_hex(tag, 16, "c9dc3f68e98a93567ad300674979d841");
    cr_expect_eq(keyring_mask(k, THREE, 77, 0), 3802687451545081765u);
    struct epoch_info keks[4], months[4];
    cr_expect_eq(keyring_keks(k, keks, 4), 2);
    cr_expect_eq(keyring_months(k, months, 4), 1);
    cr_expect_eq(months[0].epoch, 202611);
    struct subkeys keys;
    char path[512];
    snprintf(path, sizeof path, "%s/tests/fixture/keyring/v1.wrapped", CPNI_SOURCE_DIR);
    cr_assert_eq(file_read(path, wrapped, sizeof wrapped), WRAPPED_KEY_BYTES);
    cr_assert_eq(subkeys(k, 42, 202611, wrapped, &keys), OK);
    crypto_generichash(tag, sizeof tag, (const uint8_t *)&keys, sizeof keys, NULL, 0);
    expect_hex(tag, 16, "15ad6c0a440f2c046c0d131129f5e98c");
    keyring_close(k), folder_done(&f);
}
