/* report.h - the result of a run as figures, and series of figures as aligned text for people. */
#ifndef CPNI_BENCH_REPORT_H
#define CPNI_BENCH_REPORT_H

#include <stdio.h>

#include "bench/result.h"
#include "bench/series.h"

/* One more run of the series. */
void report_take(struct series *s, const struct result *r);

/* A line a figure: the median; of several runs also least, most and the interval of 95 %. */
void report_text(const struct series *s, FILE *out);

#endif
