#include "bench/zipf.h"

#include <stdlib.h>

struct zipf {
    uint32_t ranks;
    double upto[]; /* sum of 1/k for the ranks up to this one */
};

enum err zipf_new(uint32_t ranks, struct zipf **out)
{
    struct zipf *z = malloc(sizeof *z + ranks * sizeof z->upto[0]);
    double sum = 0;
    if (!z)
        return ERR_NOMEM;
    z->ranks = ranks;
    for (uint32_t k = 0; k < ranks; k++)
        z->upto[k] = sum += 1.0 / (k + 1.0);
    *out = z;
    return OK;
}

struct zipf *zipf_free(struct zipf *z)
{
    free(z);
    return NULL;
}

uint32_t zipf_draw(const struct zipf *z, struct dice *d)
{
    /* 53 bits are what a double holds; the product is below the last sum. */
    double at = (double)(dice_u64(d) >> 11) / 9007199254740992.0 * z->upto[z->ranks - 1];
    uint32_t low = 0, high = z->ranks - 1;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (z->upto[middle] <= at)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}
