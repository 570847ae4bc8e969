#include "proto/core/span.h"

/* byte_lower() of eight bytes at once. Below 0x80 a byte plus 0x3f has the high bit when it is
 * 'A' or above, plus 0x25 when it is above 'Z'; what differs in the two is a capital letter. */
static uint64_t word_lower(uint64_t w)
{
    const uint64_t ONES = 0x0101010101010101, HIGH = 0x80 * ONES;
    uint64_t low = w & ~HIGH;
    uint64_t capital = ((low + 0x3f * ONES) ^ (low + 0x25 * ONES)) & ~w & HIGH;
    return w | capital >> 2; /* 0x80 >> 2 is the 0x20 of small letters */
}

static bool word_ieq(uint64_t a, uint64_t b)
{
    return a == b || word_lower(a) == word_lower(b);
}

static uint64_t word_at(const uint8_t *p)
{
    uint64_t w;
    memcpy(&w, p, sizeof w);
    return w;
}

/* One to seven bytes as a word: pieces that overlap, so that no byte is read alone. */
static uint64_t short_word(const uint8_t *p, size_t n)
{
    uint32_t head, tail;
    if (n < sizeof head)
        return (uint64_t)p[0] | (uint64_t)p[n / 2] << 8 | (uint64_t)p[n - 1] << 16;
    memcpy(&head, p, sizeof head);
    memcpy(&tail, p + n - sizeof tail, sizeof tail);
    return head | (uint64_t)tail << 32;
}

bool span_ieq_bytes(const uint8_t *a, const uint8_t *b, size_t n)
{
    enum { WORD = sizeof(uint64_t) };
    if (n < WORD)
        return word_ieq(short_word(a, n), short_word(b, n));
    for (size_t i = 0; n - i > WORD; i += WORD)
        if (!word_ieq(word_at(a + i), word_at(b + i)))
            return false;
    return word_ieq(word_at(a + n - WORD), word_at(b + n - WORD));
}

int span_cmp(struct span a, struct span b)
{
    size_t n = a.n < b.n ? a.n : b.n;
    int order = n ? memcmp(a.p, b.p, n) : 0;
    return order ? order : (a.n > b.n) - (a.n < b.n);
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
