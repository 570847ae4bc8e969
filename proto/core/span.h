/* span.h - a piece of somebody else's bytes. A span never owns; the comment at its
 * declaration names the frame or arena it points into. Not NUL-terminated. */
#ifndef CPNI_CORE_SPAN_H
#define CPNI_CORE_SPAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "proto/core/err.h"

struct span {
    const uint8_t *p;
    size_t n;
};

#define SPAN_EMPTY ((struct span){NULL, 0})
/* Of a string literal, without its NUL; usable in static tables. */
#define SPAN_LIT(s)                                                                                \
    {                                                                                              \
        (const uint8_t *)("" s), sizeof(s) - 1                                                     \
    }

static inline struct span span_of(const void *p, size_t n)
{
    return (struct span){p, n};
}

static inline struct span span_str(const char *s)
{
    return (struct span){(const uint8_t *)s, s ? strlen(s) : 0};
}

static inline bool span_eq(struct span a, struct span b)
{
    return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

static inline bool span_is(struct span a, const char *s)
{
    return span_eq(a, span_str(s));
}

/* From byte `at`, at most n bytes; clipped to what there is. */
static inline struct span span_sub(struct span s, size_t at, size_t n)
{
    if (at > s.n)
        at = s.n;
    if (n > s.n - at)
        n = s.n - at;
    return (struct span){at ? s.p + at : s.p, n}; /* nothing may be added to NULL */
}

static inline struct span span_from(struct span s, size_t at)
{
    return span_sub(s, at, s.n);
}

static inline bool span_starts(struct span s, struct span head)
{
    return s.n >= head.n && span_eq(span_sub(s, 0, head.n), head);
}

static inline bool span_ends(struct span s, struct span tail)
{
    return s.n >= tail.n && span_eq(span_from(s, s.n - tail.n), tail);
}

/* ASCII only, whatever the locale: SIP header names and tokens are ASCII. */
static inline uint8_t byte_lower(uint8_t c)
{
    return c >= 'A' && c <= 'Z' ? (uint8_t)(c + 32) : c;
}

static inline bool byte_is_digit(uint8_t c)
{
    return c >= '0' && c <= '9';
}

/* Of two texts of n bytes, n not 0. */
bool span_ieq_bytes(const uint8_t *a, const uint8_t *b, size_t n);

/* ASCII case-insensitive. */
static inline bool span_ieq(struct span a, struct span b)
{
    return a.n == b.n && (a.n == 0 || span_ieq_bytes(a.p, b.p, a.n));
}

int span_cmp(struct span a, struct span b);             /* memcmp order, shorter first */
size_t span_find_span(struct span s, struct span what); /* index, or s.n */

/* Index of the first c, or s.n. */
static inline size_t span_find(struct span s, uint8_t c)
{
    const uint8_t *hit = s.n ? (const uint8_t *)memchr(s.p, c, s.n) : NULL;
    return hit ? (size_t)(hit - s.p) : s.n;
}

static inline bool byte_is_blank(uint8_t c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* Without blanks, tabs, CR, LF at both ends. */
static inline struct span span_trim(struct span s)
{
    while (s.n && byte_is_blank(s.p[0]))
        s = span_from(s, 1);
    while (s.n && byte_is_blank(s.p[s.n - 1]))
        s.n--;
    return s;
}

/* Cuts *rest at the first c: gives what is before it and leaves what is behind it.
 * Without c gives all of it and leaves *rest empty. */
static inline struct span span_cut(struct span *rest, uint8_t c)
{
    size_t at = span_find(*rest, c);
    struct span head = span_sub(*rest, 0, at);
    *rest = at < rest->n ? span_from(*rest, at + 1) : span_from(*rest, rest->n);
    return head;
}

/* Decimal digits only, no sign, no blanks. ERR_SYNTAX: anything else or empty;
 * ERR_LIMIT: over max. */
MUST_CHECK enum err span_u64(struct span s, uint64_t max, uint64_t *out);

#endif
