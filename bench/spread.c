#include "bench/spread.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Student's t, 97.5 %: degrees of freedom 1 to 30; behind them 1.96 + 2.4/f is good to 0.2 %. */
static double student(double freedom)
{
    static const double T[] = {12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306,
                               2.262,  2.228, 2.201, 2.179, 2.160, 2.145, 2.131, 2.120,
                               2.110,  2.101, 2.093, 2.086, 2.080, 2.074, 2.069, 2.064,
                               2.060,  2.056, 2.052, 2.048, 2.045, 2.042};
    size_t f = freedom < 1 ? 1 : (size_t)freedom;
    return f <= sizeof T / sizeof T[0] ? T[f - 1] : 1.96 + 2.4 / freedom;
}

static double mean(const double *x, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += x[i];
    return sum / (double)n;
}

/* Of the mean: the variance of the sample by its size. */
static double variance_of_mean(const double *x, size_t n)
{
    double m = mean(x, n), sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += (x[i] - m) * (x[i] - m);
    return sum / (double)(n - 1) / (double)n;
}

/* The largest k for which the k-th smallest of n lies above the median with 2.5 % at most: the
 * lower half of a binomial distribution. */
static size_t order_rank(size_t n)
{
    double term = pow(0.5, (double)n), sum = term; /* none of n below the median */
    size_t k = 0;
    while (sum <= 0.025) {
        k++;
        term *= (double)(n - k + 1) / (double)k;
        sum += term;
    }
    return k;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static bool logarithms(const double *x, size_t n, double *out)
{
    bool above = n > 0;
    for (size_t i = 0; i < n; i++) {
        above &= x[i] > 0;
        out[i] = x[i] > 0 ? log(x[i]) : 0;
    }
    return above;
}

static void interval(const double *sorted, size_t n, struct spread *out)
{
    if (n >= SPREAD_ORDER_MIN) {
        size_t k = order_rank(n);
        out->low = sorted[k - 1];
        out->high = sorted[n - k];
    } else if (n > 1) {
        double log_of[SPREAD_RUNS_MAX];
        bool factors = logarithms(sorted, n, log_of);
        const double *x = factors ? log_of : sorted;
        double half = student((double)n - 1) * sqrt(variance_of_mean(x, n));
        out->low = mean(x, n) - half;
        out->high = mean(x, n) + half;
        if (factors) {
            out->low = exp(out->low);
            out->high = exp(out->high);
        }
    }
}

void spread_of(const double *run, size_t n, struct spread *out)
{
    double sorted[SPREAD_RUNS_MAX];
    *out = (struct spread){.n = n};
    if (n == 0)
        return;
    memcpy(sorted, run, n * sizeof sorted[0]);
    qsort(sorted, n, sizeof sorted[0], by_value);
    out->min = sorted[0];
    out->max = sorted[n - 1];
    out->median = (sorted[(n - 1) / 2] + sorted[n / 2]) / 2;
    out->low = out->high = out->median;
    interval(sorted, n, out);
}

/* Welch and Satterthwaite; without any scatter at all the freedom is of no matter. */
static double freedom(double va, size_t na, double vb, size_t nb)
{
    double sum = va + vb;
    double below = va * va / (double)(na - 1) + vb * vb / (double)(nb - 1);
    return below > 0 ? sum * sum / below : 1;
}

void spread_compare(const double *a, size_t a_n, const double *b, size_t b_n,
                    struct spread_change *out)
{
    double la[SPREAD_RUNS_MAX], lb[SPREAD_RUNS_MAX];
    bool a_above = logarithms(a, a_n, la), b_above = logarithms(b, b_n, lb);
    *out = (struct spread_change){.ratio = 0};
    if (!a_above || !b_above)
        return;
    double difference = mean(lb, b_n) - mean(la, a_n), half = 0;
    out->known = a_n > 1 && b_n > 1;
    if (out->known) {
        double va = variance_of_mean(la, a_n), vb = variance_of_mean(lb, b_n);
        half = student(freedom(va, a_n, vb, b_n)) * sqrt(va + vb);
    }
    out->ratio = exp(difference);
    out->low = exp(difference - half);
    out->high = exp(difference + half);
}
