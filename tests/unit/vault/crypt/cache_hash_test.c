/* Proves: the hash is SipHash-2-4 with 128 bits (reference vectors), and another keyring, label
 * or byte gives another one. */
#include <criterion/criterion.h>

#include "tests/lib/vault_rig.h"
#include "vault/crypt/cache_hash.h"

static struct vault_rig rig;

static void init(void)
{
    rig_init(&rig);
}

static void done(void)
{
    rig_done(&rig);
}

TestSuite(cache_hash, .init = init, .fini = done);

static bool differ(const struct cache_hash *a, const char *x, const struct cache_hash *b,
                   const char *y)
{
    uint64_t p[2], q[2];
    cache_hash_of(a, span_str(x), p);
    cache_hash_of(b, span_str(y), q);
    return p[0] != q[0] && p[1] != q[1];
}

Test(cache_hash, depends_on_label_bytes_and_keyring)
{
    struct vault_rig other;
    struct cache_hash a, b, again, stranger;
    rig_init(&other);
    cache_hash_init(&a, rig.keys, "a");
    cache_hash_init(&b, rig.keys, "b");
    cache_hash_init(&again, rig.keys, "a");
    cache_hash_init(&stranger, other.keys, "a");
    cr_expect_not(differ(&a, "+12125550123", &again, "+12125550123"));
    cr_expect(differ(&a, "+12125550123", &a, "+12125550124"));
    cr_expect(differ(&a, "+12125550123", &b, "+12125550123"));
    cr_expect(differ(&a, "+12125550123", &stranger, "+12125550123"));
    cr_expect(differ(&a, "", &a, "x"));
    rig_done(&other);
}

/* J.-P. Aumasson's reference vectors of SipHash-2-4-128: key 00..0f, message 00..n-1. */
Test(cache_hash, reference_vectors)
{
    static const struct {
        size_t n;
        uint8_t expected[16];
    } ROWS[] = {
        {0,
         {0xa3, 0x81, 0x7f, 0x04, 0xba, 0x25, 0xa8, 0xe6, 0x6d, 0xf6, 0x72, 0x14, 0xc7, 0x55, 0x02,
          0x93}},
        {1,
         {0xda, 0x87, 0xc1, 0xd8, 0x6b, 0x99, 0xaf, 0x44, 0x34, 0x76, 0x59, 0x11, 0x9b, 0x22, 0xfc,
          0x45}},
    };
    struct cache_hash h;
    uint8_t message[1] = {0};
    for (uint8_t i = 0; i < sizeof h.key; i++)
        h.key[i] = i;
    for (size_t i = 0; i < sizeof ROWS / sizeof ROWS[0]; i++) {
        uint64_t out[2];
        cache_hash_of(&h, span_of(message, ROWS[i].n), out);
        cr_expect_arr_eq((uint8_t *)out, ROWS[i].expected, 16, "%zu bytes", ROWS[i].n);
    }
}

Test(cache_hash, done_wipes_the_key)
{
    static const uint8_t ZEROS[CACHE_HASH_KEY_BYTES];
    struct cache_hash h;
    cache_hash_init(&h, rig.keys, "a");
    cr_expect_arr_neq(h.key, ZEROS, sizeof ZEROS);
    cache_hash_done(&h);
    cr_expect_arr_eq(h.key, ZEROS, sizeof ZEROS);
}
