#include "bench/put.h"

#include <stdarg.h>
#include <stdio.h>

#include "proto/core/instant.h"

void put_format(struct buf *b, const char *format, ...)
{
    va_list args;
    size_t left = b->cap - b->n;
    va_start(args, format);
    int n = vsnprintf((char *)b->p + b->n, left, format, args);
    va_end(args);
    if (b->full || n < 0 || (size_t)n >= left) /* vsnprintf also wants room for its NUL */
        b->full = true;
    else
        b->n += (size_t)n;
}

void put_stamp(struct buf *b, int64_t us)
{
    struct civil c = instant_civil(us);
    put_format(b, "%04d-%02d-%02d %02d:%02d:%02d", c.year, c.month, c.day, c.hour, c.minute,
               c.second);
}
