#include "bench/machine.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/utsname.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

#include "bench/put.h"
#include "proto/core/instant.h"

enum { TEXT_BYTES = 16 * 1024 };

void machine_add(struct machine *m, struct span name, struct span value)
{
    if (m->count == MACHINE_FACTS_MAX)
        return;
    struct machine_fact *f = &m->fact[m->count++];
    snprintf(f->name, sizeof f->name, "%.*s", (int)name.n, (const char *)name.p);
    snprintf(f->value, sizeof f->value, "%.*s", (int)value.n, (const char *)value.p);
}

const char *machine_fact(const struct machine *m, const char *name)
{
    for (size_t i = 0; i < m->count; i++)
        if (span_is(span_str(m->fact[i].name), name))
            return m->fact[i].value;
    return NULL;
}

static struct span slurp(const char *path, char room[static TEXT_BYTES])
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, room, TEXT_BYTES);
    if (fd >= 0)
        close(fd);
    return span_of(room, n > 0 ? (size_t)n : 0);
}

/* The rest of the first line of a file that begins with `head`, behind blanks and a colon. */
static void put_line(struct buf *b, const char *path, const char *head)
{
    char room[TEXT_BYTES];
    for (struct span rest = slurp(path, room); rest.n;) {
        struct span line = span_cut(&rest, '\n');
        if (!span_starts(line, span_str(head)))
            continue;
        struct span value = span_trim(span_from(line, strlen(head)));
        if (value.n && value.p[0] == ':')
            value = span_trim(span_from(value, 1));
        buf_put(b, value);
        return;
    }
}

static void put_cpu(struct buf *b, const char *dir)
{
    (void)dir;
    put_line(b, "/proc/cpuinfo", "model name");
}

static void put_cores(struct buf *b, const char *dir)
{
    (void)dir;
    put_format(b, "%ld", sysconf(_SC_NPROCESSORS_ONLN));
}

static void put_governor(struct buf *b, const char *dir)
{
    (void)dir;
    put_line(b, "/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor", "");
}

/* A guest's neighbours are part of its spread. */
static void put_guest(struct buf *b, const char *dir)
{
    char room[TEXT_BYTES];
    (void)dir;
    struct span text = slurp("/proc/cpuinfo", room), flag = SPAN_LIT(" hypervisor");
    if (text.n)
        buf_str(b, span_find_span(text, flag) < text.n ? "yes" : "no");
}

static void put_memory(struct buf *b, const char *dir)
{
    (void)dir;
    put_line(b, "/proc/meminfo", "MemTotal");
}

static void put_kernel(struct buf *b, const char *dir)
{
    struct utsname u;
    (void)dir;
    if (uname(&u) == 0)
        put_format(b, "%s %s %s", u.sysname, u.release, u.machine);
}

static void put_load(struct buf *b, const char *dir)
{
    (void)dir;
    put_line(b, "/proc/loadavg", "");
}

static void put_udp_buffer(struct buf *b, const char *dir)
{
    (void)dir;
    put_line(b, "/proc/sys/net/core/rmem_max", "");
}

/* statfs(2) tells file systems by their magic numbers. */
static void put_file_system(struct buf *b, const char *dir)
{
    static const struct {
        long magic;
        const char *name;
    } KNOWN[] = {{0xef53, "ext"},       {0x58465342, "xfs"}, {0x9123683e, "btrfs"},
                 {0x01021994, "tmpfs"}, {0x2fc12fc1, "zfs"}, {0x794c7630, "overlay"},
                 {0x6969, "nfs"}};
    struct statfs s;
    if (statfs(dir, &s) != 0)
        return;
    for (size_t i = 0; i < sizeof KNOWN / sizeof KNOWN[0]; i++)
        if (s.f_type == KNOWN[i].magic)
            buf_str(b, KNOWN[i].name);
    put_format(b, " (%#lx), %llu GiB free", (unsigned long)s.f_type,
               (unsigned long long)s.f_bavail * (unsigned long long)s.f_bsize >> 30);
}

static void put_compiler(struct buf *b, const char *dir)
{
    (void)dir;
#if defined __clang__
    buf_str(b, "clang " __clang_version__);
#else
    buf_str(b, "gcc " __VERSION__);
#endif
}

static void put_build(struct buf *b, const char *dir)
{
    (void)dir;
#if defined __SANITIZE_ADDRESS__
    buf_str(b, "ASan: not for measuring");
#elif defined __OPTIMIZE__
    buf_str(b, "optimised");
#else
    buf_str(b, "not optimised: not for measuring");
#endif
}

static void put_version(struct buf *b, const char *dir)
{
    (void)dir;
    buf_str(b, CPNI_VERSION);
}

static void put_when(struct buf *b, const char *dir)
{
    (void)dir;
    put_stamp(b, (int64_t)time(NULL) * US_PER_S);
}

/* clang-format off */
static const struct {
    const char *name;
    void (*put)(struct buf *b, const char *dir);
} FACTS[] = {
    {"when_utc",      put_when},
    {"version",       put_version},
    {"build",         put_build},
    {"compiler",      put_compiler},
    {"cpu",           put_cpu},
    {"cores",         put_cores},
    {"governor",      put_governor},
    {"virtual",       put_guest},
    {"memory",        put_memory},
    {"kernel",        put_kernel},
    {"load_before",   put_load},
    {"udp_rmem_max",  put_udp_buffer},
    {"file_system",   put_file_system},
};
/* clang-format on */

void machine_read(const char *dir, struct machine *out)
{
    char room[MACHINE_VALUE_BYTES];
    *out = (struct machine){.count = 0};
    for (size_t i = 0; i < sizeof FACTS / sizeof FACTS[0]; i++) {
        struct buf b = buf_of(room, sizeof room);
        FACTS[i].put(&b, dir);
        machine_add(out, span_str(FACTS[i].name), b.n ? buf_span(&b) : span_str("unknown"));
    }
}

void machine_add_load(struct machine *m, const char *name)
{
    char room[MACHINE_VALUE_BYTES];
    struct buf b = buf_of(room, sizeof room);
    put_load(&b, "");
    machine_add(m, span_str(name), buf_span(&b));
}
