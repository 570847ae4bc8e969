#include "proto/core/check.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* write(2) and not stdio: the heap may be what is broken. */
static void put(const char *text)
{
    if (write(STDERR_FILENO, text, strlen(text)) < 0)
        return; /* nothing is left to tell it to */
}

void check_failed(const char *cond, const char *file, int line)
{
    char digits[12];
    size_t at = sizeof digits - 1;
    digits[at] = '\0';
    do
        digits[--at] = (char)('0' + line % 10);
    while ((line /= 10) != 0);
    put("level=fatal msg=\"broken invariant\" cond=\"");
    put(cond);
    put("\" at=");
    put(file);
    put(":");
    put(digits + at);
    put("\n");
    abort();
}
