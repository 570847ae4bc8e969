#include "vault/directory/range.h"

#include "proto/core/buf.h"

struct number { /* a number of a fixed count of digits */
    bool plus;
    size_t digits;
    uint64_t value;
};

static enum err parse(struct span text, struct number *out)
{
    struct span digits = span_from(text, text.n > 0 && text.p[0] == '+');
    if (digits.n > RANGE_DIGITS_MAX)
        return ERR_SYNTAX;
    *out = (struct number){.plus = digits.n < text.n, .digits = digits.n};
    return span_u64(digits, UINT64_MAX, &out->value);
}

static enum err emit(struct number n, prefix_fn *fn, void *arg)
{
    uint8_t room[PREFIX_BYTES_MAX];
    for (size_t i = n.digits; i > 0; i--, n.value /= 10)
        room[n.plus + i - 1] = (uint8_t)('0' + n.value % 10);
    if (n.plus)
        room[0] = '+';
    return fn(arg, span_of(room, n.plus + n.digits));
}

/* The largest block of numbers that begins at lo, shares a prefix and stays within hi: cuts the
 * last digits off lo and gives the size of the block. One digit always stays: a prefix of
 * nothing would be everybody's. */
static uint64_t block_at(struct number *lo, uint64_t hi)
{
    uint64_t size = 1, first = lo->value;
    while (lo->digits > 1 && lo->value % 10 == 0 && size * 10 - 1 <= hi - first) {
        lo->value /= 10;
        lo->digits--;
        size *= 10;
    }
    return size;
}

enum err range_prefixes(struct span range, prefix_fn *fn, void *arg)
{
    struct span rest = range, first = span_cut(&rest, '-');
    struct number lo, hi;
    if (parse(first, &lo) != OK)
        return ERR_SYNTAX;
    if (first.n == range.n)
        return emit(lo, fn, arg);
    if (parse(rest, &hi) != OK || hi.digits != lo.digits || hi.plus > lo.plus ||
        hi.value < lo.value)
        return ERR_SYNTAX;
    for (uint64_t at = lo.value; at <= hi.value;) {
        struct number block = lo;
        block.value = at;
        at += block_at(&block, hi.value);
        enum err e = emit(block, fn, arg);
        if (e != OK)
            return e;
    }
    return OK;
}
