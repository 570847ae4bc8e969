/* report.h - a result as aligned text for people and as one JSON object for scripts. */
#ifndef CPNI_BENCH_REPORT_H
#define CPNI_BENCH_REPORT_H

#include <stdio.h>

#include "bench/result.h"

void report_text(const struct result *r, FILE *out);
void report_json(const struct result *r, FILE *out);

#endif
