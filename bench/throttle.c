#include "bench/throttle.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "proto/core/span.h"

enum { TEXT_BYTES = 512 };

static bool has_io(const char *root)
{
    char path[THROTTLE_PATH_BYTES], text[TEXT_BYTES];
    snprintf(path, sizeof path, "%s/cgroup.subtree_control", root);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof text);
    if (fd >= 0)
        close(fd);
    for (struct span rest = span_trim(span_of(text, n > 0 ? (size_t)n : 0)); rest.n;)
        if (span_is(span_cut(&rest, ' '), "io"))
            return true;
    return false;
}

static bool set(const struct throttle *t, const char *name, const char *value)
{
    char path[THROTTLE_PATH_BYTES + 32];
    snprintf(path, sizeof path, "%s/%s", t->group, name);
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : write(fd, value, strlen(value));
    if (fd >= 0)
        close(fd);
    return n == (ssize_t)strlen(value);
}

static bool set_limit(const struct throttle_options *o, const struct throttle *t)
{
    char value[TEXT_BYTES];
    struct stat st;
    if (stat(o->dir, &st) != 0)
        return false;
    snprintf(value, sizeof value, "%u:%u wbps=%" PRIu64, major(st.st_dev), minor(st.st_dev),
             o->bytes_per_s);
    return set(t, "io.max", value);
}

enum err throttle_begin(const struct throttle_options *o, struct throttle *out, struct diag *d)
{
    char pid[TEXT_BYTES];
    if (!has_io(o->root))
        return diag_set(d, ERR_DENIED,
                        "a slow disk needs control groups of version 2 with the io controller", 0);
    snprintf(out->group, sizeof out->group, "%s/cpnibench-%ld", o->root, (long)getpid());
    bool ok = (mkdir(out->group, 0755) == 0 || errno == EEXIST) && set_limit(o, out);
    for (size_t i = 0; ok && i < o->pids_count; i++) {
        snprintf(pid, sizeof pid, "%ld", (long)o->pid[i]);
        ok = set(out, "cgroup.procs", pid);
    }
    if (!ok)
        throttle_end(out);
    return ok ? OK : diag_set(d, ERR_DENIED, "a slow disk needs root and a disk with io.max", 0);
}

void throttle_end(struct throttle *t)
{
    if (t->group[0])
        rmdir(t->group);
    t->group[0] = 0;
}
