#include "proto/core/bytemask.h"

#ifdef __x86_64__
#include <immintrin.h>
#endif

enum { BLOCK_BYTES = 64 };

/* Of at most one block. */
static uint64_t mask_bytes(const uint8_t *p, size_t n, uint8_t a, uint8_t b)
{
    uint64_t mask = 0;
    for (size_t i = 0; i < n; i++)
        mask |= (uint64_t)(p[i] == a || p[i] == b) << i;
    return mask;
}

static void portable(struct span in, uint8_t a, uint8_t b, uint64_t *out)
{
    for (size_t at = 0; at < in.n; at += BLOCK_BYTES)
        *out++ = mask_bytes(in.p + at, in.n - at < BLOCK_BYTES ? in.n - at : BLOCK_BYTES, a, b);
}

#ifdef __x86_64__

static inline uint64_t block_sse2(const uint8_t *p, uint8_t a, uint8_t b)
{
    const __m128i first = _mm_set1_epi8((char)a), second = _mm_set1_epi8((char)b);
    uint64_t mask = 0;
    for (int i = 0; i < BLOCK_BYTES; i += 16) {
        __m128i v = _mm_loadu_si128((const __m128i *)(const void *)(p + i));
        __m128i hit = _mm_or_si128(_mm_cmpeq_epi8(v, first), _mm_cmpeq_epi8(v, second));
        mask |= (uint64_t)(unsigned)_mm_movemask_epi8(hit) << i;
    }
    return mask;
}

__attribute__((target("avx2"))) static inline uint32_t half_avx2(const uint8_t *p, uint8_t a,
                                                                 uint8_t b)
{
    __m256i v = _mm256_loadu_si256((const __m256i *)(const void *)p);
    __m256i first = _mm256_cmpeq_epi8(v, _mm256_set1_epi8((char)a));
    __m256i second = _mm256_cmpeq_epi8(v, _mm256_set1_epi8((char)b));
    return (uint32_t)_mm256_movemask_epi8(_mm256_or_si256(first, second));
}

__attribute__((target("avx2"))) static inline uint64_t block_avx2(const uint8_t *p, uint8_t a,
                                                                  uint8_t b)
{
    return (uint64_t)half_avx2(p + 32, a, b) << 32 | half_avx2(p, a, b);
}

__attribute__((target("avx512bw"))) static inline uint64_t block_avx512(const uint8_t *p, uint8_t a,
                                                                        uint8_t b)
{
    __m512i v = _mm512_loadu_si512(p);
    return _mm512_cmpeq_epi8_mask(v, _mm512_set1_epi8((char)a)) |
           _mm512_cmpeq_epi8_mask(v, _mm512_set1_epi8((char)b));
}

/* Whole blocks; the rest is the end of a block that overlaps the last whole one. */
/* clang-format off */
#define WAY_BY(name, block, target)                                                                \
    target static void name(struct span in, uint8_t a, uint8_t b, uint64_t *out)                   \
    {                                                                                              \
        size_t at = 0, rest = in.n % BLOCK_BYTES;                                                  \
        if (in.n < BLOCK_BYTES) {                                                                  \
            portable(in, a, b, out);                                                               \
            return;                                                                                \
        }                                                                                          \
        for (; in.n - at >= BLOCK_BYTES; at += BLOCK_BYTES)                                        \
            *out++ = block(in.p + at, a, b);                                                       \
        if (rest)                                                                                  \
            *out = block(in.p + in.n - BLOCK_BYTES, a, b) >> (BLOCK_BYTES - rest);                 \
    }
WAY_BY(by_sse2, block_sse2,)
WAY_BY(by_avx2, block_avx2, __attribute__((target("avx2"))))
WAY_BY(by_avx512, block_avx512, __attribute__((target("avx512bw"))))
/* clang-format on */

static bool machine_has(enum bytemask_way way)
{
    if (way == BYTEMASK_AVX512)
        return __builtin_cpu_supports("avx512bw");
    return way != BYTEMASK_AVX2 || __builtin_cpu_supports("avx2");
}

#else

static bool machine_has(enum bytemask_way way)
{
    return way == BYTEMASK_PORTABLE;
}
#define by_sse2   portable
#define by_avx2   portable
#define by_avx512 portable

#endif

bool bytemask_by(enum bytemask_way way, struct span in, uint8_t a, uint8_t b, uint64_t *out)
{
    static void (*const WAY[BYTEMASK_WAYS])(struct span, uint8_t, uint8_t,
                                            uint64_t *) = {portable, by_sse2, by_avx2, by_avx512};
    if (!machine_has(way))
        return false;
    WAY[way](in, a, b, out);
    return true;
}

void bytemask(struct span in, uint8_t a, uint8_t b, uint64_t *out)
{
    enum bytemask_way way = BYTEMASK_AVX512;
    while (!bytemask_by(way, in, a, b, out))
        way--;
}
