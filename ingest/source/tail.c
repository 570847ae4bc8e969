#include "ingest/source/tail.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "proto/core/buf.h"
#include "proto/core/instant.h"
#include "proto/core/reader.h"

enum {
    CURSOR_FORMAT = 1,
    CURSOR_SKIPPING = 1, /* flag: the offset is inside a line that is passed over */
    PRINT_BYTES_MAX = 255,
    PRINT_BYTES_MIN = 32, /* fewer bytes than that do not tell a copy from another file */
    BLOCK_BYTES = 256 * 1024,
    ROOM_BYTES = LINE_BYTES_MAX + BLOCK_BYTES,
    DRAINED_MAX = 16,          /* generations remembered, so that none is read twice for nothing */
    FILE_TIME_GRAIN_US = 10000 /* a file's time is that of the kernel's last tick */
};

struct print { /* hash of the first n bytes */
    uint8_t n;
    uint64_t hash;
};

struct place { /* what a cursor says */
    uint64_t dev, ino, offset;
    int64_t changed_us; /* mtime of the file, to find what came behind it */
    struct print print;
    bool skipping;
};

struct tail {
    struct tail_options options;
    int fd;             /* -1: none open */
    struct place place; /* in it; place.ino == 0: nowhere yet */
    bool resuming;      /* place came from a predecessor: find the file first */
    bool waiting;       /* for the first file to come, from the time in st on */
    struct place drained[DRAINED_MAX];
    size_t drained_count;
    struct stat st;   /* as of the last look */
    int64_t still_us; /* its last change; since still_since_us we have seen no other */
    uint64_t still_since_us;
    size_t held; /* bytes in room, from place.offset on */
    uint8_t room[ROOM_BYTES];
};

/* --- fingerprints --- */

/* FNV-1a: the files are our own switch's, nobody chooses collisions. */
static uint64_t hash_bytes(struct span s)
{
    uint64_t h = 0xcbf29ce484222325u;
    for (size_t i = 0; i < s.n; i++)
        h = (h ^ s.p[i]) * 0x100000001b3u;
    return h;
}

static bool print_take(int fd, size_t n, struct print *out)
{
    uint8_t head[PRINT_BYTES_MAX];
    ssize_t got = pread(fd, head, n, 0);
    if (got < 0 || (size_t)got != n)
        return false;
    *out = (struct print){(uint8_t)n, hash_bytes(span_of(head, n))};
    return true;
}

static bool print_matches(int fd, const struct print *p)
{
    struct print now;
    if (p->n == 0)
        return true; /* nothing was read yet: any file will do */
    return print_take(fd, p->n, &now) && now.hash == p->hash;
}

/* The longer the file was read, the more the print says, up to PRINT_BYTES_MAX. */
static void print_extend(struct tail *t)
{
    size_t n = t->place.offset < PRINT_BYTES_MAX ? (size_t)t->place.offset : PRINT_BYTES_MAX;
    if (t->place.print.n < n)
        print_take(t->fd, n, &t->place.print); /* failing that, the shorter one stands */
}

/* --- cursors --- */

static int64_t instant_of(struct timespec t)
{
    return (int64_t)t.tv_sec * US_PER_S + t.tv_nsec / 1000;
}

static void give_cursor(struct tail *t)
{
    uint8_t bytes[CURSOR_BYTES_MAX];
    struct buf b = buf_of(bytes, sizeof bytes);
    buf_u8(&b, CURSOR_FORMAT);
    buf_u8(&b, t->place.skipping ? CURSOR_SKIPPING : 0);
    buf_be64(&b, t->place.dev);
    buf_be64(&b, t->place.ino);
    buf_be64(&b, t->place.offset);
    buf_be64(&b, (uint64_t)instant_of(t->st.st_mtim));
    buf_u8(&b, t->place.print.n);
    buf_be64(&b, t->place.print.hash);
    t->options.ops.cursor(t->options.ops.arg, buf_span(&b));
}

