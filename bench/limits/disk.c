#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "bench/limits/limits.h"
#include "bench/pace.h"

enum err limit_fdatasync(const struct limits_once *o, double *out)
{
    enum { BYTES = 64 * 1024, PATH_BYTES = 512 };
    static const uint8_t BLOCK[BYTES] = {1};
    char path[PATH_BYTES];
    double count = 0;
    snprintf(path, sizeof path, "%s/appended", o->dir);
    int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    bool ok = fd >= 0;
    uint64_t start = pace_now_us();
    do {
        ok = ok && write(fd, BLOCK, BYTES) == BYTES && fdatasync(fd) == 0;
        count++;
    } while (ok && pace_now_us() < o->until_us);
    *out = limit_rate(count, start);
    if (fd >= 0)
        close(fd);
    return ok ? OK : ERR_STORE;
}
