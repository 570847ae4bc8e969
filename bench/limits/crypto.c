#include <sodium.h>

#include "bench/limits/limits.h"
#include "bench/pace.h"

enum { A_ROUND = 64 };

enum err limit_seal(const struct limits_once *o, double *out)
{
    enum { RECORD = 256, HEAD = 38 };
    uint8_t key[crypto_aead_xchacha20poly1305_ietf_KEYBYTES] = {1};
    uint8_t nonce[crypto_aead_xchacha20poly1305_ietf_NPUBBYTES] = {0};
    uint8_t plain[RECORD] = {2}, head[HEAD] = {3};
    uint8_t sealed[RECORD + crypto_aead_xchacha20poly1305_ietf_ABYTES];
    uint64_t start = pace_now_us();
    double count = 0;
    if (sodium_init() < 0)
        return ERR_NOMEM;
    do {
        for (unsigned i = 0; i < A_ROUND; i++) {
            sodium_increment(nonce, sizeof nonce);
            crypto_aead_xchacha20poly1305_ietf_encrypt(sealed, NULL, plain, sizeof plain, head,
                                                       sizeof head, NULL, nonce, key);
        }
        count += A_ROUND;
    } while (pace_now_us() < o->until_us);
    *out = limit_rate(count, start);
    return OK;
}

enum err limit_hash(const struct limits_once *o, double *out)
{
    enum { TAG = 16, TEXT = 64 };
    uint8_t key[crypto_generichash_KEYBYTES] = {1}, text[TEXT] = {2}, tag[TAG];
    uint64_t start = pace_now_us();
    double count = 0;
    if (sodium_init() < 0)
        return ERR_NOMEM;
    do {
        for (unsigned i = 0; i < A_ROUND; i++) {
            sodium_increment(text, sizeof text);
            crypto_generichash(tag, sizeof tag, text, sizeof text, key, sizeof key);
        }
        count += A_ROUND;
    } while (pace_now_us() < o->until_us);
    *out = limit_rate(count, start);
    return OK;
}
