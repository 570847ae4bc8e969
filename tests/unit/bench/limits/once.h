/* once.h - one short measurement in a folder of its own. */
#ifndef CPNI_TESTS_BENCH_LIMITS_ONCE_H
#define CPNI_TESTS_BENCH_LIMITS_ONCE_H

#include <criterion/criterion.h>

#include "bench/limits/limits.h"
#include "bench/pace.h"
#include "bench/place.h"

static inline double limit_once(limit_fn *measure)
{
    enum { US = 5000 };
    struct place place;
    double value = -1;
    cr_assert_eq(place_folder(NULL, &place), OK);
    struct limits_once o = {place.dir, pace_now_us() + US};
    cr_expect_eq(measure(&o, &value), OK);
    place_done(&place);
    return value;
}

#endif