static bool read_cursor(struct span in, struct place *out)
{
    struct reader r = reader_of(in);
    unsigned format = reader_u8(&r);
    unsigned flags = reader_u8(&r);
    struct place p = {0};
    p.dev = reader_be64(&r);
    p.ino = reader_be64(&r);
    p.offset = reader_be64(&r);
    p.changed_us = (int64_t)reader_be64(&r);
    p.print.n = reader_u8(&r);
    p.print.hash = reader_be64(&r);
    p.skipping = flags & CURSOR_SKIPPING;
    if (!reader_ok(&r) || reader_more(&r) || format != CURSOR_FORMAT)
        return false;
    *out = p;
    return true;
}

static void say(struct tail *t, enum tail_event event)
{
    t->options.ops.event(t->options.ops.arg, event, t->place.offset);
}

/* --- files --- */

enum err tail_new(const struct tail_options *options, struct span cursor, struct tail **out)
{
    struct tail *t = calloc(1, sizeof *t);
    if (!t)
        return ERR_NOMEM;
    t->options = *options;
    t->fd = -1;
    t->resuming = read_cursor(cursor, &t->place);
    *out = t;
    return OK;
}

struct tail *tail_free(struct tail *t)
{
    if (!t)
        return NULL;
    if (t->fd >= 0)
        close(t->fd);
    explicit_bzero(t, sizeof *t);
    free(t);
    return NULL;
}

/* Only regular files are read: opening a FIFO would wait for its writer. -1: errno says why. */
static int open_file(const struct tail *t, const char *name, struct stat *st)
{
    int fd = openat(t->options.dir_fd, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW);
    if (fd < 0)
        return -1;
    if (fstat(fd, st) == 0 && S_ISREG(st->st_mode))
        return fd;
    close(fd);
    errno = EISDIR;
    return -1;
}

static enum tail_event trouble_of(int error)
{
    switch (error) {
    case EACCES:
    case EPERM:
        return TAIL_DENIED;
    case EISDIR:
    case ELOOP: /* O_NOFOLLOW */
    case ENXIO: /* a socket */
        return TAIL_NO_FILE;
    default:
        return TAIL_FAILED;
    }
}

/* There is nothing to read: is that because FILE is there and cannot be? */
static enum tail_state wait_for_file(struct tail *t)
{
    struct stat st;
    int fd = open_file(t, t->options.file_name, &st);
    if (fd >= 0)
        close(fd);
    else if (errno != ENOENT)
        say(t, trouble_of(errno));
    return TAIL_WAITING;
}

/* FILE itself, or a generation of it: FILE.1, FILE-20261121, FILE.2026-11-21-08-00-00. */
static bool is_generation(const struct tail *t, const char *name)
{
    size_t n = strlen(t->options.file_name);
    return strncmp(name, t->options.file_name, n) == 0 &&
           (name[n] == '\0' || name[n] == '.' || name[n] == '-');
}

static bool is_compressed(int fd)
{
    static const uint8_t MAGIC[][2] = {{0x1f, 0x8b}, {'B', 'Z'}, {0xfd, '7'}, {0x28, 0xb5}};
    uint8_t head[2];
    if (pread(fd, head, sizeof head, 0) != (ssize_t)sizeof head)
        return false;
    for (size_t i = 0; i < sizeof MAGIC / sizeof MAGIC[0]; i++)
        if (memcmp(head, MAGIC[i], sizeof head) == 0)
            return true;
    return false;
}

struct found { /* an open generation */
    int fd;
    struct stat st;
    char name[NAME_MAX + 1];
};

/* Is f a better answer than the best so far? Takes f's descriptor on true. */
typedef bool better_fn(const struct tail *t, const struct found *f, const struct found *best,
                       const void *arg);

