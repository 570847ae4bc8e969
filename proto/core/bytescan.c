#include "proto/core/bytescan.h"

#ifdef __x86_64__
#include <immintrin.h>
#endif

static uint64_t by_byte(const struct bytescan_set *set, const uint8_t *p, size_t n)
{
    uint64_t hits = 0;
    for (size_t i = 0; i < n; i++) {
        bool hit = p[i] == set->any[0] || p[i] == set->any[1] || p[i] == set->any[2] ||
                   p[i] == set->any[3] || p[i] < set->below;
        hits |= (uint64_t)hit << i;
    }
    return hits;
}

#ifdef __x86_64__
/* There is no unsigned comparison before AVX-512: what is not the larger one of itself and the
 * bound is below it. */
static uint64_t by_sse2(const struct bytescan_set *set, const uint8_t *p)
{
    const __m128i a = _mm_set1_epi8((char)set->any[0]), b = _mm_set1_epi8((char)set->any[1]);
    const __m128i c = _mm_set1_epi8((char)set->any[2]), d = _mm_set1_epi8((char)set->any[3]);
    const __m128i bound = _mm_set1_epi8((char)set->below);
    uint64_t hits = 0;
    for (unsigned i = 0; i < BYTESCAN_WINDOW_BYTES; i += sizeof a) {
        __m128i v = _mm_loadu_si128((const __m128i *)(const void *)(p + i));
        __m128i ab = _mm_or_si128(_mm_cmpeq_epi8(v, a), _mm_cmpeq_epi8(v, b));
        __m128i cd = _mm_or_si128(_mm_cmpeq_epi8(v, c), _mm_cmpeq_epi8(v, d));
        __m128i above = _mm_cmpeq_epi8(_mm_max_epu8(v, bound), v);
        unsigned equal = (unsigned)_mm_movemask_epi8(_mm_or_si128(ab, cd));
        hits |= (uint64_t)(equal | (~(unsigned)_mm_movemask_epi8(above) & 0xffff)) << i;
    }
    return hits;
}

__attribute__((target("avx2"))) static uint64_t by_avx2(const struct bytescan_set *set,
                                                        const uint8_t *p)
{
    const __m256i a = _mm256_set1_epi8((char)set->any[0]), b = _mm256_set1_epi8((char)set->any[1]);
    const __m256i c = _mm256_set1_epi8((char)set->any[2]), d = _mm256_set1_epi8((char)set->any[3]);
    const __m256i bound = _mm256_set1_epi8((char)set->below);
    uint64_t hits = 0;
    for (unsigned i = 0; i < BYTESCAN_WINDOW_BYTES; i += sizeof a) {
        __m256i v = _mm256_loadu_si256((const __m256i *)(const void *)(p + i));
        __m256i ab = _mm256_or_si256(_mm256_cmpeq_epi8(v, a), _mm256_cmpeq_epi8(v, b));
        __m256i cd = _mm256_or_si256(_mm256_cmpeq_epi8(v, c), _mm256_cmpeq_epi8(v, d));
        __m256i above = _mm256_cmpeq_epi8(_mm256_max_epu8(v, bound), v);
        unsigned equal = (unsigned)_mm256_movemask_epi8(_mm256_or_si256(ab, cd));
        hits |= (uint64_t)(equal | ~(unsigned)_mm256_movemask_epi8(above)) << i;
    }
    return hits;
}

/* The bytes behind the text are not read: the load is masked. */
__attribute__((target("avx512f,avx512bw"))) static uint64_t
by_avx512(const struct bytescan_set *set, const uint8_t *p, size_t n)
{
    __mmask64 valid = ~(__mmask64)0 >> (BYTESCAN_WINDOW_BYTES - n);
    __m512i v = _mm512_maskz_loadu_epi8(valid, p);
    return valid & (_mm512_cmpeq_epi8_mask(v, _mm512_set1_epi8((char)set->any[0])) |
                    _mm512_cmpeq_epi8_mask(v, _mm512_set1_epi8((char)set->any[1])) |
                    _mm512_cmpeq_epi8_mask(v, _mm512_set1_epi8((char)set->any[2])) |
                    _mm512_cmpeq_epi8_mask(v, _mm512_set1_epi8((char)set->any[3])) |
                    _mm512_cmplt_epu8_mask(v, _mm512_set1_epi8((char)set->below)));
}
#endif

enum bytescan_way bytescan_way(void)
{
#ifdef __x86_64__
    if (__builtin_cpu_supports("avx512bw"))
        return BYTESCAN_AVX512BW;
    return __builtin_cpu_supports("avx2") ? BYTESCAN_AVX2 : BYTESCAN_SSE2;
#else
    return BYTESCAN_PORTABLE;
#endif
}

uint64_t bytescan_mask(enum bytescan_way way, const struct bytescan_set *set, const uint8_t *p,
                       size_t n)
{
#ifdef __x86_64__
    if (way == BYTESCAN_AVX512BW && n > 0)
        return by_avx512(set, p, n);
    if (way == BYTESCAN_AVX2 && n == BYTESCAN_WINDOW_BYTES)
        return by_avx2(set, p);
    if (way == BYTESCAN_SSE2 && n == BYTESCAN_WINDOW_BYTES)
        return by_sse2(set, p);
#endif
    (void)way;
    return by_byte(set, p, n);
}

void bytescan_move(struct bytescan *s, size_t at)
{
    size_t left = s->in.n - at;
    s->window = at;
    s->hits = bytescan_mask(s->way, &s->set, s->in.p + at,
                            left < BYTESCAN_WINDOW_BYTES ? left : BYTESCAN_WINDOW_BYTES);
}
