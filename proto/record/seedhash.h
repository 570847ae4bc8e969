/* seedhash.h - SipHash-1-3 (Aumasson, Bernstein 2012): a keyed hash for tables whose keys are
 * chosen by strangers. Not for anything that is stored. */
#ifndef CPNI_RECORD_SEEDHASH_H
#define CPNI_RECORD_SEEDHASH_H

#include "proto/core/span.h"

struct seed {
    uint64_t k0, k1; /* random, one pair a table */
};

uint64_t seedhash(struct seed seed, struct span s);

#endif
