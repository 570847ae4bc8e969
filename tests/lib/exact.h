/* exact.h - test inputs in heap blocks of their exact size, so that AddressSanitizer sees a
 * read of the byte behind the end. */
#ifndef CPNI_TESTS_EXACT_H
#define CPNI_TESTS_EXACT_H

#include <stdlib.h>

#include "proto/core/check.h"
#include "proto/core/span.h"

/* Of a string literal with NUL bytes inside, for rows of tables. */
#define BYTES(literal) SPAN_LIT(literal)

static inline struct span exact_copy(struct span s)
{
    uint8_t *p = malloc(s.n ? s.n : 1);
    CHECK(p);
    if (s.n)
        memcpy(p, s.p, s.n);
    return span_of(p, s.n);
}

static inline void exact_free(struct span s)
{
    free((void *)(uintptr_t)s.p);
}

/* inner lies in outer; an empty span may lie anywhere. */
static inline bool exact_inside(struct span inner, struct span outer)
{
    return inner.n == 0 || (inner.p >= outer.p && inner.p + inner.n <= outer.p + outer.n);
}

#endif
