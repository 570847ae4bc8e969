/* Proves, against the exact quantiles of sorted samples of several shapes: a quantile is never
 * below the exact one and at most 1/64 above it; small values are exact; nothing overflows. */
#include "bench/histogram.h"

#include <criterion/criterion.h>
#include <stdlib.h>

#include "bench/dice.h"

enum { SAMPLES = 5000 };

static int compare(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

static uint64_t draw(struct dice *d, unsigned shape)
{
    uint64_t n = dice_u64(d);
    switch (shape) {
    case 0:
        return n % 60;
    case 1:
        return n % 100000;
    default: /* every order of magnitude alike */
        return (n >> 24) >> (n % 38);
    }
}

Test(histogram, quantiles_are_exact_within_a_bucket)
{
    static const double Q[] = {0.001, 0.01, 0.25, 0.5, 0.9, 0.99, 0.999, 1};
    static uint64_t sample[SAMPLES];
    for (unsigned shape = 0; shape < 3; shape++) {
        struct histogram *h = calloc(1, sizeof *h);
        struct dice d = dice_of(shape, 1);
        for (size_t i = 0; i < SAMPLES; i++) {
            sample[i] = draw(&d, shape);
            histogram_add(h, sample[i], 1);
        }
        qsort(sample, SAMPLES, sizeof sample[0], compare);
        for (size_t i = 0; i < sizeof Q / sizeof Q[0]; i++) {
            double rank = Q[i] * SAMPLES;
            size_t n = (size_t)rank;
            n += (double)n < rank; /* the smallest count that is at least the share */
            uint64_t exact = sample[n - 1], got = histogram_quantile(h, Q[i]);
            cr_expect(got >= exact && got - exact <= exact / 64, "shape %u, q %g: %llu for %llu",
                      shape, Q[i], (unsigned long long)got, (unsigned long long)exact);
        }
        cr_expect_eq(histogram_quantile(h, 1), sample[SAMPLES - 1]);
        free(h);
    }
}

Test(histogram, small_values_are_exact)
{
    struct histogram *h = calloc(1, sizeof *h);
    for (uint64_t v = 0; v < 128; v++) {
        *h = (struct histogram){.count = 0};
        histogram_add(h, v, 3);
        histogram_add(h, 1u << 20, 1);
        cr_expect_eq(histogram_quantile(h, 0.5), v);
    }
    free(h);
}

Test(histogram, ends)
{
    struct histogram *h = calloc(1, sizeof *h);
    cr_expect_eq(histogram_quantile(h, 0.5), 0u, "empty");
    histogram_add(h, UINT64_MAX, 1);
    cr_expect_eq(h->count, 1u);
    cr_expect_eq(histogram_quantile(h, 0.5), (UINT64_C(1) << HISTOGRAM_VALUE_BITS) - 1);
    histogram_add(h, 5, 0);
    cr_expect_eq(h->count, 1u);
    free(h);
}

Test(histogram, merged_is_as_if_added)
{
    struct histogram *a = calloc(1, sizeof *a), *b = calloc(1, sizeof *b),
                     *both = calloc(1, sizeof *a);
    for (uint64_t i = 0; i < 1000; i++) {
        histogram_add(i % 3 ? a : b, i * i, 1);
        histogram_add(both, i * i, 1);
    }
    histogram_merge(a, b);
    cr_expect_eq(memcmp(a, both, sizeof *a), 0);
    free(a);
    free(b);
    free(both);
}
