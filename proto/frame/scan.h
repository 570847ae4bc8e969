/* scan.h - the inner loops of the text parsers: the first byte of interest, sixteen at a time
 * where the machine has SSE2 (every amd64). The only place to change for wider registers. */
#ifndef CPNI_FRAME_SCAN_H
#define CPNI_FRAME_SCAN_H

#include "proto/core/span.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

/* Index of the first a, b or NUL at or behind `at`; in.n when there is none. */
static inline size_t scan_two_or_nul(struct span in, size_t at, uint8_t a, uint8_t b)
{
#ifdef __SSE2__
    const __m128i first = _mm_set1_epi8((char)a), second = _mm_set1_epi8((char)b);
    for (; in.n - at >= 16; at += 16) {
        __m128i v = _mm_loadu_si128((const __m128i *)(const void *)(in.p + at));
        __m128i hit = _mm_or_si128(_mm_cmpeq_epi8(v, first), _mm_cmpeq_epi8(v, second));
        hit = _mm_or_si128(hit, _mm_cmpeq_epi8(v, _mm_setzero_si128()));
        unsigned mask = (unsigned)_mm_movemask_epi8(hit);
        if (mask)
            return at + (size_t)__builtin_ctz(mask);
    }
#endif
    while (at < in.n && in.p[at] != a && in.p[at] != b && in.p[at] != 0)
        at++;
    return at;
}

/* Index of the first quote, backslash or control character (below 0x20): where the plain text
 * of a JSON string stops. */
static inline size_t scan_json_string(struct span in, size_t at)
{
#ifdef __SSE2__
    const __m128i quote = _mm_set1_epi8('"'), backslash = _mm_set1_epi8('\\');
    const __m128i control = _mm_set1_epi8(0x1f);
    for (; in.n - at >= 16; at += 16) {
        __m128i v = _mm_loadu_si128((const __m128i *)(const void *)(in.p + at));
        __m128i hit = _mm_or_si128(_mm_cmpeq_epi8(v, quote), _mm_cmpeq_epi8(v, backslash));
        hit = _mm_or_si128(hit, _mm_cmpeq_epi8(_mm_min_epu8(v, control), v));
        unsigned mask = (unsigned)_mm_movemask_epi8(hit);
        if (mask)
            return at + (size_t)__builtin_ctz(mask);
    }
#endif
    while (at < in.n && in.p[at] != '"' && in.p[at] != '\\' && in.p[at] >= 0x20)
        at++;
    return at;
}

#endif