static void consider(const struct tail *t, const char *name, better_fn *better, const void *arg,
                     struct found *best)
{
    struct found f;
    f.fd = open_file(t, name, &f.st);
    if (f.fd < 0)
        return;
    strncpy(f.name, name, sizeof f.name - 1);
    f.name[sizeof f.name - 1] = '\0';
    if (!better(t, &f, best->fd >= 0 ? best : NULL, arg)) {
        close(f.fd);
        return;
    }
    if (best->fd >= 0)
        close(best->fd);
    *best = f;
}

/* The best of the generations in the directory; fd -1 when there is none. */
static struct found search(const struct tail *t, better_fn *better, const void *arg)
{
    struct found best = {.fd = -1};
    /* Not opened again: this process may have dropped the right to list the directory. */
    int fd = fcntl(t->options.dir_fd, F_DUPFD_CLOEXEC, 0);
    DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
    if (!dir) {
        if (fd >= 0)
            close(fd);
        return best;
    }
    rewinddir(dir);
    for (const struct dirent *e; (e = readdir(dir)) != NULL;)
        if (is_generation(t, e->d_name))
            consider(t, e->d_name, better, arg, &best);
    closedir(dir);
    return best;
}

static bool same_inode(const struct place *p, const struct stat *st)
{
    return p->ino == st->st_ino && p->dev == st->st_dev;
}

static bool continues(const struct place *p, int fd, const struct stat *st)
{
    return (uint64_t)st->st_size >= p->offset && print_matches(fd, &p->print);
}

/* The file a cursor points to: best the same inode, else a copy, told by its first bytes. */
static bool better_match(const struct tail *t, const struct found *f, const struct found *best,
                         const void *arg)
{
    const struct place *p = arg;
    (void)t;
    if (!continues(p, f->fd, &f->st))
        return false;
    if (same_inode(p, &f->st))
        return true;
    return !best && p->print.n >= PRINT_BYTES_MIN;
}

static const struct place *drained_of(const struct tail *t, const struct found *f)
{
    size_t oldest = t->drained_count > DRAINED_MAX ? t->drained_count - DRAINED_MAX : 0;
    for (size_t i = t->drained_count; i > oldest; i--) {
        const struct place *p = &t->drained[(i - 1) % DRAINED_MAX];
        if ((same_inode(p, &f->st) || p->print.n >= PRINT_BYTES_MIN) && continues(p, f->fd, &f->st))
            return p;
    }
    return NULL;
}

/* Behind a file comes the oldest of those that changed no earlier than it (*arg), FILE itself
 * last, whatever the clock says. */
static bool better_next(const struct tail *t, const struct found *f, const struct found *best,
                        const void *arg)
{
    const int64_t *after_us = arg;
    const struct place *known = drained_of(t, f);
    if (known && known->offset == (uint64_t)f->st.st_size)
        return false;
    if (strcmp(f->name, t->options.file_name) == 0)
        return !best;
    if (instant_of(f->st.st_mtim) < *after_us)
        return false;
    return !best || strcmp(best->name, t->options.file_name) == 0 ||
           instant_of(f->st.st_mtim) < instant_of(best->st.st_mtim);
}

/* --- where to read --- */

static void begin(struct tail *t, struct found f, struct place from)
{
    if (t->fd >= 0 && t->fd != f.fd)
        close(t->fd);
    t->fd = f.fd;
    t->st = f.st;
    t->held = 0;
    t->place = from;
    t->place.dev = f.st.st_dev;
    t->place.ino = f.st.st_ino;
}

static void remember(struct tail *t, struct place p)
{
    t->drained[t->drained_count++ % DRAINED_MAX] = p;
}

/* Begins the next generation behind one that changed at after_us. False: there is none. */
static bool begin_next(struct tail *t, int64_t after_us)
{
    struct found f;
    while ((f = search(t, better_next, &after_us)).fd >= 0 && is_compressed(f.fd)) {
        /* Rotated and compressed before we came: its records are in there, unread. */
        say(t, TAIL_LOST);
        remember(t,
                 (struct place){f.st.st_dev, f.st.st_ino, (uint64_t)f.st.st_size, 0, {0}, false});
        close(f.fd);
    }
    if (f.fd < 0)
        return false;
    const struct place *known = drained_of(t, &f);
    begin(t, f, known ? *known : (struct place){0});
    return true;
}

