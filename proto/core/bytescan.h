/* bytescan.h - where in a text is the next byte that means something: the inner loop of the text
 * parsers, and the one place to change for wider registers.
 *
 *     struct bytescan s = bytescan_of((struct bytescan_set){{'"', '\\', '"', '"'}, 0x20}, in);
 *     at = bytescan_next(&s, at);   // a quote, a backslash or a control character
 *
 * Sixty-four bytes are looked at together, with the widest registers of this machine, and what
 * was found in them is kept as a mask: between two short words lies no loop, only a shift. */
#ifndef CPNI_CORE_BYTESCAN_H
#define CPNI_CORE_BYTESCAN_H

#include "proto/core/span.h"

enum { BYTESCAN_WINDOW_BYTES = 64 };

/* Four bytes (say one again when there are fewer), and all below a bound (0: none). */
struct bytescan_set {
    uint8_t any[4];
    uint8_t below;
};

/* How a window is read; PORTABLE is what the others are tested against, and all there is on other
 * architectures. */
enum bytescan_way { BYTESCAN_PORTABLE, BYTESCAN_SSE2, BYTESCAN_AVX2, BYTESCAN_AVX512BW };

struct bytescan {
    struct span in; /* borrowed */
    struct bytescan_set set;
    enum bytescan_way way;
    size_t window; /* where it begins */
    uint64_t hits; /* bit i: byte i of the window is of the set */
};

/* The best one of this machine; it has those before it, too. */
enum bytescan_way bytescan_way(void);

/* The hits among n <= BYTESCAN_WINDOW_BYTES bytes; reads none behind them. */
uint64_t bytescan_mask(enum bytescan_way way, const struct bytescan_set *set, const uint8_t *p,
                       size_t n);

/* Moves the window to `at`, which is below in.n. */
void bytescan_move(struct bytescan *s, size_t at);

static inline struct bytescan bytescan_of(struct bytescan_set set, struct span in)
{
    /* No index lies in a window that ends where the numbers do. */
    return (struct bytescan){in, set, bytescan_way(), (size_t)0 - BYTESCAN_WINDOW_BYTES, 0};
}

/* Index of the first such byte at or behind `at`; in.n when there is none. Best asked in order. */
static inline size_t bytescan_next(struct bytescan *s, size_t at)
{
    for (;;) {
        size_t place = at - s->window;
        if (place >= BYTESCAN_WINDOW_BYTES) {
            if (at >= s->in.n)
                return s->in.n;
            bytescan_move(s, at);
            place = 0;
        }
        uint64_t hits = s->hits >> place;
        if (hits)
            return at + (size_t)__builtin_ctzll(hits);
        at = s->window + BYTESCAN_WINDOW_BYTES;
    }
}

#endif
