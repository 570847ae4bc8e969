#include "bench/process.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "proto/core/instant.h"

enum { TEXT_BYTES = 4096, PATH_BYTES = 512 };

static struct span slurp(pid_t pid, const char *name, char room[static TEXT_BYTES])
{
    char path[PATH_BYTES];
    snprintf(path, sizeof path, "/proc/%ld/%s", (long)pid, name);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, room, TEXT_BYTES);
    if (fd >= 0)
        close(fd);
    return span_of(room, n > 0 ? (size_t)n : 0);
}

/* Word i of /proc/PID/stat behind the name, which is in brackets and may hold blanks. */
static uint64_t stat_word(struct span stat, unsigned i)
{
    uint64_t value = 0;
    size_t end = stat.n;
    while (end && stat.p[end - 1] != ')')
        end--;
    struct span rest = span_trim(span_from(stat, end));
    for (; i > 0; i--)
        span_cut(&rest, ' ');
    return span_u64(span_cut(&rest, ' '), UINT64_MAX, &value) == OK ? value : 0;
}

static uint64_t status_kib(struct span status, const char *name)
{
    uint64_t value = 0;
    size_t at = span_find_span(status, span_str(name));
    struct span rest = span_trim(span_from(status, at + strlen(name)));
    return span_u64(span_cut(&rest, ' '), UINT64_MAX, &value) == OK ? value : 0;
}

/* proc(5): utime and stime are words 14 and 15, the name is 2. */
enum { WORD_PPID = 1, WORD_UTIME = 11, WORD_STIME = 12 };

enum err process_sample(pid_t pid, struct result_process *out)
{
    char room[TEXT_BYTES];
    struct span name = span_trim(slurp(pid, "comm", room));
    if (name.n == 0)
        return ERR_NOTFOUND;
    *out = (struct result_process){.cpu_us = 0};
    snprintf(out->name, sizeof out->name, "%.*s", (int)name.n, (const char *)name.p);
    struct span stat = slurp(pid, "stat", room);
    uint64_t ticks = stat_word(stat, WORD_UTIME) + stat_word(stat, WORD_STIME);
    out->cpu_us = ticks * US_PER_S / (uint64_t)sysconf(_SC_CLK_TCK);
    struct span status = slurp(pid, "status", room);
    out->rss_max_kib = status_kib(status, "VmHWM:");
    out->rss_kib = status_kib(status, "VmRSS:");
    return OK;
}

size_t process_family(pid_t parent, pid_t *out, size_t max)
{
    char room[TEXT_BYTES];
    size_t n = 0;
    DIR *dir = opendir("/proc");
    if (n < max)
        out[n++] = parent;
    for (struct dirent *e; dir && n < max && (e = readdir(dir)) != NULL;) {
        uint64_t pid;
        if (span_u64(span_str(e->d_name), INT32_MAX, &pid) == OK &&
            stat_word(slurp((pid_t)pid, "stat", room), WORD_PPID) == (uint64_t)parent)
            out[n++] = (pid_t)pid;
    }
    if (dir)
        closedir(dir);
    return n;
}

/* Folders of a state directory are few and not deep. */
uint64_t process_tree_bytes(const char *path)
{
    uint64_t bytes = 0;
    char below[PATH_BYTES];
    struct stat st;
    DIR *dir = opendir(path);
    for (struct dirent *e; dir && (e = readdir(dir)) != NULL;) {
        bool self = strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0;
        int n = snprintf(below, sizeof below, "%s/%s", path, e->d_name);
        if (self || n >= PATH_BYTES || lstat(below, &st) != 0)
            continue;
        if (S_ISDIR(st.st_mode))
            bytes += process_tree_bytes(below);
        else if (S_ISREG(st.st_mode))
            bytes += (uint64_t)st.st_size;
    }
    if (dir)
        closedir(dir);
    return bytes;
}