/* Nothing to read yet: what changes from now_us on is ours. */
static void wait_from(struct tail *t, int64_t now_us)
{
    t->st.st_mtim = (struct timespec){now_us / US_PER_S, now_us % US_PER_S * 1000};
    t->waiting = true;
}

/* Goes on where a predecessor stopped. What its cursor points to may be gone: then what came
 * behind it is all that can be had. */
static bool resume(struct tail *t)
{
    struct found f = search(t, better_match, &t->place);
    t->resuming = false;
    if (f.fd >= 0) {
        begin(t, f, t->place);
        return true;
    }
    if (t->place.offset > 0)
        say(t, TAIL_LOST);
    wait_from(t, t->place.changed_us);
    t->place = (struct place){0};
    return false;
}

/* Nobody has looked yet: generations of before are not our business, but what is written from now
 * on is. It may be rotated before the next look or a successor's first, hence the cursor. */
static bool open_new(struct tail *t)
{
    struct found f;
    f.fd = open_file(t, t->options.file_name, &f.st);
    if (f.fd >= 0)
        begin(t, f, (struct place){0});
    else
        wait_from(t, clock_wall_us(t->options.clock) - FILE_TIME_GRAIN_US);
    give_cursor(t);
    return f.fd >= 0;
}

/* Opens what is to be read first. */
static bool open_first(struct tail *t)
{
    if (t->resuming && resume(t))
        return true;
    return t->waiting ? begin_next(t, instant_of(t->st.st_mtim)) : open_new(t);
}

static bool open_next(struct tail *t)
{
    remember(t, t->place);
    if (!begin_next(t, instant_of(t->st.st_mtim))) {
        t->drained_count--; /* stay with the old one until there is another */
        return false;
    }
    say(t, TAIL_ROTATED);
    return true;
}

/* FILE was truncated or its text replaced. If a copy was made first, what we had not read is
 * in it. */
static void restart(struct tail *t)
{
    struct place was = t->place;
    say(t, TAIL_TRUNCATED);
    t->held = 0;
    t->place = (struct place){.dev = was.dev, .ino = was.ino};
    if (was.print.n < PRINT_BYTES_MIN)
        return;
    struct found f = search(t, better_match, &was);
    if (f.fd >= 0 && !same_inode(&was, &f.st))
        begin(t, f, was);
    else if (f.fd >= 0)
        close(f.fd);
}

/* --- reading --- */

/* Appends one block to what is held. ERR_STORE: the disk failed. ERR_CONFLICT: the file is not
 * what it was, begin again. */
static enum err read_block(struct tail *t, size_t *got)
{
    size_t want = sizeof t->room - t->held < BLOCK_BYTES ? sizeof t->room - t->held : BLOCK_BYTES;
    ssize_t n = pread(t->fd, t->room + t->held, want, (off_t)(t->place.offset + t->held));
    if (n < 0 || fstat(t->fd, &t->st) != 0) {
        say(t, TAIL_FAILED);
        return ERR_STORE;
    }
    /* Looked at behind the read, so that nothing of another text is taken for ours. */
    if (!continues(&t->place, t->fd, &t->st)) {
        restart(t);
        return ERR_CONFLICT;
    }
    if ((uint64_t)t->st.st_size < t->place.offset + t->held) { /* half a line was taken back */
        t->held = 0;
        return ERR_CONFLICT;
    }
    t->held += (size_t)n;
    *got = (size_t)n;
    return OK;
}

static void advance(struct tail *t, size_t *at, size_t used)
{
    *at += used;
    t->place.offset += used;
}

/* Passes over the rest of a line that is too long. */
static void skip_line(struct tail *t, size_t *at)
{
    struct span left = span_of(t->room + *at, t->held - *at);
    size_t end = span_find(left, '\n');
    bool found = end < left.n;
    advance(t, at, found ? end + 1 : left.n);
    t->place.skipping = !found;
}

