#include <stdlib.h>
#include <string.h>

#include "bench/limits/limits.h"
#include "bench/pace.h"

enum err limit_memcpy(const struct limits_once *o, double *out)
{
    enum { BYTES = 64 << 20, STEP = 1 << 20 };
    uint8_t *p = malloc((size_t)2 * BYTES);
    uint64_t now, start = pace_now_us();
    double bytes = 0;
    if (!p)
        return ERR_NOMEM;
    memset(p, 1, (size_t)2 * BYTES); /* pages are there before the clock starts */
    start = now = pace_now_us();
    for (size_t at = 0; now < o->until_us || bytes == 0; at = (at + STEP) % BYTES) {
        memcpy(p + BYTES + at, p + at, STEP);
        __asm__ volatile("" : : "r"(p) : "memory"); /* the copy is wanted */
        bytes += STEP;
        now = pace_now_us();
    }
    *out = limit_rate(bytes, start);
    free(p);
    return OK;
}
