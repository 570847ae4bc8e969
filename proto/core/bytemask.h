/* bytemask.h - where one byte, or either of two, stands in a text, as a bit a byte: what a
 * scanner asks once for a whole message.
 *
 * 64 bytes a step where the machine has AVX-512BW, 32 with AVX2, 16 with SSE2 (every amd64);
 * found out at run time. Elsewhere, and as what the others are tested against, a plain loop. */
#ifndef CPNI_CORE_BYTEMASK_H
#define CPNI_CORE_BYTEMASK_H

#include "proto/core/span.h"

/* Bit i % 64 of out[i / 64] says whether in.p[i] is a or b. `out` has room for (in.n + 63) / 64
 * words; bits behind in.n are 0. */
void bytemask(struct span in, uint8_t a, uint8_t b, uint64_t *out);

enum bytemask_way {
    BYTEMASK_PORTABLE,
    BYTEMASK_SSE2,
    BYTEMASK_AVX2,
    BYTEMASK_AVX512,
    BYTEMASK_WAYS
};

/* The same in one certain way, for tests. False: this machine has it not. */
bool bytemask_by(enum bytemask_way way, struct span in, uint8_t a, uint8_t b, uint64_t *out);

#endif