/* Hands on what is held, record by record. */
static enum err hand_on(struct tail *t, bool at_end)
{
    size_t at = 0;
    enum err e = OK;
    while (at < t->held) {
        size_t used = 0;
        if (t->place.skipping) {
            skip_line(t, &at);
            give_cursor(t);
            continue;
        }
        struct span in = span_of(t->room + at, t->held - at);
        e = t->options.ops.take(t->options.ops.arg, in, at_end, &used);
        if (e == ERR_MORE && in.n > LINE_BYTES_MAX)
            e = ERR_LIMIT;
        if (e == ERR_LIMIT) {
            say(t, TAIL_SKIPPED);
            t->place.skipping = true;
            continue;
        }
        if (e != OK)
            break;
        advance(t, &at, used);
        print_extend(t);
        give_cursor(t);
    }
    memmove(t->room, t->room + at, t->held - at);
    t->held -= at;
    return e;
}

/* Nobody writes to it any more: neither its text nor its name changed for linger_ms. By the
 * monotonic clock, too: after the wall clock was set back a file is of the future, and would
 * stay so for long. */
static bool is_quiet(struct tail *t)
{
    int64_t text_us = instant_of(t->st.st_mtim), name_us = instant_of(t->st.st_ctim);
    int64_t last_us = text_us > name_us ? text_us : name_us;
    uint64_t now_us = clock_mono_us(t->options.clock);
    uint64_t linger_us = (uint64_t)t->options.linger_ms * US_PER_MS;
    if (last_us != t->still_us) {
        t->still_us = last_us;
        t->still_since_us = now_us;
    }
    return clock_wall_us(t->options.clock) - last_us >= (int64_t)linger_us ||
           now_us - t->still_since_us >= linger_us;
}

/* At the end of the current file: has another taken its name? */
static enum tail_state at_the_end(struct tail *t)
{
    struct stat st;
    if (fstatat(t->options.dir_fd, t->options.file_name, &st, AT_SYMLINK_NOFOLLOW) != 0 ||
        !S_ISREG(st.st_mode))
        return wait_for_file(t);
    if (same_inode(&t->place, &st) || !is_quiet(t))
        return TAIL_WAITING;
    if (t->held > 0 && hand_on(t, true) == ERR_FULL)
        return TAIL_FULL;
    return open_next(t) ? TAIL_BUSY : wait_for_file(t);
}

enum tail_state tail_step(struct tail *t)
{
    size_t got = 0;
    if (t->fd < 0 && !open_first(t))
        return wait_for_file(t);
    if (t->held > 0 && hand_on(t, false) == ERR_FULL) /* what was left when there was no room */
        return TAIL_FULL;
    enum err e = read_block(t, &got);
    if (e != OK)
        return e == ERR_CONFLICT ? TAIL_BUSY : TAIL_WAITING;
    if (got == 0)
        return at_the_end(t);
    return hand_on(t, false) == ERR_FULL ? TAIL_FULL : TAIL_BUSY;
}

static uint64_t unread_bytes(const struct tail *t, const struct stat *st)
{
    uint64_t bytes = (uint64_t)st->st_size;
    uint64_t read = same_inode(&t->place, st) ? t->place.offset : 0;
    return bytes > read ? bytes - read : 0;
}

uint64_t tail_behind_bytes(const struct tail *t)
{
    struct stat open, named;
    bool is_open = t->fd >= 0 && fstat(t->fd, &open) == 0;
    uint64_t bytes = is_open ? unread_bytes(t, &open) : 0;
    bool is_named =
        fstatat(t->options.dir_fd, t->options.file_name, &named, AT_SYMLINK_NOFOLLOW) == 0 &&
        S_ISREG(named.st_mode);
    if (is_named && !(is_open && same_inode(&t->place, &named)))
        bytes += unread_bytes(t, &named);
    return bytes;
}
