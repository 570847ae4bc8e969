/* zipf.h - few customers make most calls: rank k is drawn with probability 1/k over their sum
 * (exponent 1, as for words and for callers). */
#ifndef CPNI_BENCH_ZIPF_H
#define CPNI_BENCH_ZIPF_H

#include "bench/dice.h"
#include "proto/core/err.h"

struct zipf;

MUST_CHECK enum err zipf_new(uint32_t ranks, struct zipf **out); /* ERR_NOMEM; ranks > 0 */
struct zipf *zipf_free(struct zipf *z);
uint32_t zipf_draw(const struct zipf *z, struct dice *d); /* 0..ranks-1, 0 the most frequent */

#endif
