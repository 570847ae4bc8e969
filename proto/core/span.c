#include "proto/core/span.h"

bool span_ieq(struct span a, struct span b)
{
    if (a.n != b.n)
        return false;
    for (size_t i = 0; i < a.n; i++)
        if (byte_lower(a.p[i]) != byte_lower(b.p[i]))
            return false;
    return true;
}

int span_cmp(struct span a, struct span b)
{
    size_t n = a.n < b.n ? a.n : b.n;
    int order = n ? memcmp(a.p, b.p, n) : 0;
    return order ? order : (a.n > b.n) - (a.n < b.n);
}

size_t span_find(struct span s, uint8_t c)
{
    const uint8_t *hit = s.n ? memchr(s.p, c, s.n) : NULL;
    return hit ? (size_t)(hit - s.p) : s.n;
}

size_t span_find_span(struct span s, struct span what)
{
    enum { SHORT_BYTES = 128 }; /* memmem() prepares more than such a search takes */
    if (what.n == 0 || what.n > s.n)
        return s.n;
    if (s.n > SHORT_BYTES) {
        const uint8_t *hit = memmem(s.p, s.n, what.p, what.n);
        return hit ? (size_t)(hit - s.p) : s.n;
    }
    for (size_t at = 0; at <= s.n - what.n; at++)
        if (s.p[at] == what.p[0] && memcmp(s.p + at, what.p, what.n) == 0)
            return at;
    return s.n;
}

static bool is_blank(uint8_t c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

struct span span_trim(struct span s)
{
    while (s.n && is_blank(s.p[0]))
        s = span_from(s, 1);
    while (s.n && is_blank(s.p[s.n - 1]))
        s.n--;
    return s;
}

struct span span_cut(struct span *rest, uint8_t c)
{
    size_t at = span_find(*rest, c);
    struct span head = span_sub(*rest, 0, at);
    *rest = at < rest->n ? span_from(*rest, at + 1) : span_from(*rest, rest->n);
    return head;
}

enum err span_u64(struct span s, uint64_t max, uint64_t *out)
{
    uint64_t value = 0;
    if (s.n == 0)
        return ERR_SYNTAX;
    for (size_t i = 0; i < s.n; i++) {
        if (!byte_is_digit(s.p[i]))
            return ERR_SYNTAX;
        unsigned digit = (unsigned)(s.p[i] - '0');
        if (value > (max - digit) / 10 || digit > max)
            return ERR_LIMIT;
        value = value * 10 + digit;
    }
    *out = value;
    return OK;
}
