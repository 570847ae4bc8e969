/* put.h - formatted text into a buf. */
#ifndef CPNI_BENCH_PUT_H
#define CPNI_BENCH_PUT_H

#include "proto/core/buf.h"

/* Left out whole, and remembered as full, when it does not fit. */
__attribute__((format(printf, 2, 3))) void put_format(struct buf *b, const char *format, ...);

/* "2026-11-20 09:00:07", UTC, the fraction cut. */
void put_stamp(struct buf *b, int64_t us);

#endif
